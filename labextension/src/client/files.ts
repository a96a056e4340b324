/** The namespace files: stat. */

import { type CIDInput, decodeCID, toCID } from '../rpc/cid.js';
import type { EncodedCID } from '../rpc/protocol.js';
import type { Transport } from '../rpc/transport.js';
import type { FilesStat, FilesStatOptions } from './types.js';

export class FilesAPI {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * What is at a path.
   *
   * @param path - a path, `/ipfs/<cid>…`, or a CID.
   */
  async stat(path: CIDInput, options: FilesStatOptions = {}): Promise<FilesStat> {
    const { size, hash, withLocal } = options;
    const text = typeof path === 'string' ? path : `/ipfs/${toCID(path).toString()}`;
    const query = { namespace: 'files', method: 'stat', input: { path: text, size, hash, withLocal } };
    const { stat } = (await this.#transport.query(query, options)) as { stat: FilesStat & { cid: EncodedCID } };
    return { ...stat, cid: decodeCID(stat.cid) };
  }
}
