import { CID } from 'multiformats/cid';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { intercept } from '../../src/rpc/interceptor.js';
import { createChannel } from '../../src/testing.js';
import { Acceptor, bridge, channel, Link, type Port } from '../../src/wire/index.js';
import { type Faults, memoryCarriers } from '../../src/wire/carriers/memory.js';
import { deferred } from '../support.js';
import { FakeNode, Offered, type OldClient, oldClient, Pulled, type Query } from './support.js';

const cid = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy');
/** Round trips of up to 50 ms. */
const far: Faults = { delay: 25 };
const open: { close(): void }[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

/** The unmodified client at one end of a link, and at the other what answers. */
function connected(
  answer: (query: Query, node: FakeNode) => unknown,
  { faults = {}, native = false }: { faults?: Faults; native?: boolean } = {}
): { ipfs: OldClient; node: FakeNode; port: Port | MessagePort } {
  const { port1, port2 } = createChannel(faults);
  const port = native ? bridge(intercept(port1)) : intercept(port1);
  open.push(port, port2);
  return { ipfs: oldClient(port), node: new FakeNode(port2, answer), port };
}

const chunk = (at: number): Uint8Array => new Uint8Array(1000).fill(at);
const added = { path: 'f', cid: { ...plain(cid) }, size: 1, mode: 420 };

function plain({ code, version, multihash, bytes }: CID): object {
  return {
    code,
    version,
    multihash: { code: multihash.code, size: multihash.size, digest: multihash.digest, bytes: multihash.bytes },
    bytes
  };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function timed<T>(act: () => Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const started = performance.now();
  const result = await act();
  return { ms: performance.now() - started, result };
}

function turns(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 30));
}

