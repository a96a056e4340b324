/** Structured clone: from a value to bytes and back. */

export { deserialize, type Deserialized, type Resources } from './deserialize.js';
export { type PortTransfer, serialize, type SerializedWithTransfer } from './serialize.js';
export { dataCloneError, transferList } from './transfer.js';
export type { BlobSource, Entry, Serialized, Slot } from './types.js';
