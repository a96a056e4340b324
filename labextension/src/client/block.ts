/** The namespace block: put, get, rm, stat. */

import { type CIDInput, decodeCID, encodeCID } from '../rpc/cid.js';
import { decodeError } from '../rpc/error.js';
import { encodeBytes } from '../rpc/input.js';
import type { EncodedCID, EncodedError } from '../rpc/protocol.js';
import type { Transport } from '../rpc/transport.js';
import type { BlockPutOptions, BlockRemoveOptions, BlockRemoveResult, BlockStat, CallOptions, CID } from './types.js';

export class BlockAPI {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Store a block as it is. */
  async put(block: ArrayBufferView | ArrayBuffer, options: BlockPutOptions = {}): Promise<CID> {
    const { signal: _signal, timeout: _timeout, ...rest } = options;
    const transfer: object[] = [];
    const query = { namespace: 'block', method: 'put', input: { ...rest, block: encodeBytes(block, transfer) }, transfer };
    const { cid } = (await this.#transport.query(query, options)) as { cid: EncodedCID };
    return decodeCID(cid);
  }

  /** The bytes of a block. */
  async get(cid: CIDInput, options: CallOptions = {}): Promise<Uint8Array> {
    const query = { namespace: 'block', method: 'get', input: { cid: encodeCID(cid) } };
    const { block } = (await this.#transport.query(query, options)) as { block: Uint8Array };
    return block;
  }

  /** Remove blocks; an entry with `error` is one that could not be. */
  async *rm(cids: CIDInput | Iterable<CIDInput>, options: BlockRemoveOptions = {}): AsyncGenerator<BlockRemoveResult, void, undefined> {
    const { force, quiet } = options;
    const query = { namespace: 'block', method: 'rm', input: { cids: listOf(cids).map(encodeCID), force, quiet } };
    const removed = (await this.#transport.query(query, options)) as { cid: EncodedCID; error?: EncodedError }[];
    for (const { cid, error } of removed) yield { cid: decodeCID(cid), ...(error && { error: decodeError(error) }) };
  }

  /** The size of a block. */
  async stat(cid: CIDInput, options: CallOptions = {}): Promise<BlockStat> {
    const query = { namespace: 'block', method: 'stat', input: { cid: encodeCID(cid) } };
    const stat = (await this.#transport.query(query, options)) as { cid: EncodedCID; size: number };
    return { cid: decodeCID(stat.cid), size: stat.size };
  }
}

function listOf(cids: CIDInput | Iterable<CIDInput>): CIDInput[] {
  if (typeof cids === 'string' || cids instanceof Uint8Array || !(Symbol.iterator in cids)) return [cids];
  return [...cids];
}
