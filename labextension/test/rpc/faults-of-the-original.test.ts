/**
 * What ipfs-message-port gets wrong, each fault shown gone at the page's end: through our client, and through the unmodified one where it can
 * show it. The kernel's end of the same list is tests/rpc/test_faults_of_the_original.py.
 */

import { CID } from 'multiformats/cid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { IPFSClient } from '../../src/client/index.js';
import { intercept } from '../../src/rpc/interceptor.js';
import { connectProcess, createChannel, type Port } from '../../src/testing.js';
import { channel } from '../../src/wire/index.js';
import { python, repository } from '../support.js';
import { FakeNode, Offered, oldClient } from './support.js';

interface Added {
  readonly cid: CID;
  readonly size: number;
  readonly path: string;
}

/** What both clients can do; neither knows more of this. */
interface Client {
  add(input: unknown, options?: object): Promise<Added>;
  addAll(input: unknown, options?: object): AsyncIterable<Added>;
  cat(path: unknown, options?: object): AsyncGenerator<Uint8Array>;
  ls(path: unknown, options?: object): AsyncGenerator<{ readonly name: string }>;
  readonly block: {
    put(block: Uint8Array, options?: object): Promise<CID>;
    get(cid: unknown, options?: object): Promise<Uint8Array>;
  };
}

const CLIENTS: readonly (readonly [string, (port: Port) => Client])[] = [
  ['our client', port => IPFSClient.from(port)],
  ['the unmodified client', port => oldClient(port) as unknown as Client]
];
const absent = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy');
const command = { command: python, args: ['-m', 'ipfs_comm.testing.serve', '--repo', ':memory:'], cwd: repository };

/** Content that never ends, and a promise of its being let go of. */
function endless(): { source: AsyncGenerator<Uint8Array>; begun: Promise<void>; released: Promise<void> } {
  let begin: () => void, release: () => void;
  const [begun, released] = [new Promise<void>(resolve => (begin = resolve)), new Promise<void>(resolve => (release = resolve))];
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        begin();
        yield await new Promise(resolve => setTimeout(() => resolve(Uint8Array.of(1)), 1));
      }
    } finally {
      release();
    }
  }
  return { source: source(), begun, released };
}

