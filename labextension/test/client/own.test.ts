import { afterAll, beforeAll, expect, test } from 'vitest';

import { IPFSClient } from '../../src/client/index.js';
import { CID } from '../../src/rpc/cid.js';
import { connectProcess } from '../../src/testing.js';
import { python, repository } from '../support.js';

let ipfs: IPFSClient;

beforeAll(async () => {
  const port = await connectProcess({
    command: python,
    args: ['-m', 'ipfs_comm.testing.serve'],
    cwd: repository
  });
  ipfs = IPFSClient.from(port);
}, 60_000);

afterAll(() => ipfs.close());

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

test.each([
  ['text', () => 'content'],
  ['bytes', () => Buffer.from('content')],
  ['part of a buffer', () => new TextEncoder().encode('no content here').subarray(3, 10)],
  ['an ArrayBuffer', () => new TextEncoder().encode('content').slice().buffer],
  ['a Blob', () => new Blob(['con', 'tent'])],
  ['an iterable', () => [Buffer.from('con'), Buffer.from('tent')]],
  ['a stream', () => new Blob(['content']).stream()],
  ['a file with path', () => ({ path: 'f', content: 'content' })]
])('%s is added and read back', async (_, input) => {
  const { cid } = await ipfs.add(input());
  expect(cid.toString()).toBe('QmbSnCcHziqhjNRyaunfcCvxPiV3fNL3fWL8nUrp5yqwD5');
  expect(await textOf(ipfs.cat(cid))).toBe('content');
  expect(await textOf(ipfs.cat(cid.toString(), { offset: 3 }))).toBe('tent');
});

test('progress is told before the result', async () => {
  const told: number[] = [];
  await ipfs.add(new Uint8Array(1_000_000), { progress: bytes => told.push(bytes) });
  expect(told.at(-1)).toBe(1_000_000);
});

test('files of a directory are listed', async () => {
  const added = [];
  for await (const entry of ipfs.addAll([
    { path: 'd/one', content: '1' },
    { path: 'd/two', content: new Blob(['22']) }
  ]))
    added.push(entry);
  const directory = added.at(-1)?.cid as CID;
  const listed = [];
  for await (const { name, size, type } of ipfs.ls(directory)) listed.push([name, size, type]);
  expect(listed).toEqual([
    ['one', 1, 'file'],
    ['two', 2, 'file']
  ]);
  expect(await textOf(ipfs.cat(`/ipfs/${directory.toString()}/two`))).toBe('22');
  expect(await ipfs.files.stat(directory)).toMatchObject({ type: 'directory' });
});

test('a node is stored, got and resolved along its link', async () => {
  const leaf = await ipfs.dag.put({ answer: 42 });
  const cid = await ipfs.dag.put({ leaf, bytes: Uint8Array.of(1, 2), list: [leaf, null] });
  const { value } = await ipfs.dag.get(cid);
  expect(value).toEqual({ leaf, bytes: Uint8Array.of(1, 2), list: [leaf, null] });
  expect((value as { leaf: unknown }).leaf).toBeInstanceOf(CID);
  expect((await ipfs.dag.get(`/ipfs/${cid.toString()}/list/0/answer`)).value).toBe(42);
  expect(await ipfs.dag.resolve(`${cid.toString()}/leaf/answer`)).toMatchObject({ cid: leaf, remainderPath: 'answer' });
});

test('a block is put, got, measured and removed', async () => {
  const cid = await ipfs.block.put(Uint8Array.of(9, 8, 7));
  expect(await ipfs.block.get(cid.toString())).toEqual(Uint8Array.of(9, 8, 7));
  expect(await ipfs.block.stat(cid)).toEqual({ cid, size: 3 });
  const removed = [];
  for await (const result of ipfs.block.rm([cid, cid])) removed.push(result.error?.message);
  expect(removed).toEqual([undefined, expect.any(String)]);
});

test('what nobody has is an error at once, with its code', async () => {
  await expect(ipfs.block.get('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')).rejects.toMatchObject({
    code: 'ERR_NOT_FOUND'
  });
});
