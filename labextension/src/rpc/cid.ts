/** CIDs: from whatever the caller has, to plain data on the wire and back. */

import { CID } from 'multiformats/cid';

import { InvalidInputError } from '../errors.js';
import type { EncodedCID } from './protocol.js';

/** An object that is a CID of any copy of multiformats, or of the wire. */
export interface CIDLike {
  readonly version: number;
  readonly code: number;
  readonly bytes: Uint8Array;
  readonly multihash: { readonly bytes: Uint8Array; readonly digest: Uint8Array };
}

/** What a CID may be given as: itself (of any version of multiformats), its text or its bytes. */
export type CIDInput = CIDLike | string | Uint8Array;

/** Whether the value is a CID of some copy of multiformats. */
export function isCID(value: unknown): value is CIDLike {
  if (value === null || typeof value !== 'object') return false;
  const { version, code, bytes, multihash, asCID } = value as Partial<CIDLike> & { asCID?: unknown };
  if ((version !== 0 && version !== 1) || typeof code !== 'number' || !(bytes instanceof Uint8Array)) return false;
  return (
    asCID === value ||
    (value as { '/'?: unknown })['/'] === bytes ||
    (multihash?.bytes instanceof Uint8Array && multihash.digest instanceof Uint8Array)
  );
}

/**
 * The CID that was meant.
 *
 * @throws InvalidInputError for what is none.
 */
export function toCID(input: CIDInput): CID {
  try {
    if (typeof input === 'string') return CID.parse(input.startsWith('/ipfs/') ? input.slice('/ipfs/'.length) : input);
    if (input instanceof Uint8Array) return CID.decode(input);
    if (isCID(input)) return CID.decode(input.bytes);
  } catch (error) {
    throw new InvalidInputError(
      `${typeof input === 'string' ? JSON.stringify(input) : 'the given value'} is no CID: ${(error as Error).message}`,
      {
        code: 'ERR_INVALID_CID',
        cause: error
      }
    );
  }
  throw new InvalidInputError('a CID is a CID object, its text or its bytes', { code: 'ERR_INVALID_CID' });
}

/** A CID as plain data, in one buffer of its own size. */
export function encodeCID(input: CIDInput): EncodedCID {
  const { version, code, multihash, bytes: source } = toCID(input);
  const bytes = source.slice();
  const mhBytes = version === 0 ? bytes : bytes.subarray(bytes.byteLength - multihash.bytes.byteLength);
  const digest = mhBytes.subarray(mhBytes.byteLength - multihash.size);
  return { version, code, multihash: { code: multihash.code, size: multihash.size, digest, bytes: mhBytes }, bytes, '/': bytes };
}

/** The CID of plain data. */
export function decodeCID(encoded: EncodedCID): CID {
  return CID.decode(encoded.bytes);
}

/** A path, a CID, or a path below a CID, as the protocol takes it: text for a path, plain data for a CID. */
export function encodePathOrCID(input: CIDInput): string | EncodedCID {
  return typeof input === 'string' ? input : encodeCID(input);
}

export { CID };
