/**
 * What passes through the port of a node (`docs/protocol.md`, section 7), for a client that knows nothing of it.
 *
 * Streams are read ahead in both directions, an AbortSignal among the options of a query is taken out and does what it says, views cost their own
 * bytes, and large arrays to add become streams. All else passes as it is.
 */

import { AbortError, InvalidInputError, LinkError } from '../errors.js';
import { kindOf } from '../wire/clone/kinds.js';
import { Port, unseat } from '../wire/port/port.js';
import { discard, type End, entangle, type Message, Seat } from '../wire/port/seat.js';
import { task } from '../wire/port/task.js';
import { encodeError } from './error.js';
import { Inflow } from './inflow.js';
import { passOn } from './outflow.js';
import type { ResultMessage } from './protocol.js';
import { memberOf, messageOf, replaceIterables } from './serialized.js';
import { streamContent } from './slices.js';
import { cutViews } from './views.js';

/** Ids longer than this are not followed. */
const MAX_ID = 256;

/**
 * Put the interceptor behind a port.
 *
 * @param port - towards a node; dead from then on, as if it had been transferred.
 * @returns the port for the client, which may be bridged or transferred.
 * @throws InvalidInputError if the port is closed or was transferred.
 */
export function intercept(port: Port): Port {
  const seat = unseat(port);
  if (seat === null) throw new InvalidInputError('a port that is closed or was transferred cannot be intercepted');
  const tap = new Tap();
  const intercepted = new Port(tap.take(seat));
  intercepted.interceptor = {
    outgoing: (message, transfer) => {
      const lost = tap.lost(message);
      // A closed port hands on no messages, but a client that does not look for the end would wait for its answer for ever.
      if (lost !== null) task(() => intercepted.dispatchEvent(new MessageEvent('message', { data: lost })));
      return tap.outgoing(message, transfer);
    }
  };
  return intercepted;
}

/** A query that is not over: it waits for its answer, or its streams run. */
interface Call {
  readonly signal: AbortSignal | undefined;
  readonly onabort: () => void;
  aborted: boolean;
  readonly streams: Set<Inflow>;
}

/** Stands between the port of the node and that of the client. */
class Tap {
  readonly #calls = new Map<string, Call>();
  /** Of the query that is being posted. */
  #signal: AbortSignal | undefined;
  /** Why the node is gone. */
  #lost: Error | null = null;

  readonly #node: End = {
    partner: null,
    accept: message => this.#fromNode(message),
    acceptClose: error => {
      this.#lost = error ?? new LinkError('the port to the node was closed by the other end', { code: 'ERR_CLOSED' });
      for (const [id, { streams }] of this.#calls) if (streams.size === 0) this.#client.partner?.accept(messageOf(failure(id, this.#lost)));
      this.#close(this.#node, this.#client, error);
    }
  };

