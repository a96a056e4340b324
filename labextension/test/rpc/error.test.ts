import { describe, expect, test } from 'vitest';

import { IPFSCommError, RemoteError } from '../../src/errors.js';
import { decodeError, encodeError } from '../../src/rpc/error.js';
import type { EncodedError } from '../../src/rpc/protocol.js';

/** An error behind which there are so many more. */
function chain(length: number): EncodedError {
  return { name: 'Error', message: `${length}`, ...(length > 0 && { cause: chain(length - 1) }) };
}

function depthOf(error: { readonly cause?: unknown }): number {
  return error.cause === undefined ? 0 : 1 + depthOf(error.cause as Error);
}

describe('an error of the node', () => {
  test('has the error behind it as its cause', () => {
    const behind = { name: 'Error', message: 'HTTP 503', code: 'ERR_INTERNAL' };
    const error = decodeError({ name: 'Error', message: 'not found', code: 'ERR_NOT_FOUND', cause: behind });
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code: 'ERR_NOT_FOUND', cause: behind });
  });

  test.each(['AbortError', 'TimeoutError'])('of the name %s has a code and a cause too', name => {
    const error = decodeError({ name, message: 'over', cause: { name: 'Error', message: 'why' } });
    expect(error).toMatchObject({ name, code: name === 'AbortError' ? 'ERR_ABORTED' : 'ERR_TIMEOUT', cause: { message: 'why' } });
  });

  test('has the errors that it stands for', () => {
    const error = decodeError({ name: 'AggregateError', message: 'both', errors: [chain(0), { name: 'RangeError', message: '2' }] });
    expect(error).toMatchObject({ name: 'AggregateError', errors: [{ message: '0' }, { name: 'RangeError', message: '2' }] });
  });

  test('is believed to have few errors behind it', () => {
    expect(depthOf(decodeError(chain(100)))).toBe(4);
    const { errors } = decodeError({ name: 'Error', message: 'many', errors: Array.from({ length: 100 }, () => chain(0)) }) as RemoteError;
    expect(errors).toHaveLength(16);
  });

  test('is read whatever else it holds', () => {
    const error = decodeError({ name: 'Error', message: 'x', cause: 7, errors: [null, 'y', {}] } as unknown as EncodedError);
    expect(error).toMatchObject({ message: 'x', errors: [] });
    expect(error.cause).toBeUndefined();
  });
});

describe('an error of the page', () => {
  test('takes its cause and the errors that it stands for along', () => {
    const error = new AggregateError([new RangeError('one')], 'all', { cause: new IPFSCommError('why', { code: 'ERR_X' }) });
    expect(encodeError(error)).toMatchObject({
      name: 'AggregateError',
      message: 'all',
      cause: { message: 'why', code: 'ERR_X' },
      errors: [{ name: 'RangeError', message: 'one' }]
    });
  });

  test('that is its own cause can be sent', () => {
    const error = new Error('round');
    error.cause = error;
    expect(depthOf(encodeError(error))).toBe(4);
  });
});
