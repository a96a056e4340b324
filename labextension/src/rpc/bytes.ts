/** Bytes that cost what they are: a view does not take the rest of its buffer along. */

/** The bytes of a view or buffer, in a buffer of their own size; copied only where they are part of a larger or shared one. */
export function exactBytes(source: ArrayBufferView | ArrayBufferLike): Uint8Array<ArrayBuffer> {
  const view = ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source);
  const whole = view.buffer instanceof ArrayBuffer && view.byteLength === view.buffer.byteLength && !view.buffer.resizable;
  return whole ? (view as Uint8Array<ArrayBuffer>) : new Uint8Array(view);
}
