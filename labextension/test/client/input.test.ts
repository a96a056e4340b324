import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { IPFSClient } from '../../src/client/index.js';
import type { Content } from '../../src/rpc/input.js';
import { connectProcess } from '../../src/testing.js';
import type { Port } from '../../src/wire/index.js';
import { python, repository } from '../support.js';
import { served } from './support.js';

let ipfs: IPFSClient;

beforeAll(async () => {
  const args = ['-m', 'ipfs_comm.testing.serve', '--repo', ':memory:'];
  ipfs = IPFSClient.from(await connectProcess({ command: python, args, cwd: repository }));
}, 60_000);

afterAll(() => ipfs.close());

const text = 'all that is given is content '.repeat(40_000);
const whole = new TextEncoder().encode(text);
const pieces = [whole.subarray(0, 10), whole.subarray(10, 700_000), whole.subarray(700_000)];

async function* iterated<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

const FORMS: readonly (readonly [string, () => Content])[] = [
  ['text', () => text],
  ['a Uint8Array', () => whole],
  ['a Uint16Array', () => new Uint16Array(whole.slice().buffer)],
  ['a DataView', () => new DataView(whole.buffer)],
  ['an ArrayBuffer', () => whole.slice().buffer],
  ['a Blob', () => new Blob(pieces)],
  ['a File', () => new File(pieces, 'name.txt', { type: 'text/plain' })],
  ['an array of subarrays', () => pieces],
  ['a generator', () => pieces.values()],
  ['an async generator', () => iterated(pieces)],
  ['an async generator of text', () => iterated([text.slice(0, 5), text.slice(5)])],
  ['a ReadableStream', () => new Blob(pieces).stream() as ReadableStream<Uint8Array>]
];

describe('content that is given as', () => {
  test.each(FORMS)('%s is added, written to a file, and read back', async (_, content) => {
    const { cid, size } = await ipfs.add(content(), { cidVersion: 1 });
    expect(size).toBeGreaterThan(whole.length);
    expect(await ipfs.cat(cid).text()).toBe(text);
    await ipfs.files.write('/file', content(), { create: true, truncate: true });
    expect(await ipfs.files.read('/file').text()).toBe(text);
  });

  test('an item of many, with its path, is added under it', async () => {
    const source = FORMS.map(([name, content]) => ({ path: `d/${name}`, content: content() }));
    const added = await ipfs.addAll(iterated(source), { cidVersion: 1 }).all();
    const cids = new Set(added.slice(0, FORMS.length).map(({ cid }) => cid.toString()));
    expect(added.slice(0, FORMS.length).map(({ path }) => path)).toEqual(source.map(({ path }) => path));
    expect(cids.size).toBe(1);
  });

  test('part of a large buffer costs its own bytes, in an iterable too', async () => {
    const costs: number[] = [];
    const { ipfs: alone } = served(({ query, fail }) => {
      const { port } = query.input['input'] as { port: Port };
      port.onmessage = ({ data }) => {
        const { done, value } = data as { done: boolean; value: Uint8Array };
        if (done) return fail({ name: 'Error', message: 'seen' });
        costs.push(value.buffer.byteLength);
        port.postMessage({ method: 'next' });
      };
      port.postMessage({ method: 'next' });
    });
    const large = new Uint8Array(1_000_000);
    await expect(alone.add([large.subarray(0, 100), large.subarray(5, 25)])).rejects.toThrow('seen');
    expect(costs).toEqual([100, 20]);
    expect(large.byteLength).toBe(1_000_000);
  });

  test('a symlink is one', async () => {
    const [link] = await ipfs.addAll([{ path: 'd/link', target: '../there' }]).all();
    expect(await ipfs.files.stat(`/ipfs/${link?.cid.toString()}`)).toMatchObject({ size: 8 });
  });
});

describe('progress', () => {
  test('is told in order, all of it before the result', async () => {
    const told: [number, string | undefined][] = [];
    await ipfs.add({ path: 'p', content: pieces }, { progress: (done, path) => told.push([done, path]) });
    const before = [...told];
    expect(before.map(([done]) => done)).toEqual([...before].map(([done]) => done).sort((a, b) => a - b));
    expect(before.at(-1)).toEqual([whole.length, 'p']);
  });

  test('of a stream is told before its end', async () => {
    let last = 0;
    for await (const entry of ipfs.addAll(pieces, { progress: done => (last = done) })) expect(entry.size).toBeGreaterThan(0);
    expect(last).toBe(whole.length);
  });

  test('that is posted after the result but before the port of it closes comes first', async () => {
    const told: number[] = [];
    const { ipfs: alone } = served(({ query, answer }) => {
      const { port } = query.input['progressCallback'] as { port: Port };
      port.postMessage([1, '']);
      answer({ data: { path: '', cid: { bytes: new Uint8Array([1, 0x55, 0, 0]) }, size: 1 } });
      port.postMessage([2, '']);
      port.close();
    });
    await alone.add('x', { progress: done => told.push(done) });
    expect(told).toEqual([1, 2]);
  });

  test('has its port closed with the call', async () => {
    let closed = new Promise<unknown>(() => undefined);
    const { ipfs: alone } = served(({ query, fail }) => {
      const { port } = query.input['progressCallback'] as { port: Port };
      closed = new Promise(resolve => (port.onclose = resolve));
      port.start();
      fail({ name: 'Error', message: 'no' });
    });
    await expect(alone.add('x', { progress: () => undefined })).rejects.toThrow('no');
    await closed;
  });
});

describe('options', () => {
  test('pass through as they are, by their kinds', async () => {
    let input: Record<string, unknown> = {};
    const { ipfs: alone } = served(({ query, fail }) => {
      input = query.input;
      fail({ name: 'Error', message: 'seen' });
    });
    const options = { fileImportConcurrency: 1, blockWriteConcurrency: 2, shardSplitThreshold: 3, mode: '600', mtime: { secs: 1 } };
    await expect(alone.add('x', { ...options, timeout: 5_000 })).rejects.toThrow('seen');
    expect(input).toMatchObject({ ...options, mode: 0o600, mtime: { secs: 1, nsecs: 0 }, timeout: 5_000, input: 'x' });
  });

  test('that are undefined, or no data and of no known kind, stay here', async () => {
    let input: Record<string, unknown> = {};
    const { ipfs: alone } = served(({ query, fail }) => {
      input = query.input;
      fail({ name: 'Error', message: 'seen' });
    });
    const options = {
      pin: undefined,
      later: 'kept',
      headers: { secret: 'x' },
      hook: () => undefined,
      signal: new AbortController().signal
    };
    await expect(alone.add('x', options)).rejects.toThrow('seen');
    expect(input).toEqual({ input: 'x', later: 'kept' });
  });
});
