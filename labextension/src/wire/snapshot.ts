/** Copies of what messages hold, in chunks that are filled again once the other end has them: memory that is new costs a page more than the copy. */

import type { Bytes, Chunked } from './bytes.js';

/** Bytes that are copied in one piece: a packet of a fast road takes such pieces as they are. */
export const CHUNK_SIZE = 256 * 1024;
/** Chunks that wait to be filled again. */
const MAX_SPARE = 16;

const spare: Bytes[] = [];
/** Buffers of chunks that only one message has, which is on its way. */
const lent = new WeakSet<ArrayBuffer>();

/** A copy of a buffer, in pieces. */
export function snapshot(buffer: ArrayBuffer): Chunked {
  const size = buffer.byteLength;
  const chunks: Bytes[] = [];
  // Its own `slice` would make buffers of its class and realm.
  for (let at = 0; at < size; at += CHUNK_SIZE) chunks.push(copied(new Uint8Array(buffer, at, Math.min(CHUNK_SIZE, size - at))));
  return { size, chunks };
}

/** Take back what a frame carried that the other end has; of what is no chunk of a snapshot nothing becomes. */
export function reclaim(pieces: readonly Bytes[]): void {
  for (const piece of pieces) {
    if (piece.byteLength === CHUNK_SIZE && lent.delete(piece.buffer) && spare.length < MAX_SPARE) spare.push(piece);
  }
}

function copied(piece: Bytes): Bytes {
  if (piece.byteLength < CHUNK_SIZE) return new Uint8Array(piece);
  const chunk = spare.pop() ?? new Uint8Array(CHUNK_SIZE);
  chunk.set(piece);
  lent.add(chunk.buffer);
  return chunk;
}
