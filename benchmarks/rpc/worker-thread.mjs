// The original at its fastest: js-ipfs in a worker thread of Node, its blocks in memory.

import { parentPort } from 'node:worker_threads';
import * as dagCbor from '@ipld/dag-cbor';
import * as dagPb from '@ipld/dag-pb';
import { MemoryBlockstore } from 'blockstore-core/memory';
import { MemoryDatastore } from 'datastore-core/memory';
import { create } from 'ipfs-core';
import { IPFSService, Server } from 'ipfs-message-port-server';
import { createRepo } from 'ipfs-repo';
import { MemoryLock } from 'ipfs-repo/locks/memory';
import * as raw from 'multiformats/codecs/raw';

const codecs = [dagPb, dagCbor, raw];
const codecOf = async wanted => codecs.find(({ code, name }) => code === wanted || name === wanted);

const [root, datastore, keys, pins] = Array.from({ length: 4 }, () => new MemoryDatastore());
const repo = createRepo(
  'benchmark',
  codecOf,
  { root, datastore, keys, pins, blocks: new MemoryBlockstore() },
  { autoMigrate: false, repoLock: MemoryLock }
);
const ipfs = await create({
  repo,
  silent: true,
  start: false,
  offline: true,
  preload: { enabled: false },
  config: { Addresses: { Swarm: [], Delegates: [] }, Bootstrap: [] }
});
const server = new Server(new IPFSService(ipfs));
parentPort.on('message', ({ port }) => server.connect(port));
