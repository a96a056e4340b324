/**
 * Every error that this package raises on purpose.
 *
 * - IPFSCommError
 *   - InvalidInputError  (ERR_INVALID_INPUT)   an argument, option or message that cannot be meant
 *   - TimeoutError       (ERR_TIMEOUT)         a call did not end within its `timeout`
 *   - AbortError         (ERR_ABORTED)         the caller aborted the call
 *   - LinkError          (ERR_CARRIER …)       a link or port that ended, with the reason
 *     - ProtocolError    (ERR_PROTOCOL)        a packet, frame or message that breaks the protocol
 *     - VersionError     (ERR_VERSION)         two ends with no version in common
 *   - RemoteError        (the peer's code)     an error that happened at the other end of a port
 *
 * A value that structured clone cannot carry is a DOMException named DataCloneError, as the HTML Standard wants it.
 */

/** What an error of this package may carry beside its message. */
export interface ErrorInit {
  code?: string | undefined;
  detail?: unknown;
  cause?: unknown;
}

/** Base of all errors of this package. `code` is for programs, `detail` holds the facts of the message as plain values. */
export class IPFSCommError extends Error {
  override name = 'IPFSCommError';
  readonly code: string;
  readonly detail: unknown;

  constructor(message: string, init: ErrorInit = {}, defaultCode = 'ERR_UNKNOWN') {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code ?? defaultCode;
    this.detail = init.detail;
  }
}

/** An argument, option or message that cannot be meant. */
export class InvalidInputError extends IPFSCommError {
  override name = 'InvalidInputError';

  constructor(message: string, init: ErrorInit = {}) {
    super(message, init, 'ERR_INVALID_INPUT');
  }
}

/** A call did not end within its `timeout`. */
export class TimeoutError extends IPFSCommError {
  override name = 'TimeoutError';

  constructor(message: string, init: ErrorInit = {}) {
    super(message, init, 'ERR_TIMEOUT');
  }
}

/** The caller aborted the call. */
export class AbortError extends IPFSCommError {
  override name = 'AbortError';

  constructor(message: string, init: ErrorInit = {}) {
    super(message, init, 'ERR_ABORTED');
  }
}

/** A link or port that ended, with the reason. */
export class LinkError extends IPFSCommError {
  override name = 'LinkError';

  constructor(message: string, init: ErrorInit = {}, defaultCode = 'ERR_CARRIER') {
    super(message, init, defaultCode);
  }
}

/** A packet, frame or message that breaks the protocol. */
export class ProtocolError extends LinkError {
  override name = 'ProtocolError';

  constructor(message: string, init: ErrorInit = {}) {
    super(message, init, 'ERR_PROTOCOL');
  }
}

/** Two ends with no protocol version in common. */
export class VersionError extends LinkError {
  override name = 'VersionError';

  constructor(message: string, init: ErrorInit = {}) {
    super(message, init, 'ERR_VERSION');
  }
}

/** An error that happened at the other end of a port; `name`, `code`, `detail`, `stack`, `cause` and `errors` are the peer's. */
export class RemoteError extends IPFSCommError {
  /** Those that this one stands for together. */
  errors?: readonly Error[];

  constructor(message: string, init: ErrorInit & { name?: string; stack?: string } = {}) {
    super(message, init);
    this.name = init.name ?? 'RemoteError';
    if (init.stack !== undefined) this.stack = init.stack;
  }
}

/** The error that a link's end, as told by the peer, is here. */
export function linkErrorOf(code: string, message: string): LinkError {
  switch (code) {
    case 'ERR_PROTOCOL':
      return new ProtocolError(message);
    case 'ERR_VERSION':
      return new VersionError(message);
    default:
      return new LinkError(message, { code });
  }
}
