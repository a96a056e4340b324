/**
 * Multiaddresses as results: small objects with what callers use of js-ipfs's.
 *
 * They answer to `isMultiaddr` of any copy of @multiformats/multiaddr, whose `multiaddr(…)` makes one with every method out of them, and are deeply equal to its own.
 * Specification: multiaddr, "Human-readable multiaddr" and "Machine-readable multiaddr"; the codes are those of its table of protocols.
 */

import { base32 } from 'multiformats/bases/base32';
import { base64url } from 'multiformats/bases/base64';

import { InvalidInputError } from '../errors.js';
import { PeerId } from './peer-id.js';

const MULTIADDR: unique symbol = Symbol.for('@multiformats/js-multiaddr/multiaddr') as never;

/** Makes bytes of a protocol's value; without one the protocol has none. */
type Encoder = (value: string) => Uint8Array;
interface Protocol {
  readonly code: number;
  readonly encode?: Encoder;
  /** Whether the value's length stands before it. */
  readonly sized?: boolean;
  /** Whether the value is the rest of the address. */
  readonly path?: boolean;
}

const utf8: Encoder = value => new TextEncoder().encode(value);
const uint16: Encoder = value => {
  const number = Number(value);
  if (!/^\d{1,5}$/.test(value) || number > 0xffff) throw new InvalidInputError(`${JSON.stringify(value)} is no port`);
  return Uint8Array.of(number >> 8, number & 0xff);
};
const onion: Encoder = value => {
  const [host = '', port = ''] = value.split(':');
  return concat([base32.baseDecode(host), uint16(port)]);
};
const text = (code: number): Protocol => ({ code, encode: utf8, sized: true });

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  ip4: { code: 4, encode: ip4 },
  tcp: { code: 6, encode: uint16 },
  ip6: { code: 41, encode: ip6 },
  ip6zone: text(42),
  ipcidr: { code: 43, encode: value => Uint8Array.of(Number(value)) },
  dns: text(53),
  dns4: text(54),
  dns6: text(55),
  dnsaddr: text(56),
  udp: { code: 273, encode: uint16 },
  'webrtc-direct': { code: 280 },
  webrtc: { code: 281 },
  'p2p-circuit': { code: 290 },
  unix: { code: 400, encode: utf8, sized: true, path: true },
  p2p: { code: 421, encode: value => new PeerId(value).toBytes(), sized: true },
  https: { code: 443 },
  onion: { code: 444, encode: onion },
  onion3: { code: 445, encode: onion },
  tls: { code: 448 },
  sni: text(449),
  noise: { code: 454 },
  quic: { code: 460 },
  'quic-v1': { code: 461 },
  webtransport: { code: 465 },
  certhash: { code: 466, encode: value => base64url.decode(value), sized: true },
  ws: { code: 477 },
  wss: { code: 478 },
  http: { code: 480 },
  'http-path': { code: 481, encode: value => utf8(decodeURIComponent(value)), sized: true }
};

/** Where a peer may be reached. */
export class Multiaddr {
  readonly [MULTIADDR] = true;
  /** The binary form; an error where a protocol is not known here. */
  declare readonly bytes: Uint8Array;
  readonly #text: string;

  constructor(value: string) {
    this.#text = value.length > 1 ? value.replace(/\/+$/, '') : value;
  }

  toString(): string {
    return this.#text;
  }

  toJSON(): string {
    return this.#text;
  }

  equals(other: { toString(): string }): boolean {
    return this.#text === other.toString();
  }

