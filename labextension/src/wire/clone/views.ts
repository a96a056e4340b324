/** Views on ArrayBuffers: their name, and how they lie in a buffer that can be resized. */

import { attribute, type Attribute } from './slots.js';

const typedArray = { prototype: Object.getPrototypeOf(Uint8Array.prototype) as object };
const nameOf = Object.getOwnPropertyDescriptor(typedArray.prototype, Symbol.toStringTag)?.get as (this: unknown) => string | undefined;
const values = (typedArray.prototype as { values: (this: unknown) => unknown }).values;
const itemsOf = attribute(typedArray, 'length') as Attribute<number>;
const buffers = reader('buffer') as Reader<ArrayBufferLike>;
const offsets = reader('byteOffset') as Reader<number>;
const sizes = reader('byteLength') as Reader<number>;

interface Reader<T> {
  readonly typed: Attribute<T>;
  readonly data: Attribute<T>;
}

function reader(name: string): Reader<unknown> {
  return { typed: attribute(typedArray, name), data: attribute(DataView, name) };
}

const read = <T>({ typed, data }: Reader<T>, view: ArrayBufferView): T => (isTyped(view) ? typed : data)(view);

function isTyped(view: ArrayBufferView): boolean {
  return nameOf.call(view) !== undefined;
}

/** Name of the view's constructor, whatever its prototype says. */
export function viewName(view: ArrayBufferView): string {
  return nameOf.call(view) ?? 'DataView';
}

/** The ArrayBuffer that the view lies in. */
export function viewBuffer(view: ArrayBufferView): ArrayBufferLike {
  return read(buffers, view);
}

/** Where the view begins, in bytes. */
export function viewOffset(view: ArrayBufferView): number {
  return read(offsets, view);
}

/** How many elements the view has; bytes of a DataView. */
export function viewLength(view: ArrayBufferView): number {
  return isTyped(view) ? itemsOf(view) : sizes.data(view);
}

/** Bytes of an element of the view. */
function unitOf(view: ArrayBufferView): number {
  const type = (globalThis as unknown as Record<string, { readonly BYTES_PER_ELEMENT?: number }>)[viewName(view)];
  return type?.BYTES_PER_ELEMENT ?? 1;
}

/** IsArrayBufferViewOutOfBounds of ECMAScript; true also for a view on a detached buffer. */
export function isOutOfBounds(view: ArrayBufferView): boolean {
  const typed = isTyped(view);
  if (typed && sizes.typed(view) > 0) return false;
  try {
    // Both check the view before they do anything.
    if (typed) values.call(view);
    else sizes.data(view);
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
  const buffer = viewBuffer(view) as ArrayBuffer;
  if (!buffer.resizable) return false;
  const unit = unitOf(view);
  const size = buffer.byteLength;
  const length = read(sizes, view);
  const end = viewOffset(view) + length;
  if (size - end >= unit) return false;
  if (size + unit <= buffer.maxByteLength) {
    buffer.resize(size + unit);
    const after = read(sizes, view);
    buffer.resize(size);
    return after !== length;
  }
  if (length === 0) return false;
  const tail = buffer.slice(end - unit);
  buffer.resize(end - unit);
  const follows = !isOutOfBounds(view);
  buffer.resize(size);
  new Uint8Array(buffer).set(new Uint8Array(tail), end - unit);
  return follows;
}
