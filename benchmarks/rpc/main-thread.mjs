// The unmodified client in Node, on a port of the worker thread.

import { Worker } from 'node:worker_threads';
import { IPFSClient } from 'ipfs-message-port-client';
import { answerCommands } from '../harness/commands.mjs';
import { createVerbs } from '../harness/verbs_end.js';

const worker = new Worker(new URL('./worker-thread.mjs', import.meta.url));
worker.once('error', error => {
  console.error(error);
  process.exit(1);
});
const { port1, port2 } = new MessageChannel();
worker.postMessage({ port: port2 }, [port2]);
const ipfs = IPFSClient.from(port1);
await answerCommands(createVerbs(() => ipfs));
