/** Queries over a port: each is answered, aborted, late, or ended with the port. */

import { AbortError, InvalidInputError, LinkError, TimeoutError } from '../errors.js';
import { channel, Port, WHEN_LEFT } from '../wire/port/port.js';
import { milliseconds } from './duration.js';
import { decodeError } from './error.js';
import { Lasting } from './lasting.js';
import { listen } from './listen.js';
import type { AbortMessage, PortLike, QueryMessage, ResultMessage } from './protocol.js';

/** What every call may be given. */
export interface Waiting {
  /** Aborts the call, and the work at the other end. */
  readonly signal?: AbortSignal | undefined;
  /** What the answer, or each item of a stream, may take: milliseconds, or text such as `"2s"`. */
  readonly timeout?: number | string | undefined;
}

/** What is to be asked. */
export interface Query {
  readonly namespace: string;
  readonly method: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly transfer?: object[];
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Transport {
  readonly #port: PortLike;
  readonly #pending = new Map<string, Pending>();
  /** Of waits that are not for a query, such as for an item. */
  readonly #waits = new Set<(error: Error) => void>();
  readonly #name = Math.random().toString(32).slice(2);
  /** What is listened to. */
  readonly lasting = new Lasting();
  #count = 0;
  #over: Error | undefined;

  constructor(port: PortLike) {
    this.#port = port;
    listen<ResultMessage>(port, {
      message: (message, ports) => this.#take(message, ports),
      close: error => this.#end(error ?? new LinkError('the port to the node was closed by the other end', { code: 'ERR_CLOSED' }))
    });
    port[WHEN_LEFT]?.(() => this.#end(new LinkError('the port to the node is closed', { code: 'ERR_CLOSED' })));
  }

  /** Why no call can be made any more; undefined while one can. */
  get over(): Error | undefined {
    return this.#over;
  }

  /** End all calls and close the port. */
  close(): void {
    this.#end(new LinkError('the client was closed', { code: 'ERR_CLOSED' }));
    this.#port.close();
  }

  /** Two entangled ports of the kind that the port of this transport can carry. */
  channel(): { readonly mine: PortLike; readonly theirs: PortLike } {
    // Every port can carry native ones; a Port of another copy of this package would not know ours.
    const { port1, port2 } = this.#port instanceof Port ? channel() : new MessageChannel();
    return { mine: port1, theirs: port2 };
  }

  /**
   * Ask, and wait for the answer.
   *
   * @throws what the other end threw, as RemoteError; AbortError, TimeoutError; LinkError if the port is or gets closed.
   */
  query({ namespace, method, input, transfer = [] }: Query, waiting: Waiting = {}): Promise<unknown> {
    const id = `${this.#name}@${this.#count++}`;
    const given: Record<string, unknown> = { ...input, ...(waiting.timeout !== undefined && { timeout: milliseconds(waiting.timeout) }) };
    const answer = this.wait(waiting, (resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#port.postMessage({ type: 'query', namespace, method, id, input: given } satisfies QueryMessage, transfer);
    });
    return answer.finally(() => {
      // Still pending means that this end gave up.
      if (!this.#pending.delete(id) || this.#over !== undefined) return;
      this.#port.postMessage({ type: 'abort', id } satisfies AbortMessage, []);
    });
  }

  /** Wait for something that may be aborted, be late, or never come since the port is closed. */
  wait<T>(waiting: Waiting, begin: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    const { signal } = waiting;
    const timeout = waiting.timeout === undefined ? undefined : milliseconds(waiting.timeout);
    if (timeout !== undefined && !(timeout > 0)) {
      return Promise.reject(
        new InvalidInputError(`a timeout of ${String(waiting.timeout)}: give milliseconds above zero, or text such as "2s"`)
      );
    }
    if (signal?.aborted) return Promise.reject(abortion(signal));
    if (this.#over !== undefined) return Promise.reject(this.#over);
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#waits.delete(fail);
      };
      const fail = (error: Error): void => {
        settle();
        reject(error);
      };
      const onAbort = (): void => fail(abortion(signal as AbortSignal));
      const timer =
        timeout === undefined || timeout === Infinity
          ? undefined
          : setTimeout(() => fail(new TimeoutError(`no answer within ${timeout} ms`)), Math.min(timeout, 2 ** 31 - 1));
      signal?.addEventListener('abort', onAbort);
      this.#waits.add(fail);
      try {
        begin(value => {
          settle();
          resolve(value);
        }, fail);
      } catch (error) {
        // What cannot be cloned.
        fail(error as Error);
      }
    });
  }

  #take(message: ResultMessage, ports: readonly PortLike[]): void {
    if (message === null || typeof message !== 'object' || message.type !== 'result' || typeof message.id !== 'string') return;
    const pending = this.#pending.get(message.id);
    if (pending === undefined) {
      // An answer that came too late: nobody will read its streams. Those of another client on this port are not ours to close.
      if (message.id.startsWith(`${this.#name}@`)) for (const port of ports) port.close();
      return;
    }
    this.#pending.delete(message.id);
    const { result } = message;
    if (result.ok) pending.resolve(result.value);
    else pending.reject(decodeError(result.error));
  }

  #end(error: Error): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    for (const fail of [...this.#waits]) fail(error);
    this.#pending.clear();
    this.lasting.close();
  }
}

function abortion(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  if (reason instanceof Error && reason.name !== 'AbortError') return reason;
  return new AbortError('the call was aborted', { cause: reason });
}
