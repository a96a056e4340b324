import { IPFSClient } from 'ipfs-message-port-client';
import { CID } from 'multiformats/cid';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { connectProcess, type Port } from '../../src/testing.js';
import { python, repository } from '../support.js';

interface Entry {
  readonly cid: CID;
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

/** The client has no types of its own that this compiler can read. */
interface Client {
  add(input: unknown, options?: object): Promise<Entry>;
  addAll(input: unknown, options?: object): AsyncIterable<Entry>;
  cat(cid: CID, options?: object): AsyncIterable<Uint8Array>;
  ls(cid: CID): AsyncIterable<Entry>;
  dag: {
    put(node: unknown, options?: object): Promise<CID>;
    get(cid: CID, options?: object): Promise<{ value: unknown }>;
  };
  block: {
    put(block: Uint8Array, options?: object): Promise<CID>;
    get(cid: CID): Promise<Uint8Array>;
    stat(cid: CID): Promise<{ size: number }>;
    rm(cid: CID): AsyncIterable<{ cid: CID; error?: Error }>;
  };
}

let port: Port;
let ipfs: Client;

beforeAll(async () => {
  port = await connectProcess({
    command: python,
    args: ['-m', 'ipfs_comm.testing.serve'],
    cwd: repository
  });
  ipfs = (IPFSClient as unknown as { from(port: unknown): Client }).from(port);
}, 60_000);

afterAll(() => port.close());

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test('text is added and catted back', async () => {
  const { cid, size } = await ipfs.add('hello');
  expect(cid.toString()).toBe('QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX');
  expect(size).toBe(13);
  expect(Buffer.from(await bytesOf(ipfs.cat(cid))).toString()).toBe('hello');
});

test('a file of many blocks comes back byte for byte', async () => {
  const content = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 31) % 251);
  const { cid } = await ipfs.add(content);
  expect(Buffer.compare(await bytesOf(ipfs.cat(cid)), content)).toBe(0);
});

test('a part of a file is catted', async () => {
  const { cid } = await ipfs.add('0123456789');
  expect(Buffer.from(await bytesOf(ipfs.cat(cid, { offset: 3, length: 4 }))).toString()).toBe('3456');
});

test('an async iterable is pulled, and progress told before the result', async () => {
  const told: number[] = [];
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 4; at++) yield await Promise.resolve(new Uint8Array(300_000).fill(at));
  };
  const { size } = await ipfs.add(chunks(), { progress: (bytes: number) => told.push(bytes) });
  expect(size).toBeGreaterThan(1_200_000);
  expect(told.at(-1)).toBe(1_200_000);
});

test('a Blob is added', async () => {
  const { cid } = await ipfs.add(new Blob(['from a ', 'Blob']));
  expect(Buffer.from(await bytesOf(ipfs.cat(cid))).toString()).toBe('from a Blob');
});

test('many files become a directory that can be listed', async () => {
  const added = await all(
    ipfs.addAll([
      { path: 'dir/a', content: 'a' },
      { path: 'dir/b', content: 'bb' }
    ])
  );
  const dir = added.find(({ path }) => path === 'dir') as Entry;
  const names = (await all(ipfs.ls(dir.cid))).map(({ name, size }) => [name, size]);
  expect(names).toEqual([
    ['a', 1],
    ['b', 2]
  ]);
});

test('a node with a link is put and got', async () => {
  const { cid: link } = await ipfs.add('linked');
  const cid = await ipfs.dag.put({ name: 'node', link: CID.decode(link.bytes) }, { storeCodec: 'dag-cbor', hashAlg: 'sha2-256' });
  const { value } = (await ipfs.dag.get(cid)) as { value: { name: string; link: CID } };
  expect(value.name).toBe('node');
  expect(value.link.toString()).toBe(link.toString());
});

test('a block is put, got, measured and removed', async () => {
  const cid = await ipfs.block.put(Uint8Array.of(1, 2, 3));
  expect([...(await ipfs.block.get(cid))]).toEqual([1, 2, 3]);
  expect((await ipfs.block.stat(cid)).size).toBe(3);
  expect((await all(ipfs.block.rm(cid))).map(({ error }) => error)).toEqual([undefined]);
});

test('a block that nobody has is an error at once', async () => {
  const cid = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy');
  await expect(ipfs.block.get(cid)).rejects.toThrow('not found');
});
