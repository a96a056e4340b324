// The original as its users ran it: js-ipfs in a SharedWorker, its repository in IndexedDB; offline, so that it measures itself and no network.

// As published, with the dependencies of its day; it stands in the global `IpfsCore`.
import './node_modules/ipfs-core/dist/index.min.js';
import { IPFSService, Server } from 'ipfs-message-port-server';

const starting = globalThis.IpfsCore.create({
  repo: 'benchmark',
  silent: true,
  start: false,
  offline: true,
  preload: { enabled: false },
  config: { Addresses: { Swarm: [], Delegates: [] }, Bootstrap: [], Discovery: { webRTCStar: { Enabled: false } } }
}).then(ipfs => new Server(new IPFSService(ipfs)));

globalThis.onconnect = async ({ ports: [port] }) => {
  const server = await starting.catch(error => port.postMessage({ type: 'failed', error: String(error?.stack ?? error) }));
  server?.connect(port);
};