  readonly #client: End = {
    partner: null,
    accept: message => this.#fromClient(message),
    acceptClose: () => this.#close(this.#client, this.#node)
  };

  /** Take the port that the node is behind; gives what takes its place in front of the client. */
  take(seat: Seat): Seat {
    const place = new Seat();
    entangle(this.#client, place);
    seat.moveTo(this.#node);
    return place;
  }

  /** The answer to a query that comes too late for the node; null for anything else. */
  lost(message: unknown): unknown {
    return this.#lost !== null && isQuery(message) && typeof message.id === 'string' ? failure(message.id, this.#lost) : null;
  }

  /** What is posted for a message of the client. */
  outgoing(message: unknown, transfer: readonly object[]): { readonly message: unknown; readonly transfer: readonly object[] } {
    this.#signal = undefined;
    if (!isQuery(message)) return { message, transfer };
    const { input, signal } = withoutSignal(message.input);
    this.#signal = signal;
    return cutViews({ ...message, input }, transfer);
  }

  #fromClient(message: Message): void {
    const signal = this.#signal;
    this.#signal = undefined;
    const type = memberOf(message, 'type');
    const id = memberOf(message, 'id');
    if (type === 'query' && typeof id === 'string' && id.length <= MAX_ID) return this.#query(id, message, signal);
    this.#node.partner?.accept(message);
    if (type === 'abort') this.#abort(id as string);
  }

  #query(id: string, message: Message, signal: AbortSignal | undefined): void {
    if (signal?.aborted) {
      // As a stream of the client, its iterable is let go of.
      discard(passOn(message));
      return this.#client.partner?.accept(messageOf(failure(id, new AbortError('the call was aborted before it began'))));
    }
    if (!this.#calls.has(id)) {
      const call: Call = { signal, onabort: () => this.#signalled(id, call), aborted: false, streams: new Set() };
      this.#calls.set(id, call);
      signal?.addEventListener('abort', call.onabort);
    }
    this.#node.partner?.accept(streamContent(passOn(message)));
  }

  #fromNode(message: Message): void {
    const id = memberOf(message, 'id') as string;
    const call = memberOf(message, 'type') === 'result' ? this.#calls.get(id) : undefined;
    if (call === undefined) return this.#client.partner?.accept(message);
    const read = (seat: Seat, ahead: boolean): Seat => {
      const inflow = new Inflow(ahead);
      call.streams.add(inflow);
      inflow.onend = () => {
        call.streams.delete(inflow);
        if (call.streams.size === 0) this.#forget(id, call);
      };
      return inflow.take(seat);
    };
    // The client gets each item when it asks for it, so it need not ask ahead.
    const passed = replaceIterables(message, read, false);
    this.#client.partner?.accept(passed);
    if (call.streams.size === 0) this.#forget(id, call);
    // It comes too late to be read.
    else if (call.aborted) this.#stop(id, call);
  }

  /** The signal of a query fired. */
  #signalled(id: string, call: Call): void {
    // A client that listens to the signal itself has posted the abort before.
    if (!call.aborted && call.streams.size === 0) this.#node.partner?.accept(messageOf({ type: 'abort', id }));
    this.#abort(id);
  }

  #abort(id: string): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    call.aborted = true;
    if (call.streams.size > 0) this.#stop(id, call);
  }

  #stop(id: string, call: Call): void {
    for (const stream of call.streams) stream.abort();
    this.#forget(id, call);
  }

  #forget(id: string, call: Call): void {
    call.signal?.removeEventListener('abort', call.onabort);
    if (this.#calls.get(id) === call) this.#calls.delete(id);
  }

  #close(from: End, to: End, error?: Error): void {
    from.partner = null;
    const { partner } = to;
    to.partner = null;
    partner?.acceptClose(error);
    // Streams have ports of their own.
    for (const [id, call] of this.#calls) if (call.streams.size === 0) this.#forget(id, call);
  }
}

/** The answer to a query that failed on this side. */
function failure(id: string, error: Error): ResultMessage {
  return { type: 'result', id, result: { ok: false, error: encodeError(error) } };
}

interface Query {
  readonly type: 'query';
  readonly id: unknown;
  readonly input: unknown;
}

function isQuery(message: unknown): message is Query {
  return typeof message === 'object' && message !== null && (message as { type?: unknown }).type === 'query';
}

/** Take the AbortSignal out of a query's input, wherever it stands at its top. */
function withoutSignal(input: unknown): { readonly input: unknown; readonly signal: AbortSignal | undefined } {
  if (typeof input !== 'object' || input === null || kindOf(input) !== 'object') return { input, signal: undefined };
  let signal: AbortSignal | undefined;
  const rest: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(input)) {
    const value = (input as Record<string, unknown>)[key];
    if (isSignal(value)) signal = value;
    else rest[key] = value;
  }
  return { input: rest, signal };
}

/** Whether the value is an AbortSignal, also one of another realm or of a library. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted: state, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return typeof state === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function';
}
