/** A serialized value: slots and entries of `docs/protocol.md`, section 4, with the bytes and ports beside them. */

import type { Bytes, Chunked } from '../bytes.js';

/** The place of a value: a primitive, or `[i]` for the object `entries[i]`. */
export type Slot = string | number | boolean | null | readonly (string | number)[];

/** One object: its tag, then what the tag wants. */
export type Entry = readonly unknown[];

/** The Blobs of a serialized value are these, in the order of the indices in its entries. */
export type BlobSource = Blob | Promise<Blob>;

/** A value between serialization and deserialization, without its ports. */
export interface Serialized {
  readonly root: Slot;
  readonly entries: readonly Entry[];
  readonly buffers: readonly Chunked[];
}

/** Names of the Errors that keep their name across a clone (HTML Standard, StructuredSerializeInternal, step 17). */
export const ERROR_NAMES = ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'] as const;

/** Constructors of views. */
export const VIEW_NAMES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView'
] as const;

export type { Bytes, Chunked };
