import { afterEach, describe, expect, test } from 'vitest';

import { intercept } from '../../src/rpc/interceptor.js';
import { STREAMED_FROM } from '../../src/rpc/slices.js';
import { createChannel } from '../../src/testing.js';
import { bridge, type Port } from '../../src/wire/index.js';
import { FakeNode, type Query } from './support.js';

const open: { close(): void }[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

interface Remote {
  readonly type: string;
  readonly port: Port;
  readonly ahead: number;
}

/** What a node gets for one query, before it asks for any of it. */
function asked(input: object, options: Partial<Asking> = {}): Promise<Query> {
  const { transfer = [], method = 'add', namespace = 'core', native = false } = options;
  const { port1, port2 } = createChannel();
  const port = native ? bridge(intercept(port1)) : intercept(port1);
  open.push(port, port2);
  return new Promise(resolve => {
    new FakeNode(port2, query => resolve(query));
    port.postMessage({ type: 'query', namespace, method, id: '1', input }, transfer as Transferable[]);
  });
}

interface Asking {
  readonly transfer: object[];
  readonly namespace: string;
  readonly method: string;
  readonly native: boolean;
}

/** All of a stream, so many requests at a time; the sizes of its pieces, and their bytes. */
function read({ port }: Remote, requests = 4): Promise<{ readonly sizes: number[]; readonly bytes: Uint8Array }> {
  const pieces: Uint8Array[] = [];
  return new Promise((resolve, reject) => {
    port.onclose = () => reject(new Error('the stream was closed before its end'));
    port.onmessage = ({ data }) => {
      const { done, value } = data as { done: boolean; value: Uint8Array };
      pieces.push(value);
      if (!done) return port.postMessage({ method: 'next' });
      port.close();
      resolve({ sizes: pieces.map(({ length }) => length), bytes: Buffer.concat(pieces) });
    };
    for (let at = 0; at < requests; at++) port.postMessage({ method: 'next' });
  });
}

const size = STREAMED_FROM + 1234;
const large = (): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 9)) % 251);
const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

describe('a large array to add', () => {
  test.each([
    ['by itself', (bytes: Uint8Array) => ({ input: bytes, pin: true }), 'core', 'add'],
    ['as a buffer', (bytes: Uint8Array) => ({ input: bytes.buffer }), 'core', 'add'],
    ['as the content of a file', (bytes: Uint8Array) => ({ input: { path: 'f', content: bytes } }), 'core', 'add'],
    ['to write', (bytes: Uint8Array) => ({ path: '/f', content: bytes }), 'files', 'write']
  ])('%s goes in pieces that are at hand', async (_, input, namespace, method) => {
    const bytes = large();
    const query = await asked(input(bytes), { namespace, method });
    const given = (query.input['input'] ?? query.input['content']) as Remote & { content?: Remote };
    const remote = given.content ?? given;
    expect(remote.type).toBe('RemoteIterable');
    expect(remote.ahead).toBe(9);
    const { sizes, bytes: came } = await read(remote);
    expect(sizes).toEqual([...Array.from({ length: 8 }, () => 262_144), 1234]);
    expect(same(came, bytes)).toBe(true);
  });

  test('goes in pieces behind a native port, too', async () => {
    const { input } = await asked({ input: large() }, { native: true });
    expect(same((await read(input['input'] as Remote)).bytes, large())).toBe(true);
  });

  test('is what it was when it was posted', async () => {
    const bytes = large();
    const query = asked({ input: bytes });
    bytes.fill(0);
    const { bytes: came } = await read((await query).input['input'] as Remote);
    expect(same(came, large())).toBe(true);
  });

  test('moves if it is transferred', async () => {
    const bytes = large();
    const query = await asked({ input: bytes }, { transfer: [bytes.buffer] });
    expect(bytes.length).toBe(0);
    expect(same((await read(query.input['input'] as Remote)).bytes, large())).toBe(true);
  });

  test('keeps the other buffers of the query, and its ports', async () => {
    const before = new Uint8Array([1, 2, 3]).buffer;
    const after = new Uint8Array([4, 5]);
    const { input } = await asked({ before, input: large(), after });
    expect(input['before']).toEqual(before);
    expect(input['after']).toEqual(after);
    expect(same((await read(input['input'] as Remote)).bytes, large())).toBe(true);
  });

  test('is let go of when the node wants no more', async () => {
    const { port } = (await asked({ input: large() })).input['input'] as Remote;
    const closed = new Promise<void>(resolve => (port.onclose = () => resolve()));
    const first = new Promise<unknown>(resolve => (port.onmessage = ({ data }) => resolve(data)));
    port.postMessage({ method: 'next' });
    await first;
    port.postMessage({ method: 'return' });
    await closed;
  });
});

describe('an array stays whole', () => {
  const bytes = large();
  const part = bytes.subarray(16);
  test.each([
    ['that is small', { input: bytes.slice(0, 1000) }, 1000],
    ['to which the query refers a second time', { input: bytes, again: bytes }, size],
    ['whose buffer stands elsewhere', { input: bytes, buffer: bytes.buffer }, size],
    ['that is a part of a buffer which does', { input: part, buffer: bytes.buffer }, size - 16],
    ['that is no content', { input: 'text', other: bytes }, size]
  ])('%s', async (_, given, length) => {
    const { input } = await asked(given);
    const array = (input['input'] === 'text' ? input['other'] : input['input']) as Uint8Array;
    expect(array.length).toBe(length);
  });

  test('that a method takes which streams none', async () => {
    const { input } = await asked({ block: bytes }, { namespace: 'block', method: 'put' });
    expect((input['block'] as Uint8Array).length).toBe(size);
  });
});
