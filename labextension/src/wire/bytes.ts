/** Byte arrays as the wire handles them: whole ArrayBuffers, in pieces where they are large. */

/** A byte array over an unshared ArrayBuffer. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A run of bytes in pieces, none of which anybody changes any more. */
export interface Chunked {
  readonly size: number;
  readonly chunks: readonly Bytes[];
}

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
