/** The byte stream of a message: meta and buffers (`docs/protocol.md`, section 4). */

import { ProtocolError } from '../errors.js';
import { type Bytes, type Chunked, decodeJSON, encodeJSON } from './bytes.js';
import { MAX_ENTRIES, MAX_MESSAGE_BUFFERS, MAX_META_SIZE, MAX_PORTS } from './clone/limits.js';
import type { Entry, Serialized, Slot } from './clone/types.js';

export { MAX_MESSAGE_SIZE, MAX_PORTS } from './clone/limits.js';

/** A message as it crosses a link. */
export interface WireMessage extends Serialized {
  /** Ids of all ports that it carries. */
  readonly ports: readonly number[];
}

/** A Blob in a message: its bytes are to be had on the port with this place in the list of ids. */
export interface WireBlob {
  readonly index: number;
  readonly type: string;
  readonly size: number;
}

/** A message as it came over a link. */
export interface ReceivedMessage extends WireMessage {
  readonly blobs: readonly WireBlob[];
}

/** The pieces of a message's byte stream. */
export function encodeMessage(message: WireMessage): Bytes[] {
  const { root, entries, buffers, ports } = message;
  const json = encodeJSON([root, entries, buffers.map(buffer => buffer.size), ports]);
  const head = new Uint8Array(4 + json.byteLength);
  new DataView(head.buffer).setUint32(0, json.byteLength, true);
  head.set(json, 4);
  const parts = [head];
  for (const buffer of buffers) parts.push(...buffer.chunks);
  return parts;
}

/**
 * The message of a byte stream.
 *
 * @param parts - its pieces, as they came.
 * @throws ProtocolError for a stream that is no message or exceeds a limit. Entries are checked by `deserialize`.
 */
export function decodeMessage(parts: readonly Bytes[]): ReceivedMessage {
  const cursor = new Cursor(parts);
  const lengthBytes = cursor.contiguous(4);
  const metaSize = new DataView(lengthBytes.buffer, lengthBytes.byteOffset, 4).getUint32(0, true);
  if (metaSize > MAX_META_SIZE) throw new ProtocolError(`a message whose meta has ${metaSize} bytes`);
  const metaBytes = cursor.contiguous(metaSize);
  let meta: unknown;
  try {
    meta = decodeJSON(metaBytes);
  } catch (error) {
    throw new ProtocolError(`a message whose meta is no JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!Array.isArray(meta) || meta.length !== 4 || !meta.slice(1).every(Array.isArray))
    throw new ProtocolError('a message whose meta is no list of four');
  const [root, entries, sizes, ports] = meta as [Slot, Entry[], number[], number[]];
  if (entries.length > MAX_ENTRIES) throw new ProtocolError(`a message of ${entries.length} entries`);
  if (sizes.length > MAX_MESSAGE_BUFFERS) throw new ProtocolError(`a message of ${sizes.length} buffers`);
  if (ports.length > MAX_PORTS) throw new ProtocolError(`a message with ${ports.length} ports`);
  if (!ports.every(id => Number.isInteger(id) && id > 0 && id < 2 ** 32)) throw new ProtocolError('a message with a port id out of range');
  if (new Set(ports).size !== ports.length) throw new ProtocolError('a message with a port twice');
  const buffers = sizes.map(size => {
    if (!Number.isSafeInteger(size) || size < 0) throw new ProtocolError('a message with a buffer size out of range');
    return cursor.take(size);
  });
  if (!cursor.done) throw new ProtocolError('a message with bytes left over');
  return { root, entries, buffers, ports, blobs: blobsOf(entries, ports.length) };
}

/** The Blobs among the entries; their ports are the last ones, each for one Blob. */
function blobsOf(entries: readonly Entry[], ports: number): WireBlob[] {
  const blobs: WireBlob[] = [];
  for (const entry of entries) {
    if (!Array.isArray(entry) || (entry[0] !== 'B' && entry[0] !== 'F')) continue;
    const [, type, size, index] = entry as unknown[];
    if (typeof type !== 'string' || !Number.isSafeInteger(size) || (size as number) < 0 || !Number.isSafeInteger(index)) {
      throw new ProtocolError('a malformed Blob');
    }
    blobs.push({ index: index as number, type, size: size as number });
  }
  const taken = new Set(blobs.map(({ index }) => index));
  if (taken.size !== blobs.length || blobs.some(({ index }) => index < ports - blobs.length || index >= ports)) {
    throw new ProtocolError('a Blob whose port is not one of those after the transferred ones');
  }
  return blobs;
}

class Cursor {
  readonly #parts: readonly Bytes[];
  #part = 0;
  #offset = 0;

  constructor(parts: readonly Bytes[]) {
    this.#parts = parts.filter(part => part.byteLength > 0);
  }

  get done(): boolean {
    return this.#part >= this.#parts.length;
  }

  take(size: number): Chunked {
    const chunks: Bytes[] = [];
    let left = size;
    while (left > 0) {
      const part = this.#parts[this.#part];
      if (part === undefined) throw new ProtocolError('a message that ends too early');
      const end = Math.min(part.byteLength, this.#offset + left);
      chunks.push(this.#offset === 0 && end === part.byteLength ? part : part.subarray(this.#offset, end));
      left -= end - this.#offset;
      if (end < part.byteLength) this.#offset = end;
      else {
        this.#part++;
        this.#offset = 0;
      }
    }
    return { size, chunks };
  }

  contiguous(size: number): Bytes {
    const { chunks } = this.take(size);
    if (chunks.length === 1) return chunks[0] as Bytes;
    const joined = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      joined.set(chunk, at);
      at += chunk.byteLength;
    }
    return joined;
  }
}
