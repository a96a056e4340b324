// A page with the unmodified client on a port of the SharedWorker.

import { IPFSClient } from 'ipfs-message-port-client';
import { createVerbs } from '../harness/verbs_end.js';

const { port } = new SharedWorker('/shared-worker.js', { name: 'ipfs' });
// Said once, before anything else, if the node did not start.
port.addEventListener('message', ({ data }) => {
  if (data?.type === 'failed') globalThis.failed = data.error;
});
const ipfs = IPFSClient.from(port);
globalThis.bench = createVerbs(() => ipfs);
