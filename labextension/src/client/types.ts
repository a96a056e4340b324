/** What the calls of a client have in common. */

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call, and the work at the node. */
  readonly signal?: AbortSignal | undefined;
  /** What the answer, or each item of a stream, may take: milliseconds, or text such as `"2s"` and `"1h30m"`. */
  readonly timeout?: number | string | undefined;
}

/** A time, as js-ipfs gives it. */
export interface Mtime {
  readonly secs: number;
  readonly nsecs?: number;
}
