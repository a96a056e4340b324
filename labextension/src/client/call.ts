/** How a call of a client becomes a query, by the table of methods. */

import { ProtocolError } from '../errors.js';
import { decode, encode, type Encoding, type MethodEntry } from '../rpc/kinds.js';
import { decodeIterable } from '../rpc/iterable.js';
import type { RemoteIterable } from '../rpc/protocol.js';
import type { Transport } from '../rpc/transport.js';
import { ByteStream, ItemStream } from './stream.js';
import { METHODS, RECORDS } from './table.js';
import type { CallOptions } from './types.js';

type Options = CallOptions & Readonly<Record<string, unknown>>;

/**
 * The functions of a namespace and of those in it.
 *
 * @param name - as in the table: `core`, `object`, `object.patch`.
 */
export function namespace(transport: Transport, name: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [method, entry] of Object.entries(METHODS[name] ?? {})) {
    found[method] = (...given: unknown[]) => call(transport, name, method, entry, given);
    if (name === 'pubsub' && method === 'unsubscribe') found[method] = unsubscribing(transport, found[method] as Unsubscribe);
  }
  for (const inner of Object.keys(METHODS)) {
    if (inner !== 'core' && outerOf(inner) === name) {
      const short = inner.slice(inner.lastIndexOf('.') + 1);
      found[short] = Object.assign(found[short] ?? {}, namespace(transport, inner));
    }
  }
  return found;
}

type Unsubscribe = (topic: string, handler?: unknown, options?: CallOptions) => Promise<void>;

/** What was begun here is ended here: of one handler by closing its port, of all by asking the node too. */
function unsubscribing(transport: Transport, ask: Unsubscribe): Unsubscribe {
  return async (topic, handler, options) => {
    transport.lasting.end(topic, handler);
    if (handler === undefined || handler === null) await ask(topic, undefined, options);
  };
}

function outerOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? 'core' : name.slice(0, dot);
}

function call(transport: Transport, namespaceName: string, method: string, entry: MethodEntry, given: unknown[]): unknown {
  const names = Object.keys(entry.parameters);
  const options = optionsOf(given, names.length);
  const where = `${namespaceName}.${method}`;
  const ask: Ask = async () => {
    const encoding: Encoding = { transport, records: RECORDS, transfer: [], releases: [], settling: [] };
    const release = (): void => encoding.releases.forEach(each => each());
    try {
      const input = { ...encodeOptions(encoding, entry, options), ...encodeParameters(encoding, entry, names, given) };
      const value = await transport.query({ namespace: namespaceName, method, input, transfer: encoding.transfer }, options);
      const settle = (): Promise<unknown> => Promise.all(encoding.settling.map(each => each()));
      return { answer: entry.member === '' ? value : memberOf(value, entry.member, where), settle, release };
    } catch (error) {
      release();
      throw error;
    }
  };
  if (entry.flow === 'value')
    return once(ask, entry, release => {
      if (entry.lasting === true) transport.lasting.add(given[0] as string, given[1], release);
      else release();
    });
  const items = stream(transport, ask, entry, options, where);
  return entry.answer === 'bytes' ? new ByteStream(items as AsyncGenerator<Uint8Array, void, undefined>) : new ItemStream(items);
}

interface Answered {
  readonly answer: unknown;
  /** Wait for what was posted before the answer, or before the end of a stream. */
  readonly settle: () => Promise<unknown>;
  /** Let go of what the call held. */
  readonly release: () => void;
}

type Ask = () => Promise<Answered>;

async function once(ask: Ask, entry: MethodEntry, after: (release: () => void) => void): Promise<unknown> {
  const { answer, settle, release } = await ask();
  await settle();
  after(release);
  return decode(RECORDS, entry.answer, answer);
}

async function* stream(
  transport: Transport,
  ask: Ask,
  entry: MethodEntry,
  options: Options,
  where: string
): AsyncGenerator<unknown, void, undefined> {
  const { answer, settle, release } = await ask();
  try {
    if (entry.flow === 'array') for (const item of itemsOf(answer, where)) yield decode(RECORDS, entry.answer, item);
    else yield* decodeIterable(transport, remoteOf(answer, where), item => decode(RECORDS, entry.answer, item), options);
    await settle();
  } finally {
    release();
  }
}

function itemsOf(answer: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(answer)) throw new ProtocolError(`${where} was answered without an array`);
  return answer;
}

function remoteOf(answer: unknown, where: string): RemoteIterable {
  const { type, port } = (answer ?? {}) as Partial<RemoteIterable>;
  if (type !== 'RemoteIterable' || port === undefined) throw new ProtocolError(`${where} was answered without an iterable`);
  return answer as RemoteIterable;
}

/** What was given after the arguments. */
function optionsOf(given: readonly unknown[], count: number): Options {
  return (given[count] ?? {}) as Options;
}

function encodeParameters(encoding: Encoding, entry: MethodEntry, names: readonly string[], given: readonly unknown[]): object {
  return Object.fromEntries(names.map((name, index) => [name, encode(encoding, entry.parameters[name] as string, given[index])]));
}

/** Options by their kinds; what the table does not know goes along as it is, for a node that may. */
function encodeOptions(encoding: Encoding, entry: MethodEntry, options: Options): object {
  const { signal: _signal, timeout: _timeout, progress, ...rest } = options;
  const encoded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) {
    const kind = entry.options[name];
    if (value === undefined || value === null) continue;
    if (kind !== undefined) encoded[name] = encode(encoding, kind, value);
    else if (typeof value !== 'function' && typeof value !== 'object') encoded[name] = value;
  }
  if (typeof progress === 'function') encoded['progressCallback'] = encode(encoding, 'callback', progress);
  return encoded;
}

function memberOf(value: unknown, name: string, where: string): unknown {
  if (value !== null && typeof value === 'object' && name in value) return (value as Record<string, unknown>)[name];
  // The result of a method without one.
  if (name === 'data' && value === undefined) return undefined;
  throw new ProtocolError(`${where} was answered without ${name}: the node speaks another version of the protocol`);
}
