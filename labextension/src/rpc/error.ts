/** Errors as plain data and back. */

import { AbortError, RemoteError, TimeoutError } from '../errors.js';
import type { EncodedError } from './protocol.js';

/** How many errors behind an error are sent or believed, and how deep they may nest. */
const MAX_ERRORS = 16;
const MAX_CAUSES = 4;

/** An error as plain data, whatever was thrown; `cause` and the `errors` of an AggregateError with it. */
export function encodeError(thrown: unknown): EncodedError {
  return encoded(thrown, MAX_CAUSES);
}

function encoded(thrown: unknown, depth: number): EncodedError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { name, message, stack, cause } = thrown;
  const { code, errors } = thrown as { code?: unknown; errors?: unknown };
  return {
    name,
    message,
    ...(stack !== undefined && { stack }),
    ...(typeof code === 'string' && { code }),
    ...(depth > 0 && cause !== undefined && cause !== null && { cause: encoded(cause, depth - 1) }),
    ...(depth > 0 && Array.isArray(errors) && { errors: errors.slice(0, MAX_ERRORS).map(each => encoded(each, depth - 1)) })
  };
}

/** The error of plain data. */
export function decodeError(travelling: EncodedError): Error {
  return decoded(travelling, MAX_CAUSES);
}

function decoded({ name, message, code, detail, stack, ...behind }: EncodedError, depth: number): Error {
  const cause = depth > 0 && isError(behind.cause) ? decoded(behind.cause, depth - 1) : undefined;
  if (name === 'AbortError') return new AbortError(message, { code, detail, cause });
  if (name === 'TimeoutError') return new TimeoutError(message, { code, detail, cause });
  const error = new RemoteError(message, { name, code, detail, cause, ...(stack !== undefined && { stack }) });
  if (depth > 0 && Array.isArray(behind.errors)) {
    const several: readonly unknown[] = behind.errors.slice(0, MAX_ERRORS);
    error.errors = several.filter(isError).map(each => decoded(each, depth - 1));
  }
  return error;
}

function isError(value: unknown): value is EncodedError {
  return typeof value === 'object' && value !== null && typeof (value as { message?: unknown }).message === 'string';
}
