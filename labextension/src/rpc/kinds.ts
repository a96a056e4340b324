/** Kinds of values, by their names in the table of methods: what a page gives becomes what travels, and back. */

import { ProtocolError } from '../errors.js';
import { encodeCallback } from './callback.js';
import { type CIDInput, decodeCID, encodeCID, encodePathOrCID, isCID } from './cid.js';
import { decodeNode, encodeNode } from './dag.js';
import { decodeError } from './error.js';
import {
  encodeAddAllInput,
  encodeAddInput,
  encodeBytes,
  encodeCar,
  encodeContent,
  encodeMode,
  encodeMtime,
  type ItemSource,
  type ModeInput,
  type MtimeInput
} from './input.js';
import { encodeIterable } from './iterable.js';
import { Multiaddr } from './multiaddr.js';
import { isPeerId, PeerId } from './peer-id.js';
import type { EncodedCID, EncodedError, EncodedNode } from './protocol.js';
import type { Transport } from './transport.js';

/** One method: its parameters in order, its options, and what it gives. */
export interface MethodEntry {
  readonly parameters: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Kind of the result, or of one item. */
  readonly answer: string;
  /** One value, items while they are made, or items in an array. */
  readonly flow: 'value' | 'stream' | 'array';
  /** The member of the result that it comes in; empty where it is the result. */
  readonly member: string;
  /** Whether its callbacks are called after the result too, until their ports close. */
  readonly lasting?: boolean;
}

export type Methods = Readonly<Record<string, Readonly<Record<string, MethodEntry>>>>;
/** Members of results and their kinds. */
export type Records = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A multiaddress, as text or as an object of any library. */
export type MultiaddrInput = string | { toString(): string };
/** A peer's ID, as text or as an object of any library. */
export type PeerIdInput = string | { toString(): string };
/** A link of dag-pb. */
export interface PBLinkInput {
  readonly Hash: CIDInput;
  readonly Name?: string | undefined;
  readonly Tsize?: number | undefined;
}
/** A node of dag-pb, or its data alone. */
export type PBNodeInput =
  { readonly Data?: Uint8Array | undefined; readonly Links: readonly PBLinkInput[] } | ArrayBufferView | ArrayBuffer;
/** What is to be pinned or unpinned. */
export type PinSource =
  | CIDInput
  | {
      readonly cid?: CIDInput;
      readonly path?: CIDInput;
      readonly recursive?: boolean;
      readonly metadata?: unknown;
      readonly name?: string;
    };

/** The call that is being made: what moves with it, and what it lets go of at its end. */
export interface Encoding {
  readonly transport: Transport;
  readonly records: Records;
  readonly transfer: object[];
  readonly releases: (() => void)[];
  /** What is waited for before the result is given: progress that was posted before it. */
  readonly settling: (() => Promise<void>)[];
}

type Encoder = (encoding: Encoding, value: never) => unknown;

const ENCODERS: Readonly<Record<string, Encoder>> = {
  bytes: ({ transfer }, value: ArrayBufferView | ArrayBuffer) => encodeBytes(value, transfer),
  callback: ({ transport, transfer, releases, settling }, value: () => unknown) => {
    const { remote, release, settled } = encodeCallback(transport, value, transfer);
    releases.push(release);
    settling.push(settled);
    return remote;
  },
  cars: ({ transport, transfer }, value: never) => encodeCar(transport, value, transfer),
  cid: (_, value: CIDInput) => encodeCID(value),
  content: ({ transport, transfer }, value: never) => encodeContent(transport, value, transfer),
  entries: ({ transport, transfer }, value: never) => encodeAddAllInput(transport, value, transfer),
  entry: ({ transport, transfer }, value: never) => encodeAddInput(transport, value, transfer),
  mode: (_, value: ModeInput) => encodeMode(value),
  mtime: (_, value: MtimeInput) => encodeMtime(value),
  multiaddr: (_, value: MultiaddrInput) => value.toString(),
  node: (_, value: unknown) => encodeNode(value),
  path: (_, value: CIDInput | PeerId) => (isPeerId(value) ? value.toString() : encodePathOrCID(value)),
  peer: (_, value: PeerIdInput) => value.toString(),
  'pb-link': (_, value: PBLinkInput) => encodeLink(value),
  'pb-link-or-name': (_, value: PBLinkInput | string) => (typeof value === 'string' ? value : encodeLink(value)),
  'pb-node': ({ transfer }, value: PBNodeInput) =>
    'Links' in value
      ? { Data: value.Data && encodeBytes(value.Data, transfer), Links: value.Links.map(encodeLink) }
      : encodeBytes(value, transfer),
  'pin-source': (_, value: PinSource) => {
    if (typeof value === 'string' || value instanceof Uint8Array || isCID(value)) return encodePathOrCID(value);
    const { cid, path = cid, ...rest } = value;
    return { ...rest, path: encodePathOrCID(path as CIDInput) };
  },
  url: (_, value: string | URL) => String(value),
  'text-or-bytes': ({ transfer }, value: string | ArrayBufferView) => (typeof value === 'string' ? value : encodeBytes(value, transfer))
};