describe.each(CLIENTS)('%s', (name, connect) => {
  const own = name === 'our client';
  /** A test of what the unmodified client has no way to show. */
  const ours = own ? test : (): void => undefined;
  let port: Port;
  let ipfs: Client;

  beforeAll(async () => {
    port = await connectProcess(command);
    ipfs = connect(port);
  }, 60_000);

  afterAll(() => port.close());

  // The unmodified client puts an iterator around bare iterables that does not let go of them.
  const given = (source: AsyncIterable<Uint8Array>): unknown => (own ? source : { content: source });

  /** The client and a node that is the test. */
  const faked = (answer: ConstructorParameters<typeof FakeNode>[1]): { alone: Client; node: FakeNode } => {
    const { port1, port2 } = createChannel();
    return { alone: connect(intercept(port1)), node: new FakeNode(port2, answer) };
  };

  describe('fault 1, an abort is dead code:', () => {
    test('a signal stops the work at the node', async () => {
      const { source, begun, released } = endless();
      const controller = new AbortController();
      const call = ipfs.add(given(source), { signal: controller.signal });
      await begun;
      controller.abort();
      await expect(call).rejects.toMatchObject({ name: 'AbortError' });
      await released;
    });

    test('a timeout stops the work at the node', async () => {
      const { source, released } = endless();
      await expect(ipfs.add(given(source), { timeout: 100 })).rejects.toMatchObject({ name: 'TimeoutError' });
      await released;
    });
  });

  describe('fault 2, an AbortSignal breaks the call:', () => {
    test('a signal is no part of what is cloned', async () => {
      const { signal } = new AbortController();
      const { cid } = await ipfs.add('with a signal', { signal });
      expect((await ipfs.cat(cid, { signal }).next()).value).toEqual(new TextEncoder().encode('with a signal'));
    });

    test('a signal in the middle of cat stops the stream', async () => {
      const stream = new Offered(at => new Uint8Array(9).fill(at));
      const { alone } = faked(() => ({ data: stream.remote }));
      const controller = new AbortController();
      const chunks = alone.cat(absent, { signal: controller.signal });
      await chunks.next();
      controller.abort();
      await expect(chunks.next()).rejects.toMatchObject({ name: 'AbortError' });
      await stream.stopped;
    });
  });

  describe('fault 3, iterators leak:', () => {
    test('one that is left early is let go of', async () => {
      const stream = new Offered(at => new Uint8Array(9).fill(at));
      const { alone } = faked(() => ({ data: stream.remote }));
      for await (const chunk of alone.cat(absent)) if (chunk.length > 0) break;
      await stream.stopped;
    });

    test('one of the page is let go of when the node goes', async () => {
      const { source, begun, released } = endless();
      const process = await connectProcess(command);
      const call = connect(process).add(given(source));
      call.catch(() => undefined);
      await begun;
      process.close();
      await released;
    });

    test('one of an answer that comes too late is let go of', async () => {
      const stream = new Offered(at => new Uint8Array(9).fill(at));
      const { alone, node } = faked(() => undefined);
      node.onabort = id => node.reply(id, { data: stream.remote });
      await expect(alone.cat(absent, { timeout: 20 }).next()).rejects.toMatchObject({ name: 'TimeoutError' });
      await stream.stopped;
    });

    test('the port of progress closes with the call', async () => {
      let closed: Promise<unknown> | undefined;
      const { alone } = faked(({ input }) => {
        const progress = (input['progressCallback'] as { port: Port }).port;
        closed = new Promise(resolve => (progress.onclose = resolve));
        progress.start();
        // Our server lets go of it with the result; so does our client, of whatever server.
        if (!own) progress.close();
        throw new Error('no');
      });
      await expect(alone.add('x', { progress: () => undefined })).rejects.toThrow('no');
      if (own) await closed;
      expect(closed).toBeDefined();
    });
  });

  describe('fault 4, calls hang for ever:', () => {
    test('one under way when the node goes is rejected, and so are later ones', async () => {
      const { alone, node } = faked(() => undefined);
      const call = alone.block.get(absent);
      await expect.poll(() => node.queries.length).toBe(1);
      node.port.close();
      await expect(call).rejects.toMatchObject({ code: 'ERR_CLOSED' });
      await expect(alone.block.get(absent)).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    });
  });

  describe('fault 5, transferring takes what is not its own:', () => {
    test('blocks that were given and got stay with the caller and in the store', async () => {
      const block = Uint8Array.of(1, 2, 3);
      const cid = await ipfs.block.put(block);
      (await ipfs.block.get(cid)).fill(0);
      expect([...(await ipfs.block.get(cid))]).toEqual([1, 2, 3]);
      expect([...block]).toEqual([1, 2, 3]);
    });

    ours('an option transfer does not detach a CID', async () => {
      const { cid } = await ipfs.add('kept');
      await ipfs.block.get(cid, { transfer: [cid.bytes.buffer] });
      expect(cid.bytes.byteLength).toBe(34);
    });
  });

  describe('fault 6, options are dropped:', () => {
    test('addAll goes on while its source waits for what it gives', async () => {
      let proceed: () => void;
      const seen = new Promise<void>(resolve => (proceed = resolve));
      async function* source(): AsyncGenerator<object> {
        yield { path: 'a', content: 'a' };
        await seen;
        yield { path: 'b', content: 'b' };
      }
      const paths: string[] = [];
      const options = { fileImportConcurrency: 1, progress: () => proceed() };
      for await (const { path } of ipfs.addAll(source(), options)) paths.push(path);
      expect(paths).toEqual(['a', 'b']);
    });

    test('mode, mtime and shardSplitThreshold reach the node', async () => {
      const added = [];
      const options = { mode: 0o600, mtime: { secs: 5, nsecs: 0 }, shardSplitThreshold: 0 };
      for await (const entry of ipfs.addAll([{ path: 'd/a', content: 'a' }], options)) added.push(entry);
      expect(added[0]).toMatchObject({ mode: 0o600, mtime: { secs: 5, nsecs: 0 } });
      const plain = [];
      for await (const entry of ipfs.addAll([{ path: 'd/a', content: 'a' }])) plain.push(entry);
      expect(added[1]?.cid.toString()).not.toBe(plain[1]?.cid.toString());
    });
  });

  describe('fault 7, views drag their buffers along:', () => {
    test('a block that is part of a large buffer costs its own bytes', async () => {
      const { alone, node } = faked(() => {
        throw new Error('seen');
      });
      await expect(alone.block.put(new Uint8Array(1_000_000).subarray(7, 107))).rejects.toThrow('seen');
      expect((node.queries[0]?.input['block'] as Uint8Array).buffer.byteLength).toBeLessThanOrEqual(108);
    });

    test('entries of a listing cost their own bytes', async () => {
      const files = Array.from({ length: 300 }, (_, at) => ({ path: `d/${at}`, content: 'x' }));
      let root: CID | undefined;
      for await (const { cid } of ipfs.addAll(files)) root = cid;
      const costs: number[] = [];
      for await (const entry of ipfs.ls(root)) costs.push((entry as unknown as { cid: CID }).cid.bytes.buffer.byteLength);
      expect(costs).toHaveLength(300);
      expect(Math.max(...costs)).toBeLessThan(100);
    });
  });

  describe('fault 8, a server that trusts what comes:', () => {
    test('messages that mean nothing harm nothing', async () => {
      for (const message of [null, 5, 'text', {}, { type: 'query' }, { type: 'query', id: 'a', namespace: null }])
        port.postMessage(message);
      expect((await ipfs.add('still here')).size).toBe(18);
    });

    test('inherited methods cannot be called', async () => {
      const answer = new Promise(resolve => {
        const listener = ({ data }: MessageEvent<{ id?: string }>): void => {
          if (data?.id === 'inherited') resolve(data);
        };
        port.addEventListener('message', listener as (event: Event) => void);
      });
      port.postMessage({ type: 'query', namespace: 'constructor', method: 'toString', id: 'inherited', input: {} });
      expect(await answer).toMatchObject({ result: { ok: false, error: { name: 'RangeError' } } });
    });
  });

  describe('fault 9, errors lose what they say:', () => {
    test('the code comes through', async () => {
      await expect(ipfs.block.get(absent)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    });

    ours('detail, cause and errors come through', async () => {
      const error = {
        name: 'E',
        message: 'm',
        detail: { cid: 'x' },
        cause: { name: 'C', message: 'c' },
        errors: [{ name: 'P', message: 'p' }]
      };
      const { port1, port2 } = createChannel();
      port2.onmessage = ({ data }) => port2.postMessage({ type: 'result', id: (data as { id: string }).id, result: { ok: false, error } });
      await expect(connect(port1).block.get(absent)).rejects.toMatchObject({
        detail: { cid: 'x' },
        cause: { message: 'c' },
        errors: [{ message: 'p' }]
      });
    });

    ours('what this end gives up has a code', async () => {
      const { alone } = faked(() => undefined);
      await expect(alone.block.get(absent, { timeout: 10 })).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' });
      const signal = AbortSignal.timeout(60_000);
      const aborted = AbortSignal.any([signal, AbortSignal.abort()]);
      await expect(alone.block.get(absent, { signal: aborted })).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED' });
    });
  });

  describe('fault 10, what is in streams:', () => {
    ours('null items are kept', async () => {
      const { port1, port2 } = channel();
      port1.onmessage = ({ data }) => {
        if ((data as { method: string }).method === 'next') port1.postMessage({ type: 'next', done: false, value: null });
      };
      const { alone } = faked(() => ({ data: { type: 'RemoteIterable', port: port2 } }));
      expect(await alone.cat(absent).next()).toEqual({ done: false, value: null });
    });

    test('progress is told in order, all of it before the result', async () => {
      const told: number[] = [];
      await ipfs.add(new Uint8Array(2_000_000), { progress: (done: number) => told.push(done) });
      expect(told).toEqual([...Array.from({ length: 7 }, (_, at) => (at + 1) * 262_144), 2_000_000]);
    });
  });

  describe('fault 11, CIDs of one form only:', () => {
    test('text and paths are taken where the client lets them pass', async () => {
      const { cid } = await ipfs.add('by text');
      for (const form of [cid.toString(), `/ipfs/${cid.toString()}`])
        expect(new TextDecoder().decode((await ipfs.cat(form).next()).value as Uint8Array)).toBe('by text');
    });

    ours('text, bytes and CIDs of any version are taken everywhere', async () => {
      const { cid } = await ipfs.add('any form');
      for (const form of [cid, cid.toString(), cid.bytes, cid.toV1(), `/ipfs/${cid.toString()}`]) {
        expect((await ipfs.block.get(form)).byteLength).toBe(16);
        expect(new TextDecoder().decode((await ipfs.cat(form).next()).value as Uint8Array)).toBe('any form');
      }
      const all = IPFSClient.from(await connectProcess(command));
      const { cid: other } = await all.add('any form', { pin: false });
      for (const form of [other, other.toString(), other.bytes]) expect((await all.dag.get(form)).remainderPath).toBe('');
      expect(await all.block.rm([other.toString()]).all()).toEqual([{ cid: other }]);
      all.close();
    });
  });
});
