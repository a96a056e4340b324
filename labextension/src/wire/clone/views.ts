/** Views on ArrayBuffers: their name, and how they lie in a buffer that can be resized. */

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const nameGetter = Object.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)?.get as (this: unknown) => string | undefined;
const dataViewLength = Object.getOwnPropertyDescriptor(DataView.prototype, 'byteLength')?.get as (this: unknown) => number;
const values = (typedArray as { values: (this: unknown) => unknown }).values;

/** Name of the view's constructor, whatever its prototype says. */
export function viewName(view: ArrayBufferView): string {
  return nameGetter.call(view) ?? 'DataView';
}

/** IsArrayBufferViewOutOfBounds of ECMAScript; true also for a view on a detached buffer. */
export function isOutOfBounds(view: ArrayBufferView): boolean {
  const isTyped = nameGetter.call(view) !== undefined;
  if (isTyped && view.byteLength > 0) return false;
  try {
    // Both check the view before they do anything.
    if (isTyped) values.call(view);
    else dataViewLength.call(view);
    return false;
  } catch {
    return true;
  }
}

/**
 * Whether the view's length follows its buffer's.
 *
 * Nothing tells but a resize, so the buffer is resized and put back; it is this thread's alone, and nobody else sees it.
 */
export function tracksLength(view: ArrayBufferView): boolean {
  const buffer = view.buffer as ArrayBuffer;
  if (!buffer.resizable) return false;
  const name = viewName(view);
  const unit = name === 'DataView' ? 1 : (view as Uint8Array).BYTES_PER_ELEMENT;
  const size = buffer.byteLength;
  const end = view.byteOffset + view.byteLength;
  if (size - end >= unit) return false;
  if (size + unit <= buffer.maxByteLength) {
    const before = view.byteLength;
    buffer.resize(size + unit);
    const after = view.byteLength;
    buffer.resize(size);
    return after !== before;
  }
  if (view.byteLength === 0) return false;
  const tail = buffer.slice(end - unit);
  buffer.resize(end - unit);
  const follows = !isOutOfBounds(view);
  buffer.resize(size);
  new Uint8Array(buffer).set(new Uint8Array(tail), end - unit);
  return follows;
}
