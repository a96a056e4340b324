/** How much one message may hold, on both ways (`docs/protocol.md`, section 4). */

/** Objects, buffers and ports of a message. */
export const MAX_ENTRIES = 1_000_000;
export const MAX_MESSAGE_BUFFERS = 65_536;
export const MAX_PORTS = 1024;
/** Bytes of a message's JSON, and of all of it. */
export const MAX_META_SIZE = 256 * 1024 * 1024;
export const MAX_MESSAGE_SIZE = 2 ** 31;
