/** Byte arrays as the wire handles them: whole ArrayBuffers, in pieces where they are large. */

/** A byte array over an unshared ArrayBuffer. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A run of bytes in pieces, none of which anybody changes any more. */
export interface Chunked {
  readonly size: number;
  readonly chunks: readonly Bytes[];
}

/** Bytes that a snapshot of an ArrayBuffer copies in one piece: the fragment of the fastest carriers, so that a piece is sent as it is. */
export const CHUNK_SIZE = 256 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 of a value's JSON. */
export function encodeJSON(value: unknown): Bytes {
  return encoder.encode(JSON.stringify(value));
}

/**
 * The value of UTF-8 JSON.
 *
 * @throws TypeError for bytes that are not UTF-8, SyntaxError for text that is not JSON.
 */
export function decodeJSON(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes));
}

/** Whether the view covers the whole of its buffer, which JupyterLab's serializer takes for granted. */
export function isExact(bytes: Uint8Array): boolean {
  return bytes.byteLength === bytes.buffer.byteLength;
}

/** The same bytes as a view that covers the whole of its buffer; copied only where it does not yet. */
export function exact(bytes: Bytes): Bytes {
  return isExact(bytes) ? bytes : bytes.slice();
}

/** Any view or buffer as bytes, without a copy. A Buffer of Node does not do: its `slice` is no copy. */
export function bytesOf(source: ArrayBufferView | ArrayBufferLike): Bytes {
  if (Object.getPrototypeOf(source) === Uint8Array.prototype) return source as Bytes;
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer as ArrayBuffer, source.byteOffset, source.byteLength);
  return new Uint8Array(source as ArrayBuffer);
}

/** A copy of a buffer, in pieces. */
export function snapshot(buffer: ArrayBuffer): Chunked {
  const size = buffer.byteLength;
  const chunks: Bytes[] = [];
  // Its own `slice` would make buffers of its class and realm.
  for (let at = 0; at < size; at += CHUNK_SIZE) chunks.push(new Uint8Array(new Uint8Array(buffer, at, Math.min(CHUNK_SIZE, size - at))));
  return { size, chunks };
}

/** A buffer that nobody else holds, as it is. */
export function whole(buffer: ArrayBuffer): Chunked {
  return { size: buffer.byteLength, chunks: buffer.byteLength === 0 ? [] : [new Uint8Array(buffer)] };
}

/** One piece with the bytes of many; the piece itself where there is only one and it covers its buffer. */
export function join(chunks: readonly Bytes[], size: number): Bytes {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return exact(first);
  const joined = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.byteLength;
  }
  return joined;
}