  /** Protocols and their values, in order. */
  stringTuples(): [code: number, value?: string][] {
    return parts(this.#text).map(({ protocol, value }) => (value === undefined ? [protocol.code] : [protocol.code, value]));
  }

  protoNames(): string[] {
    return parts(this.#text).map(({ name }) => name);
  }

  /** The peer that is reached at the end; null where the address does not say. */
  getPeerId(): string | null {
    return parts(this.#text).findLast(({ name }) => name === 'p2p')?.value ?? null;
  }

  /** The host and port that it begins with, as sockets are given them; 443 is the port where a name stands alone. */
  nodeAddress(): { family: 4 | 6; address: string; port: number } {
    const all = parts(this.#text);
    const zone = all[0]?.name === 'ip6zone' ? `%${all.shift()?.value ?? ''}` : '';
    const [host, transport] = all;
    const named = host?.name.startsWith('dns') === true;
    const ported = transport?.name === 'tcp' || transport?.name === 'udp';
    if (host?.value === undefined || !(named || ((host.name === 'ip4' || host.name === 'ip6') && ported)))
      throw new InvalidInputError(`${this.#text} does not begin with a host and a port`);
    return {
      family: host.name === 'ip6' || host.name === 'dns6' ? 6 : 4,
      address: host.value + zone,
      port: ported ? Number(transport.value) : 443
    };
  }

  encapsulate(inner: { toString(): string }): Multiaddr {
    return new Multiaddr(this.#text + inner.toString());
  }

  /** What stands before the last occurrence of a part. */
  decapsulate(inner: { toString(): string }): Multiaddr {
    const at = this.#text.lastIndexOf(inner.toString());
    if (at < 0) throw new InvalidInputError(`${this.#text} does not contain ${inner.toString()}`);
    return new Multiaddr(this.#text.slice(0, at));
  }

  static {
    // Listed among its members, as in the class whose equal it is, and made when it is wanted.
    Object.defineProperty(this.prototype, 'bytes', {
      enumerable: true,
      get(this: Multiaddr): Uint8Array {
        return encode(this.#text);
      }
    });
  }
}

interface Part {
  readonly name: string;
  readonly protocol: Protocol;
  readonly value?: string;
}

function parts(address: string): Part[] {
  const found: Part[] = [];
  const words = address.split('/').slice(1);
  while (words.length > 0) {
    const word = words.shift() as string;
    const name = word === 'ipfs' ? 'p2p' : word;
    const protocol = Object.hasOwn(PROTOCOLS, name) ? PROTOCOLS[name] : undefined;
    if (protocol === undefined)
      throw new InvalidInputError(`${address} cannot be taken apart: the protocol ${JSON.stringify(name)} is not known here`);
    if (protocol.encode === undefined) {
      found.push({ name, protocol });
    } else {
      const value = protocol.path === true ? `/${words.splice(0).join('/')}` : words.shift();
      if (value === undefined || value === '') throw new InvalidInputError(`${address} gives no value for ${name}`);
      found.push({ name, protocol, value });
    }
  }
  return found;
}

function encode(address: string): Uint8Array {
  return concat(
    parts(address).flatMap(({ protocol: { code, encode: encodeValue, sized }, value }) => {
      if (encodeValue === undefined || value === undefined) return [varint(code)];
      const bytes = encodeValue(value);
      return sized === true ? [varint(code), varint(bytes.length), bytes] : [varint(code), bytes];
    })
  );
}

function ip4(value: string): Uint8Array {
  const numbers = value.split('.').map(Number);
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(value) || numbers.some(number => number > 255))
    throw new InvalidInputError(`${JSON.stringify(value)} is no IPv4 address`);
  return Uint8Array.from(numbers);
}

function ip6(value: string): Uint8Array {
  const wrong = (): Error => new InvalidInputError(`${JSON.stringify(value)} is no IPv6 address`);
  const halves = value.split('::').map(half => groups(half, wrong));
  if (halves.length > 2) throw wrong();
  const [head = [], tail = []] = halves;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) throw wrong();
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(all.flatMap(group => [group >> 8, group & 0xff]));
}

function groups(half: string, wrong: () => Error): number[] {
  if (half === '') return [];
  return half.split(':').flatMap((group, index, every) => {
    if (group.includes('.') && index === every.length - 1) {
      const [a = 0, b = 0, c = 0, d = 0] = ip4(group);
      return [(a << 8) | b, (c << 8) | d];
    }
    if (!/^[0-9a-f]{1,4}$/i.test(group)) throw wrong();
    return [parseInt(group, 16)];
  });
}

function varint(number: number): Uint8Array {
  const bytes: number[] = [];
  for (; number > 0x7f; number >>>= 7) bytes.push((number & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, number]);
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
