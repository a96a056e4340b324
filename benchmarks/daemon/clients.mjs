// Clients in this process that no kernel is behind: Kubo's own on its RPC, and ours on a node in a process of its own.

import path from 'node:path';
import { pathToFileURL } from 'node:url';

const REPO = path.resolve(import.meta.dirname, '../..');
const load = (...names) => import(pathToFileURL(path.join(REPO, ...names)).href);

const makers = {
  async direct({ api }) {
    const { loadClient } = await load('tests', 'conformance', 'clients.mjs');
    const make = await loadClient('kubo-rpc-client-newest');
    return { port: { close() {} }, ipfs: make({ url: api }) };
  },
  async stdio({ api, python }) {
    const [{ IPFSClient }, { connectProcess }] = await Promise.all(['index.js', 'testing.js'].map(name => load('labextension', 'lib', name)));
    const port = await connectProcess({ command: python, args: ['-m', 'ipfs_comm.testing.serve', '--node', 'kubo', '--kubo-api', api] });
    return { port, ipfs: IPFSClient.from(port) };
  }
};

/**
 * Make a client.
 *
 * @param {{how: 'direct' | 'stdio', api: string, python?: string}} options `api` is the URL of the daemon's RPC
 */
export const makeClient = ({ how, ...options }) => makers[how](options);