describe.each([
  ['a port', false],
  ['a native port', true]
])('a stream of the node, behind %s,', (_, native) => {
  test('costs a few round trips', async () => {
    const streams = [new Offered(at => (at < 10 ? chunk(at) : null), { ahead: false }), new Offered(at => (at < 200 ? chunk(at) : null))];
    const { ipfs } = connected(() => ({ data: streams.shift()?.remote }), { faults: far, native });
    const [oneByOne, ahead] = [await timed(() => all(ipfs.cat(cid))), await timed(() => all(ipfs.cat(cid)))];
    expect(ahead.result.map(([first]) => first)).toEqual(Array.from({ length: 200 }, (_item, at) => at));
    expect(ahead.ms / 200).toBeLessThan(oneByOne.ms / 10 / 5);
  });

  test('is pulled one by one where the node does not say that it can be asked ahead', async () => {
    const stream = new Offered(at => (at < 10 ? chunk(at) : null), { ahead: false });
    const { ipfs } = connected(() => ({ data: stream.remote }), { native });
    let seen = 0;
    for await (const _chunk of ipfs.cat(cid)) expect(stream.made).toBe(++seen);
    expect(seen).toBe(10);
  });

  test('is not begun before it is pulled, and goes no further than its credit', async () => {
    const stream = new Offered(chunk);
    const { ipfs } = connected(() => ({ data: stream.remote }), { native });
    const chunks = ipfs.cat(cid);
    await chunks.next();
    await turns();
    const made = stream.made;
    expect(made).toBeLessThanOrEqual(8);
    await turns();
    expect(stream.made).toBe(made);
    await chunks.return(undefined);
  });

  test('stops at once when the client breaks off', async () => {
    const stream = new Offered(chunk);
    const { ipfs } = connected(() => ({ data: stream.remote }), { faults: far, native });
    for await (const [first] of ipfs.cat(cid)) if (first === 20) break;
    await stream.stopped;
    expect(stream.asked.at(-1)).toBe('return');
    const { made } = stream;
    await turns();
    expect(stream.made).toBe(made);
  });

  test('keeps its error in its place', async () => {
    const stream = new Offered(at => {
      if (at === 7) throw new RangeError('no more');
      return chunk(at);
    });
    const { ipfs } = connected(() => ({ data: stream.remote }), { faults: far, native });
    const seen: unknown[] = [];
    await expect(
      (async () => {
        for await (const [first] of ipfs.cat(cid)) seen.push(first);
      })()
    ).rejects.toMatchObject({ name: 'RangeError', message: 'no more' });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});

describe('a stream of the node', () => {
  test('that is left closes its port at the node', async () => {
    const stream = new Offered(chunk);
    const { port1, port2 } = createChannel();
    const port = intercept(port1);
    open.push(port, port2);
    new FakeNode(port2, () => ({ data: stream.remote }));
    const remote = await new Promise<Port>(resolve => {
      port.onmessage = ({ data }) => resolve((data as { result: { value: { data: { port: Port } } } }).result.value.data.port);
      port.postMessage({ type: 'query', namespace: 'core', method: 'cat', id: '1', input: { path: 'x' } });
    });
    remote.close();
    await stream.stopped;
    expect(stream.made).toBe(0);
  });

  test('brings ports in its items, and streams in them are read ahead too', async () => {
    let wanted = 0;
    let ahead = 0;
    const inner = new Offered(at => {
      ahead = Math.max(ahead, at + 1 - wanted);
      return at < 50 ? at : null;
    });
    const outer = new Offered(at => (at === 0 ? inner.remote : null), { transfer: () => [inner.remote.port] });
    const { port1, port2 } = createChannel(far);
    const port = intercept(port1);
    open.push(port, port2);
    new FakeNode(port2, () => ({ data: outer.remote }));
    const values = await new Promise<unknown[]>((resolve, reject) => {
      port.onmessage = ({ data }) => {
        const { port: stream } = (data as { result: { value: { data: { port: Port } } } }).result.value.data;
        stream.onmessage = event => {
          const { value } = event.data as { value: { port: Port } };
          const pulled = new Pulled(value, 1, () => wanted++);
          pulled.done.then(() => resolve(pulled.values), reject);
        };
        stream.postMessage({ method: 'next' });
      };
      port.postMessage({ type: 'query', namespace: 'core', method: 'x', id: '1', input: {} });
    });
    expect(values).toHaveLength(50);
    expect(ahead).toBeGreaterThan(4);
  });

  test('ends with the link, after what has come', async () => {
    const stream = new Offered(chunk);
    const { ipfs, node } = connected(() => ({ data: stream.remote }));
    const chunks = ipfs.cat(cid);
    await chunks.next();
    node.port.close();
    stream.remote.port.close();
    expect((await chunks.next()).done).toBe(false);
  });

  test('that brings what nobody asked for ends in error, behind what was asked for', async () => {
    const { port1, port2 } = channel();
    port1.onmessage = () => {
      for (let at = 0; at < 5; at++) port1.postMessage({ type: 'next', done: false, value: chunk(at) });
    };
    const { ipfs, node } = connected(({ id }) => {
      node.port.postMessage({ type: 'result', id, result: { ok: true, value: { data: { type: 'RemoteIterable', port: port2 } } } }, [
        port2
      ]);
    });
    const chunks = ipfs.cat(cid);
    expect((await chunks.next()).value).toEqual(chunk(0));
    await expect(chunks.next()).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });
});

/** An iterable that notices when its `next` is called before the call before it is over. */
function watched(
  make: (at: number) => unknown,
  count: number
): { iterable: AsyncIterable<unknown>; overlaps: () => number; returned: Promise<void> } {
  let [at, running, overlaps] = [0, 0, 0];
  const returned = deferred<undefined>();
  const iterator = {
    next: async (): Promise<IteratorResult<unknown>> => {
      if (running++ > 0) overlaps++;
      await new Promise(resolve => setTimeout(resolve, 1));
      running--;
      return at < count ? { done: false, value: make(at++) } : { done: true, value: undefined };
    },
    return: (): Promise<IteratorResult<unknown>> => {
      returned.resolve(undefined);
      return Promise.resolve({ done: true, value: undefined });
    }
  };
  return { iterable: { [Symbol.asyncIterator]: () => iterator }, overlaps: () => overlaps, returned: returned.promise };
}

/** The stream of a file that is added. For one that is not in a file the client makes an iterator that cannot be let go of. */
function contentOf(input: Query['input']): { port: Port } {
  return (input['input'] as { content: { port: Port } }).content;
}

describe('a stream of the client', () => {
  test('is pushed under credit, its iterator never asked twice at a time', async () => {
    const sources = [watched(chunk, 10), watched(chunk, 200)] as const;
    const pulled: Pulled[] = [];
    const { ipfs } = connected(
      async ({ input }) => {
        const requests = pulled.length === 0 ? 1 : 64;
        const stream = new Pulled(input['input'] as never, requests);
        pulled.push(stream);
        await stream.done;
        return { data: added };
      },
      { faults: far }
    );
    const [oneByOne, ahead] = [await timed(() => ipfs.add(sources[0].iterable)), await timed(() => ipfs.add(sources[1].iterable))];
    expect(pulled[1]?.ahead).toBe(1);
    expect(pulled[1]?.values.map(value => (value as Uint8Array)[0])).toEqual(Array.from({ length: 200 }, (_, at) => at));
    expect(sources[1].overlaps()).toBe(0);
    expect(ahead.ms / 200).toBeLessThan(oneByOne.ms / 10 / 3);
  });

  test('holds streams of files, which are pushed too', async () => {
    const content = watched(at => chunk(at), 20);
    const ahead: unknown[] = [];
    const sizes: number[] = [];
    const { ipfs } = connected(async ({ input }) => {
      const files = new Pulled(input['input'] as never, 8);
      await files.done;
      for (const file of files.values as { content: never }[]) {
        const pulled = new Pulled(file.content, 8);
        await pulled.done;
        ahead.push(files.ahead, pulled.ahead);
        sizes.push(pulled.values.length);
      }
      return { data: new Offered(() => null).remote };
    });
    await all(
      ipfs.addAll([
        { path: 'a', content: content.iterable },
        { path: 'b', content: [chunk(1)] }
      ])
    );
    expect(sizes).toEqual([20, 1]);
    expect(ahead).toEqual([1, 1, 1, 1]);
    expect(content.overlaps()).toBe(0);
  });

  test('throws in its place', async () => {
    let pulled: Pulled | undefined;
    const { ipfs } = connected(async ({ input }) => {
      pulled = new Pulled(input['input'] as never, 8);
      await pulled.done;
    });
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield* [chunk(0), chunk(1)];
      await Promise.resolve();
      throw new Error('out of chunks');
    };
    await expect(ipfs.add(failing())).rejects.toThrow('out of chunks');
    expect(pulled?.values).toHaveLength(2);
  });

  test.each([
    ['says so', (port: Port) => port.postMessage({ method: 'return' })],
    ['closes its port', (port: Port) => port.close()]
  ])('has its iterator let go of when the node %s', async (_, stop) => {
    const source = watched(at => chunk(at), 1000);
    const { ipfs } = connected(({ input }) => {
      const { port } = contentOf(input);
      port.onmessage = () => stop(port);
      port.postMessage({ method: 'next' });
      return { data: added };
    });
    await ipfs.add({ content: source.iterable });
    await source.returned;
  });

  test('that is asked for more than anybody may ask ends in error', async () => {
    const error = deferred<unknown>();
    const { ipfs } = connected(({ input }) => {
      const { port } = contentOf(input);
      port.onmessage = ({ data }) => {
        if ((data as { type: string }).type === 'throw') error.resolve((data as { error: unknown }).error);
      };
      for (let at = 0; at < 5000; at++) port.postMessage({ method: 'next' });
      return { data: added };
    });
    const source = watched(at => chunk(at), 10_000);
    await ipfs.add({ content: source.iterable });
    expect(await error.promise).toMatchObject({ code: 'ERR_LIMIT' });
    await source.returned;
  });
});

describe('a signal in the options', () => {
  test.each<[string, (ipfs: OldClient, signal: AbortSignal) => Promise<unknown>]>([
    ['add', (ipfs, signal) => ipfs.add('x', { signal })],
    ['cat', (ipfs, signal) => ipfs.cat(cid, { signal }).next()],
    ['ls', (ipfs, signal) => ipfs.ls(cid, { signal }).next()],
    ['dag.get', (ipfs, signal) => ipfs.dag.get(cid, { signal })],
    ['block.put', (ipfs, signal) => ipfs.block.put(new Uint8Array(9), { signal })]
  ])('does not keep %s from being asked, and aborts it', async (_, call) => {
    const controller = new AbortController();
    const aborted = deferred<string>();
    const { ipfs, node } = connected(() => controller.abort());
    node.onabort = id => aborted.resolve(id);
    await expect(call(ipfs, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(await aborted.promise).toBe(node.queries[0]?.id);
    expect(node.queries[0]?.input).not.toHaveProperty('signal');
  });

  test('that fired before answers the call without asking the node', async () => {
    const { ipfs, node } = connected(() => ({ value: { dagNode: 1, cids: [] } }));
    await expect(ipfs.dag.get(cid, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED' });
    expect((await ipfs.dag.get(cid)).value).toBe(1);
    expect(node.queries).toHaveLength(1);
  });

  test('that fired before lets go of the iterable that was to be added', async () => {
    const { ipfs } = connected(() => undefined);
    const source = watched(at => chunk(at), 10);
    await expect(ipfs.add({ content: source.iterable }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    await source.returned;
  });

  test('stops the stream that its call gave, whose consumer gets an AbortError', async () => {
    const controller = new AbortController();
    const stream = new Offered(chunk);
    const { ipfs } = connected(() => ({ data: stream.remote }), { faults: far });
    const chunks = ipfs.cat(cid, { signal: controller.signal });
    for (let at = 0; at < 10; at++) await chunks.next();
    controller.abort();
    await expect(chunks.next()).rejects.toMatchObject({ name: 'AbortError' });
    await stream.stopped;
    expect(stream.asked.at(-1)).toBe('return');
  });

  test('stops a stream that comes too late', async () => {
    const controller = new AbortController();
    const stream = new Offered(chunk);
    const { ipfs, node } = connected(() => controller.abort());
    node.onabort = id => node.reply(id, { data: stream.remote });
    await expect(ipfs.cat(cid, { signal: controller.signal }).next()).rejects.toMatchObject({ name: 'AbortError' });
    await stream.stopped;
  });

  test('is not listened to any more when the call is over', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const { ipfs } = connected(({ method }) =>
      method === 'get' ? { value: { dagNode: 1, cids: [] } } : { data: new Offered(at => (at < 3 ? chunk(at) : null)).remote }
    );
    await ipfs.dag.get(cid, { signal });
    expect(removed).toHaveBeenCalledTimes(1);
    await all(ipfs.cat(cid, { signal }));
    expect(removed).toHaveBeenCalledTimes(2);
  });
});

describe('a call that times out', () => {
  test('has its late stream stopped', async () => {
    const stream = new Offered(chunk);
    const { ipfs, node } = connected(() => undefined);
    node.onabort = id => node.reply(id, { data: stream.remote });
    await expect(ipfs.cat(cid, { timeout: 10 }).next()).rejects.toMatchObject({ name: 'TimeoutError' });
    await stream.stopped;
  });
});

describe('views in a query', () => {
  const large = new Uint8Array(1_000_000).map((_, at) => at);

  test.each([
    ['a port', false],
    ['a native port', true]
  ])('cost their own bytes, behind %s', async (_, native) => {
    const { ipfs, node } = connected(() => ({ cid: plain(cid) }), { native });
    await ipfs.block.put(large.subarray(500_001, 500_101));
    const block = node.queries[0]?.input['block'] as Uint8Array;
    expect(block).toEqual(large.slice(500_001, 500_101));
    expect(block.buffer.byteLength).toBeLessThanOrEqual(108);
  });

  test('cost their own bytes in a stream of the client', async () => {
    let pulled: Pulled | undefined;
    const { ipfs } = connected(async ({ input }) => {
      pulled = new Pulled(input['input'] as never, 4);
      await pulled.done;
      return { data: added };
    });
    await ipfs.add([large.subarray(0, 300), large.subarray(999_000)]);
    expect(pulled?.values.map(value => (value as Uint8Array).buffer.byteLength)).toEqual([300, 1000]);
    expect(pulled?.values).toEqual([large.slice(0, 300), large.slice(999_000)]);
  });

  test('of CIDs keep their identity', async () => {
    const buffer = new Uint8Array([...large.subarray(0, 100), ...cid.bytes, ...large.subarray(0, 100)]);
    const link = CID.decode(buffer.subarray(100, 136));
    const { node, port } = connected(() => undefined);
    port.postMessage({ type: 'query', namespace: 'dag', method: 'put', id: '1', input: { dagNode: { dagNode: { link }, cids: [link] } } });
    await vi.waitFor(() => expect(node.queries).toHaveLength(1));
    const { dagNode, cids } = node.queries[0]?.input['dagNode'] as { dagNode: { link: CID & { '/': Uint8Array } }; cids: object[] };
    expect(cids[0]).toBe(dagNode.link);
    expect(dagNode.link['/']).toBe(dagNode.link.bytes);
    expect(dagNode.link.bytes).toEqual(cid.bytes);
    expect(dagNode.link.multihash.digest.buffer).toBe(dagNode.link.multihash.bytes.buffer);
    expect(dagNode.link.multihash.digest.buffer.byteLength).toBeLessThan(50);
  });
});

describe('the end of the node', () => {
  test('answers the calls that wait, and those that come later', async () => {
    const { ipfs, node } = connected(() => node.port.close());
    await expect(ipfs.dag.get(cid)).rejects.toMatchObject({ name: 'LinkError', code: 'ERR_CLOSED' });
    await expect(ipfs.dag.get(cid)).rejects.toMatchObject({ name: 'LinkError', code: 'ERR_CLOSED' });
  });
});

describe('what is no query', () => {
  test('passes as it is', async () => {
    const { port1, port2 } = createChannel();
    const port = intercept(port1);
    open.push(port, port2);
    const got = new Promise(resolve => (port2.onmessage = ({ data }) => resolve(data)));
    const view = new Uint8Array(100).subarray(10, 20);
    port.postMessage({ type: 'other', id: 1, view });
    expect(((await got) as { view: Uint8Array }).view.buffer.byteLength).toBe(100);
  });

  test('has no part of the message of a port that is closed', () => {
    const { port1 } = createChannel();
    port1.close();
    expect(() => intercept(port1)).toThrow('cannot be intercepted');
  });
});

describe('a link', () => {
  test('has no port left of streams that were read, left, aborted or late', async () => {
    const [one, other] = memoryCarriers();
    const acceptor = new Acceptor({
      ipfs: (_, node) => {
        new FakeNode(node, ({ input, method }) => {
          if (method !== 'add') return { data: new Offered(at => (at < 20 ? chunk(at) : null)).remote };
          const { port: stream } = contentOf(input);
          stream.onmessage = () => stream.postMessage({ method: 'return' });
          stream.postMessage({ method: 'next' });
          return { data: added };
        });
      }
    });
    acceptor.accept(other);
    const link = await Link.open(one, { service: 'ipfs' });
    const port = intercept(link.port);
    const ipfs = oldClient(port);
    for (let at = 0; at < 50; at++) {
      const controller = new AbortController();
      const chunks = ipfs.cat(cid, { signal: controller.signal });
      await chunks.next();
      if (at % 3 === 0) await chunks.return(undefined);
      else if (at % 3 === 1) for await (const _chunk of chunks);
      else {
        controller.abort();
        await expect(chunks.next()).rejects.toMatchObject({ name: 'AbortError' });
      }
      const late = new AbortController();
      const refused = expect(ipfs.cat(cid, { signal: late.signal }).next()).rejects.toMatchObject({ name: 'AbortError' });
      late.abort();
      await refused;
      await ipfs.add({ content: watched(chunk, 5).iterable });
    }
    port.close();
    // A link ends with its last port.
    await link.ended;
  });
});
