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
  }
  for (const inner of Object.keys(METHODS)) {
    if (inner !== 'core' && outerOf(inner) === name) {
      const short = inner.slice(inner.lastIndexOf('.') + 1);
      found[short] = Object.assign(found[short] ?? {}, namespace(transport, inner));
    }
  }
  return found;
}

function outerOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? 'core' : name.slice(0, dot);
}

function call(transport: Transport, namespaceName: string, method: string, entry: MethodEntry, given: unknown[]): unknown {
  const names = Object.keys(entry.parameters);
  const options = optionsOf(given, names.length);
  const where = `${namespaceName}.${method}`;
  const ask = async (): Promise<{ readonly answer: unknown; readonly release: () => void }> => {
    const encoding: Encoding = { transport, transfer: [], releases: [] };
    const release = (): void => encoding.releases.forEach(each => each());
    try {
      const input = { ...encodeOptions(encoding, entry, options), ...encodeParameters(encoding, entry, names, given) };
      const value = await transport.query({ namespace: namespaceName, method, input, transfer: encoding.transfer }, options);
      return { answer: entry.member === '' ? value : memberOf(value, entry.member, where), release };
    } catch (error) {
      release();
      throw error;
    }
  };
  if (entry.flow === 'value') return once(ask, entry);
  const items = stream(transport, ask, entry, options);
  return entry.answer === 'bytes' ? new ByteStream(items as AsyncGenerator<Uint8Array, void, undefined>) : new ItemStream(items);
}

type Ask = () => Promise<{ readonly answer: unknown; readonly release: () => void }>;

async function once(ask: Ask, entry: MethodEntry): Promise<unknown> {
  const { answer, release } = await ask();
  release();
  return decode(RECORDS, entry.answer, answer);
}

async function* stream(transport: Transport, ask: Ask, entry: MethodEntry, options: Options): AsyncGenerator<unknown, void, undefined> {
  const { answer, release } = await ask();
  try {
    if (entry.flow === 'array') for (const item of answer as unknown[]) yield decode(RECORDS, entry.answer, item);
    else yield* decodeIterable(transport, answer as RemoteIterable, item => decode(RECORDS, entry.answer, item), options);
  } finally {
    release();
  }
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
