/** The unmodified client, the interceptor and the server of the kernel, over the stdio of a process. */

import { afterAll, beforeAll, expect, test } from 'vitest';

import { connectProcess, type Port } from '../../src/testing.js';
import { python, repository } from '../support.js';
import { type Entry, type OldClient, oldClient } from './support.js';

let port: Port;
let ipfs: OldClient;

beforeAll(async () => {
  port = await connectProcess({
    command: python,
    args: ['-m', 'ipfs_comm.testing.serve'],
    cwd: repository
  });
  ipfs = oldClient(port);
}, 60_000);

afterAll(() => port.close());

const large = Uint8Array.from({ length: 20_000_000 }, (_, at) => (at * 31 + (at >>> 12)) % 251);

test('a file of many chunks is read ahead, whole and in order', async () => {
  const { cid } = await ipfs.add(large);
  const chunks: Uint8Array[] = [];
  for await (const chunk of ipfs.cat(cid)) chunks.push(chunk);
  expect(Buffer.compare(Buffer.concat(chunks), large)).toBe(0);
});

test('files with streams in them are pushed, and no iterator is asked twice at a time', async () => {
  let [running, overlaps, made] = [0, 0, 0];
  const content = (): AsyncIterable<Uint8Array> => {
    let at = 0;
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => {
        overlaps += running++;
        await new Promise(setImmediate);
        running--;
        made++;
        return at < 20 ? { done: false, value: large.subarray(1000 * at, 1000 * ++at) } : { done: true, value: undefined };
      }
    };
    return { [Symbol.asyncIterator]: () => iterator };
  };
  const added: Entry[] = [];
  for await (const entry of ipfs.addAll([{ path: 'd/a', content: content() }])) added.push(entry);
  const chunks: Uint8Array[] = [];
  for await (const chunk of ipfs.cat(added[0]?.cid)) chunks.push(chunk);
  expect(Buffer.compare(Buffer.concat(chunks), large.subarray(0, 20_000))).toBe(0);
  expect([overlaps, made]).toEqual([0, 21]);
});

test.each<[string, (cid: unknown, signal: AbortSignal) => Promise<unknown>]>([
  ['add', (_, signal) => ipfs.add('content', { signal })],
  ['cat', (cid, signal) => ipfs.cat(cid, { signal }).next()],
  ['dag.get', (cid, signal) => ipfs.dag.get(cid, { signal })]
])('%s takes a signal, and is aborted by it', async (_, call) => {
  const { cid } = await ipfs.add('content');
  await call(cid, new AbortController().signal);
  await expect(call(cid, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
});

test('a signal that fires in the middle of a file ends it', async () => {
  const { cid } = await ipfs.add(large);
  const controller = new AbortController();
  const seen: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of ipfs.cat(cid, { signal: controller.signal })) {
      seen.push(chunk);
      controller.abort();
    }
  })();
  await expect(reading).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED' });
  expect(seen).toHaveLength(1);
});

test('the entries of a large directory cost their own bytes', async () => {
  const files = Array.from({ length: 1000 }, (_, at) => ({ path: `d/${at}`, content: String(at) }));
  let directory: Entry | undefined;
  for await (const entry of ipfs.addAll(files)) directory = entry;
  const buffers = new Set<ArrayBufferLike>();
  let count = 0;
  for await (const { cid } of ipfs.ls(directory?.cid)) {
    const { bytes, multihash } = cid as { bytes: Uint8Array; multihash: { bytes: Uint8Array; digest: Uint8Array } };
    for (const view of [bytes, multihash.bytes, multihash.digest]) buffers.add(view.buffer);
    count++;
  }
  expect(count).toBe(1000);
  expect([...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(1000 * 120);
});