function encodeLink({ Hash, Name, Tsize }: PBLinkInput): object {
  return { Hash: encodeCID(Hash), Name, Tsize };
}

/** A value of a kind, as it travels. What the kind leaves alone is left alone: the node looks at it. */
export function encode(encoding: Encoding, kind: string, value: unknown): unknown {
  const part = partOf(kind);
  if (part === undefined) return value === undefined || !(kind in ENCODERS) ? value : ENCODERS[kind]?.(encoding, value as never);
  if (kind.startsWith('handler<')) {
    if (typeof value !== 'function') return value;
    const handler = (travelled: unknown): unknown => (value as (given: unknown) => unknown)(decode(encoding.records, part, travelled));
    const { remote, release } = encodeCallback(encoding.transport, handler, encoding.transfer);
    encoding.releases.push(release);
    return remote;
  }
  if (kind.startsWith('stream<')) {
    const item = (each: unknown): { value: unknown; transfer: object[] } => {
      const transfer: object[] = [];
      return { value: encode({ ...encoding, transfer }, part, each), transfer };
    };
    return encodeIterable(encoding.transport, value as ItemSource<unknown>, item, encoding.transfer);
  }
  if (value === undefined || value === null) return undefined;
  const many = typeof value === 'object' && Symbol.iterator in value && !ArrayBuffer.isView(value);
  return many ? [...(value as Iterable<unknown>)].map(each => encode(encoding, part, each)) : encode(encoding, part, value);
}

type Decoder = (value: never) => unknown;

const DECODERS: Readonly<Record<string, Decoder>> = {
  bigint: (value: number | bigint) => BigInt(value),
  cid: (value: EncodedCID) => decodeCID(value),
  error: (value: EncodedError) => decodeError(value),
  multiaddr: (value: string) => new Multiaddr(value),
  node: (value: EncodedNode) => decodeNode(value),
  nothing: () => undefined,
  url: (value: string) => new URL(value),
  peer: (value: string) => new PeerId(value)
};

/** What travelled, as a value of a kind. */
export function decode(records: Records, kind: string, value: unknown): unknown {
  const fields = records[kind];
  if (fields !== undefined) return decodeRecord(records, kind, fields, value);
  const part = partOf(kind);
  if (part === undefined) return kind in DECODERS ? DECODERS[kind]?.(value as never) : value;
  if (kind.endsWith('?')) return value === undefined || value === null ? undefined : decode(records, part, value);
  if (!Array.isArray(value)) throw new ProtocolError(`a ${kind} came as something else`);
  return value.map(item => decode(records, part, item));
}

function decodeRecord(records: Records, kind: string, fields: Readonly<Record<string, string>>, value: unknown): object {
  if (value === null || typeof value !== 'object') throw new ProtocolError(`a ${kind} came as something else`);
  const decoded: Record<string, unknown> = {};
  for (const [name, of] of Object.entries(fields)) {
    const travelled = (value as Record<string, unknown>)[name];
    const member = travelled === undefined ? undefined : decode(records, of, travelled);
    if (member !== undefined) decoded[name] = member;
  }
  return decoded;
}

/** What a list, a stream or an optional value is made of. */
function partOf(kind: string): string | undefined {
  if (kind.endsWith('?')) return kind.slice(0, -1);
  return kind.endsWith('>') ? kind.slice(kind.indexOf('<') + 1, -1) : undefined;
}
