import { describe, expect, test } from 'vitest';

import { ByteStream, ItemStream } from '../../src/client/stream.js';
import { channel } from '../../src/wire/index.js';
import { cid, remote, served } from './support.js';

/** Items from zero, and whether their generator was ended. */
function counted<T>(
  make: (at: number) => T,
  most: number
): { source: AsyncGenerator<T, void, undefined>; made: () => number; ended: () => boolean } {
  let made = 0;
  let ended = false;
  async function* source(): AsyncGenerator<T, void, undefined> {
    try {
      for (; made < most;) yield await Promise.resolve(make(made++));
    } finally {
      ended = true;
    }
  }
  return { source: source(), made: () => made, ended: () => ended };
}

const numbers = (most = 3): { stream: ItemStream<number>; made: () => number; ended: () => boolean } => {
  const { source, ...rest } = counted(at => at, most);
  return { stream: new ItemStream(source), ...rest };
};

const bytes = (...texts: string[]): ByteStream => {
  const encoded = texts.map(text => new TextEncoder().encode(text));
  return new ByteStream(counted(at => encoded[at] as Uint8Array, encoded.length).source);
};

describe('a stream of items', () => {
  test('is iterated to its end', async () => {
    const { stream, ended } = numbers();
    const got = [];
    for await (const item of stream) got.push(item);
    expect(got).toEqual([0, 1, 2]);
    expect(ended()).toBe(true);
  });

  test('asks for nothing before the first item is wanted', () => {
    let asked = 0;
    const { ipfs } = served(() => asked++);
    ipfs.ls(cid);
    expect(asked).toBe(0);
  });

  test('is ended by leaving the loop', async () => {
    const { stream, made, ended } = numbers();
    for await (const item of stream) if (item === 1) break;
    expect([made(), ended()]).toEqual([2, true]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('is ended by an error of the loop', async () => {
    const { stream, ended } = numbers();
    const reading = (async () => {
      for await (const item of stream) throw new Error(`at ${item}`);
    })();
    await expect(reading).rejects.toThrow('at 0');
    expect(ended()).toBe(true);
  });

  test('is had whole', async () => {
    expect(await numbers().stream.all()).toEqual([0, 1, 2]);
  });

  test('is disposed of', async () => {
    const { stream, ended } = numbers();
    await stream.next();
    await stream[Symbol.asyncDispose]();
    expect(ended()).toBe(true);
  });

  test('is read as a ReadableStream that makes no item before it is wanted', async () => {
    const { stream, made, ended } = numbers();
    const reader = stream.readable().getReader();
    expect(made()).toBe(0);
    expect((await reader.read()).value).toBe(0);
    expect(made()).toBe(1);
    await reader.cancel();
    expect(ended()).toBe(true);
  });

  test('tells its error through a ReadableStream', async () => {
    const failing = new ItemStream(
      counted(() => {
        throw new Error('no more');
      }, 1).source
    );
    await expect(failing.readable().getReader().read()).rejects.toThrow('no more');
  });
});

describe('a stream of bytes', () => {
  test('is had as bytes, as text, and as a Blob of a type', async () => {
    expect(await bytes('con', 'tent').bytes()).toEqual(new TextEncoder().encode('content'));
    expect(await bytes('con', 'tent').text()).toBe('content');
    const blob = await bytes('con', 'tent').blob('text/plain');
    expect([blob.type, await blob.text()]).toEqual(['text/plain', 'content']);
  });

  test('of no chunks is empty', async () => {
    expect((await bytes().bytes()).byteLength).toBe(0);
    expect(await bytes().text()).toBe('');
  });

  test('is text although a letter is cut in two', async () => {
    const [first, second] = [Uint8Array.of(0x61, 0xc3), Uint8Array.of(0xa9)];
    const cut = new ByteStream(counted(at => (at === 0 ? first : second), 2).source);
    expect(await cut.text()).toBe('aé');
  });

  test('comes from the node in one call', async () => {
    const { port } = remote([Uint8Array.of(104), Uint8Array.of(105)]);
    const { ipfs } = served(({ answer }) => answer({ data: { type: 'RemoteIterable', port } }, [port]));
    expect(await ipfs.cat(cid).text()).toBe('hi');
  });
});

describe('items of a node', () => {
  test('that are null are kept', async () => {
    const { port } = remote([null, { ref: 'a', err: '' }, null]);
    const { ipfs } = served(({ answer }) => answer({ data: { type: 'RemoteIterable', port } }, [port]));
    const stream = ipfs.dag.tree(cid);
    expect(await stream.all()).toEqual([null, { ref: 'a', err: '' }, null]);
  });

  test('may be in an array', async () => {
    const { ipfs } = served(({ answer }) => answer([]));
    expect(await ipfs.block.rm([cid]).all()).toEqual([]);
  });

  test.each([
    ['no stream', (): unknown => ({ data: 5 }), 'ls'],
    ['no array', (): unknown => 5, 'rm']
  ])('of which there are %s are an error of the protocol', async (_, value, method) => {
    const { ipfs } = served(({ answer }) => answer(value()));
    const stream = method === 'ls' ? ipfs.ls(cid) : ipfs.block.rm(cid);
    await expect(stream.all()).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  test('are each waited for as long as the timeout says', async () => {
    const { port1, port2 } = channel();
    const asked: string[] = [];
    port1.onmessage = ({ data }) => {
      asked.push((data as { method: string }).method);
      if (asked.length === 1) port1.postMessage({ type: 'next', done: false, value: Uint8Array.of(1) });
    };
    const { ipfs } = served(({ answer }) => answer({ data: { type: 'RemoteIterable', port: port2 } }, [port2]));
    const chunks = ipfs.cat(cid, { timeout: 50 });
    expect((await chunks.next()).value).toEqual(Uint8Array.of(1));
    await expect(chunks.next()).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' });
    await expect.poll(() => asked).toEqual(['next', 'next', 'return']);
  });
});
