/** The namespace dag: put, get, resolve. */

import { type CID, type CIDInput, decodeCID, encodeCID, splitPath } from '../rpc/cid.js';
import { decodeNode, encodeNode } from '../rpc/dag.js';
import type { EncodedCID, EncodedNode } from '../rpc/protocol.js';
import type { Transport } from '../rpc/transport.js';
import type { DagGetOptions, DagGetResult, DagPutOptions, DagResolveOptions, DagResolveResult } from './types.js';

export class DagAPI {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Store a node; CIDs in it, of whatever copy of multiformats, become links. */
  async put(node: unknown, options: DagPutOptions = {}): Promise<CID> {
    const { signal: _signal, timeout: _timeout, ...rest } = options;
    const query = { namespace: 'dag', method: 'put', input: { ...rest, dagNode: encodeNode(node) } };
    return decodeCID((await this.#transport.query(query, options)) as EncodedCID);
  }

  /**
   * Get a node, or a value in it.
   *
   * @param path - a CID, or `<cid>/a/b` with or without `/ipfs/`.
   */
  async get(path: CIDInput, options: DagGetOptions = {}): Promise<DagGetResult> {
    const { cid, path: below } = where(path, options.path);
    const { localResolve } = options;
    const query = { namespace: 'dag', method: 'get', input: { cid: encodeCID(cid), path: below, localResolve } };
    const { value, remainderPath } = (await this.#transport.query(query, options)) as { value: EncodedNode; remainderPath?: string };
    return { value: decodeNode(value), remainderPath };
  }

  /** The last CID on a path, and what of the path lies inside its block. */
  async resolve(path: CIDInput, options: DagResolveOptions = {}): Promise<DagResolveResult> {
    const { cid, path: below } = where(path, options.path);
    const query = { namespace: 'dag', method: 'resolve', input: { cid: encodeCID(cid), path: below } };
    const result = (await this.#transport.query(query, options)) as { cid: EncodedCID; remainderPath?: string };
    return { cid: decodeCID(result.cid), remainderPath: result.remainderPath };
  }
}

function where(input: CIDInput, below: string | undefined): { cid: CID; path: string | undefined } {
  const { cid, path } = splitPath(input);
  const joined = [path, below?.replace(/^\/+/, '')].filter(Boolean).join('/');
  return { cid, path: joined === '' ? undefined : `/${joined}` };
}
