/** The token by which JupyterLab plugins ask for ports to the node of a kernel. */

import type { Token } from '@lumino/coreutils';

import type { IPFSClient } from './client/index.js';
import type { ConnectOptions, KernelLike } from './connect.js';
import type { Port } from './wire/index.js';

/** Ports and clients for the nodes of kernels. */
export interface IIpfs {
  /** Open a port to the node of `kernel`; see `connect`. */
  connect(kernel: KernelLike, options?: Omit<ConnectOptions, 'native'>): Promise<Port>;
  /** Open a port and put a client on it. */
  client(kernel: KernelLike, options?: Omit<ConnectOptions, 'native'>): Promise<IPFSClient>;
}

/**
 * The token `ipfs-comm:IIpfs`.
 *
 * JupyterLab tells tokens apart by identity, so a plugin imports this object and has `ipfs-comm` shared (`jupyterlab.sharedPackages`:
 * `bundled: false, singleton: true`). It has a Token's shape without being made by its class, since this package imports nothing.
 */
export const IIpfs = Object.freeze({
  name: 'ipfs-comm:IIpfs',
  description: 'Message ports to the IPFS node of a kernel.'
}) as unknown as Token<IIpfs>;
