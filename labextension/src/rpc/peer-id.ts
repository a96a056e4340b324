/**
 * Peer IDs as results: small objects with what callers use of js-ipfs's.
 *
 * They answer to `isPeerId` of any copy of @libp2p/interface-peer-id. Specification: libp2p, "Peer Ids and Keys".
 */

import { base36 } from 'multiformats/bases/base36';
import { base58btc } from 'multiformats/bases/base58';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import type { MultihashDigest } from 'multiformats/interface';

import { InvalidInputError } from '../errors.js';

const PEER_ID: unique symbol = Symbol.for('@libp2p/peer-id') as never;
const LIBP2P_KEY = 0x72;
const IDENTITY = 0x00;
/** By the number that a public key's serialization begins with. */
const TYPES = ['RSA', 'Ed25519', 'secp256k1', 'ECDSA'];

/** Who a peer is: the hash of its public key, or the key itself. */
export class PeerId {
  readonly [PEER_ID] = true;
  readonly #text: string;

  constructor(value: string) {
    this.#text = value;
  }

  /** Base58btc, `12D3KooW…` or `Qm…`, as it came. */
  toString(): string {
    return this.#text;
  }

  toJSON(): string {
    return this.#text;
  }

  /** The multihash that it is. */
  get multihash(): MultihashDigest {
    try {
      return /^(1|Qm)/.test(this.#text) ? Digest.decode(base58btc.baseDecode(this.#text)) : parseCID(this.#text).multihash;
    } catch (error) {
      throw new InvalidInputError(`${JSON.stringify(this.#text)} is no peer ID`, { code: 'ERR_INVALID_NAME', cause: error });
    }
  }

  /** The bytes of its multihash. */
  toBytes(): Uint8Array {
    return this.multihash.bytes;
  }

  /** The CID that it is as a name: `k51…`, `k2k…` in base36. */
  toCID(): CID {
    return CID.createV1(LIBP2P_KEY, this.multihash);
  }

  /** `Ed25519`, `secp256k1`, `RSA` or `ECDSA`. */
  get type(): string {
    const { code, digest } = this.multihash;
    return (code === IDENTITY ? TYPES[digest[1] ?? 0] : undefined) ?? 'RSA';
  }

  /** The serialized public key, where the ID holds it. */
  get publicKey(): Uint8Array | undefined {
    const { code, digest } = this.multihash;
    return code === IDENTITY ? digest : undefined;
  }

  equals(other: unknown): boolean {
    if (other instanceof Uint8Array) return String(other) === String(this.toBytes());
    return String(other) === this.#text || (isPeerId(other) && String(other.toBytes()) === String(this.toBytes()));
  }
}

/** Whether the value is a peer ID of this or of another library. */
export function isPeerId(value: unknown): value is PeerId {
  return value !== null && typeof value === 'object' && (value as Partial<PeerId>)[PEER_ID] === true;
}

function parseCID(value: string): CID {
  return value.startsWith('k') ? CID.parse(value, base36) : CID.parse(value);
}
