/** Errors as plain data and back. */

import { AbortError, RemoteError, TimeoutError } from '../errors.js';
import type { EncodedError } from './protocol.js';

/** An error as plain data, whatever was thrown. */
export function encodeError(thrown: unknown): EncodedError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { name, message, stack } = thrown;
  const { code } = thrown as { code?: unknown };
  return { name, message, ...(stack !== undefined && { stack }), ...(typeof code === 'string' && { code }) };
}

/** The error of plain data. */
export function decodeError(encoded: EncodedError): Error {
  const { name, message, code, detail, stack } = encoded;
  if (name === 'AbortError') return new AbortError(message, { code, detail });
  if (name === 'TimeoutError') return new TimeoutError(message, { code, detail });
  return new RemoteError(message, { name, code, detail, ...(stack !== undefined && { stack }) });
}
