/** Iterables across a port: the producer's end, which is pulled, and the consumer's, which pulls. */

import { LinkError } from '../errors.js';
import { decodeError, encodeError } from './error.js';
import { listen } from './listen.js';
import type { IteratorReply, IteratorRequest, RemoteIterable } from './protocol.js';
import type { Transport, Waiting } from './transport.js';

/** An item as it is posted, with what moves along. */
export interface EncodedItem {
  readonly value: unknown;
  readonly transfer: object[];
}

/** Any iterable, or a ReadableStream, as an async iterator. */
export function iteratorOf<T>(source: AsyncIterable<T> | Iterable<T> | ReadableStream<T>): AsyncIterator<T> | Iterator<T> {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  if (Symbol.iterator in source) return source[Symbol.iterator]();
  // Safari's streams are not iterable.
  const reader = (source as ReadableStream<T>).getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<T>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    }
  };
}

/**
 * Let the other end pull an iterable.
 *
 * @param encode - an item, as it is posted.
 * @param transfer - gets the port that moves.
 */
export function encodeIterable<T>(
  transport: Transport,
  source: AsyncIterable<T> | Iterable<T> | ReadableStream<T>,
  encode: (item: T) => EncodedItem,
  transfer: object[]
): RemoteIterable {
  const { mine, theirs } = transport.channel();
  let iterator: AsyncIterator<T> | Iterator<T> | undefined;
  let over = false;
  let turn: Promise<void> = Promise.resolve();

  const finish = (): void => {
    over = true;
    mine.close();
  };
  const fail = (error: unknown): void => {
    if (over) return;
    mine.postMessage({ type: 'throw', error: encodeError(error) }, []);
    finish();
  };
  /** Tell the source that no more is wanted of it. */
  const release = (): void => {
    // The consumer is gone or has its error, so nobody can be told if the producer fails to stop.
    (async () => iterator?.return?.())().catch(() => undefined);
  };
  const next = async (): Promise<void> => {
    if (over) return;
    let result: IteratorResult<T, undefined>;
    try {
      iterator ??= iteratorOf(source);
      result = (await iterator.next()) as IteratorResult<T, undefined>;
    } catch (error) {
      return fail(error);
    }
    if (over) return;
    if (result.done) {
      mine.postMessage({ type: 'next', done: true, value: undefined }, []);
      return finish();
    }
    try {
      const item = encode(result.value);
      mine.postMessage({ type: 'next', done: false, value: item.value }, item.transfer);
    } catch (error) {
      fail(error);
      release();
    }
  };
  const stop = (): void => {
    if (over) return;
    finish();
    release();
  };
  listen<IteratorRequest>(mine, {
    message: ({ method }) => {
      if (method === 'next') turn = turn.then(next);
      else stop();
    },
    close: stop
  });
  transfer.push(theirs);
  return { type: 'RemoteIterable', port: theirs };
}

/**
 * Pull the iterable of the other end.
 *
 * @param decode - an item as it came.
 * @param waiting - signal, and how long each item may take.
 * @throws what the producer threw; AbortError, TimeoutError, LinkError.
 */
export async function* decodeIterable<T>(
  transport: Transport,
  remote: RemoteIterable,
  decode: (value: unknown) => T,
  waiting: Waiting
): AsyncGenerator<T, void, undefined> {
  const { port } = remote;
  let arrived: ((reply: IteratorReply) => void) | undefined;
  let closed: ((error: Error) => void) | undefined;
  let over: Error | undefined;
  const unlisten = listen<IteratorReply>(port, {
    message: reply => arrived?.(reply),
    close: error => {
      over = error ?? new LinkError('the other end closed an iterable before its end', { code: 'ERR_CLOSED' });
      closed?.(over);
    }
  });
  let finished = false;
  try {
    for (;;) {
      const reply = await transport.wait<IteratorReply>(waiting, (resolve, reject) => {
        if (over !== undefined) return reject(over);
        arrived = resolve;
        closed = reject;
        port.postMessage({ method: 'next' } satisfies IteratorRequest, []);
      });
      if (reply.type === 'throw') throw decodeError(reply.error);
      const { done, value } = reply;
      finished = done === true;
      if (!finished || value !== undefined) yield decode(value);
      if (finished) return;
    }
  } finally {
    if (!finished) port.postMessage({ method: 'return' } satisfies IteratorRequest, []);
    unlisten();
    port.close();
  }
}
