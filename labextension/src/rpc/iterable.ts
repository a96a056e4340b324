/** Iterables across a port: the producer's end, which is pulled, and the consumer's, which pulls. */

import { LinkError } from '../errors.js';
import { decodeError, encodeError } from './error.js';
import { listen } from './listen.js';
import type { IteratorReply, IteratorRequest, PortLike, RemoteIterable } from './protocol.js';
import { MAX_CREDIT, ReadAhead } from './read-ahead.js';
import type { Transport, Waiting } from './transport.js';

/** What an item, or a member of one, is taken to cost beside its bytes. */
const ITEM_SIZE = 64;

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
 * Let the other end pull an iterable, also ahead of what it wants: items are made one after the other, as they are asked for.
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
  let pending = 0;

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
  const serve = async (): Promise<void> => {
    for (; pending > 0 && !over; pending--) await next();
  };
  const stop = (): void => {
    if (over) return;
    finish();
    release();
  };
  listen<IteratorRequest>(mine, {
    message: ({ method }) => {
      if (method !== 'next') return stop();
      if (++pending === 1) void serve();
      if (pending <= MAX_CREDIT) return;
      fail(new LinkError(`more than ${MAX_CREDIT} items of a stream were asked for ahead`, { code: 'ERR_LIMIT' }));
      release();
    },
    close: stop
  });
  transfer.push(theirs);
  return { type: 'RemoteIterable', port: theirs, ahead: 1 };
}

/** An answer of a producer, with the ports that came with it. */
interface Answer {
  readonly reply: IteratorReply;
  readonly ports: readonly PortLike[];
}

/**
 * Pull the iterable of the other end, ahead of the caller where that end can be asked for several items.
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
  const items = new ReadAhead<Answer>((remote.ahead ?? 0) >= 1);
  let waiter: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | undefined;
  let gone: Error | undefined;
  const hand = (): void => {
    const answer = items.take();
    if (answer !== undefined) waiter?.resolve(answer);
    else if (gone !== undefined) waiter?.reject(gone);
    for (let due = items.ask(performance.now()); due > 0; due--) port.postMessage({ method: 'next' } satisfies IteratorRequest, []);
  };
  const fail = (error: Error): void => {
    gone ??= error;
    items.end();
    hand();
  };
  const unlisten = listen<IteratorReply>(port, {
    message: (reply, ports) => {
      if (items.ended) return close(ports);
      const wrong = items.arrive({ reply, ports }, sizeOf(reply), reply.type === 'throw' || reply.done === true, performance.now());
      if (wrong !== null) {
        close(ports);
        fail(wrong);
      } else hand();
    },
    close: error => fail(error ?? new LinkError('the other end closed an iterable before its end', { code: 'ERR_CLOSED' }))
  });
  let finished = false;
  try {
    for (;;) {
      const { reply } = await transport.wait<Answer>(waiting, (resolve, reject) => {
        waiter = { resolve, reject };
        items.want();
        hand();
      });
      if (reply.type === 'throw') {
        finished = true;
        throw decodeError(reply.error);
      }
      const { done, value } = reply;
      finished = done === true;
      if (!finished || value !== undefined) yield decode(value);
      if (finished) return;
    }
  } finally {
    if (!finished) port.postMessage({ method: 'return' } satisfies IteratorRequest, []);
    unlisten();
    port.close();
    for (const { ports } of items.stop()) close(ports);
  }
}

function close(ports: readonly PortLike[]): void {
  for (const port of ports) port.close();
}

/** About how many bytes an answer holds: those of its buffers count, at the top and in members. */
function sizeOf(reply: IteratorReply): number {
  const value = reply.type === 'throw' ? undefined : reply.value;
  if (typeof value !== 'object' || value === null) return ITEM_SIZE;
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return ITEM_SIZE + value.byteLength;
  return Object.values(value).reduce<number>((sum, item) => sum + (ArrayBuffer.isView(item) ? item.byteLength : ITEM_SIZE), ITEM_SIZE);
}
