/** A client for a node at the other end of a port. */

import type { PortLike } from '../rpc/protocol.js';
import { Transport } from '../rpc/transport.js';
import type { CoreAPI } from './api.js';
import { namespace } from './call.js';

export type * from './api.js';
export type * from './types.js';

/**
 * The IPFS core API over a port, in the protocol of ipfs-message-port.
 *
 * Every call takes `signal` and `timeout` (ms; for a stream: per item). When the port is closed all calls are rejected at once, later ones too.
 * Errors of the node arrive as `RemoteError` with the node's `name`, `code` and `detail`.
 *
 * @example
 * const ipfs = IPFSClient.from(await connect(kernel));
 * const { cid } = await ipfs.add('hello');
 * for await (const chunk of ipfs.cat(cid)) console.log(chunk);
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- the members come from the table of methods
export class IPFSClient {
  readonly #transport: Transport;

  private constructor(transport: Transport) {
    this.#transport = transport;
    Object.assign(this, namespace(transport, 'core'));
  }

  /** A client on a port: one of `connect`, or a native MessagePort. The client starts the port and owns it. */
  static from(port: PortLike): IPFSClient {
    return new IPFSClient(new Transport(port));
  }

  /** Why no call can be made any more; undefined while one can. */
  get closed(): Error | undefined {
    return this.#transport.over;
  }

  /** End all calls and close the port. */
  close(): void {
    this.#transport.close();
  }
}

// eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unsafe-declaration-merging -- as above
export interface IPFSClient extends CoreAPI {}
