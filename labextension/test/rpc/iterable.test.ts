import { afterEach, describe, expect, test } from 'vitest';

import { IPFSClient } from '../../src/client/index.js';
import { createChannel } from '../../src/testing.js';
import type { Port } from '../../src/wire/index.js';
import { FakeNode, Offered, Pulled, type Query } from './support.js';

const open: Port[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

/** Our own client, with nothing in front of it, and what answers it. */
function connected(answer: (query: Query, node: FakeNode) => unknown): IPFSClient {
  const { port1, port2 } = createChannel({ delay: 25 });
  open.push(port1, port2);
  new FakeNode(port2, answer);
  return IPFSClient.from(port1);
}

const added = { path: 'f', cid: { bytes: Uint8Array.from([1, 85, 0, 0]) }, size: 1, mode: 420 };
const chunk = (at: number): Uint8Array => Uint8Array.of(at);

describe('a stream of the node', () => {
  test('is read ahead by the client', async () => {
    const stream = new Offered(at => (at < 200 ? chunk(at) : null));
    const ipfs = connected(() => ({ data: stream.remote }));
    let [seen, ahead] = [0, 0];
    for await (const [item] of ipfs.cat('/ipfs/x')) {
      expect(item).toBe(seen++);
      ahead = Math.max(ahead, stream.made - seen);
    }
    expect(seen).toBe(200);
    expect(ahead).toBeGreaterThan(15);
  });

  test('is not read ahead where the node does not say that it can be', async () => {
    const stream = new Offered(at => (at < 5 ? chunk(at) : null), { ahead: false });
    const ipfs = connected(() => ({ data: stream.remote }));
    let seen = 0;
    for await (const _item of ipfs.cat('/ipfs/x')) expect(stream.made).toBe(++seen);
  });

  test('stops when the client breaks off', async () => {
    const stream = new Offered(chunk);
    const ipfs = connected(() => ({ data: stream.remote }));
    for await (const [item] of ipfs.cat('/ipfs/x')) if (item === 20) break;
    await stream.stopped;
    expect(stream.asked.at(-1)).toBe('return');
  });

  test('gives what came before its error, then the error', async () => {
    const stream = new Offered(at => {
      if (at === 3) throw new RangeError('no more');
      return chunk(at);
    });
    const ipfs = connected(() => ({ data: stream.remote }));
    const seen: unknown[] = [];
    await expect(
      (async () => {
        for await (const [item] of ipfs.cat('/ipfs/x')) seen.push(item);
      })()
    ).rejects.toMatchObject({ name: 'RangeError' });
    expect(seen).toEqual([0, 1, 2]);
  });

  test('gives what came before its port was closed, then an error', async () => {
    const stream = new Offered(at => {
      if (at === 2) stream.close();
      return chunk(at);
    });
    const ipfs = connected(() => ({ data: stream.remote }));
    const seen: unknown[] = [];
    await expect(
      (async () => {
        for await (const [item] of ipfs.cat('/ipfs/x')) seen.push(item);
      })()
    ).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    expect(seen).toEqual([0, 1]);
  });
});

describe('a stream of the client', () => {
  test('can be asked ahead, and makes its items one after the other', async () => {
    let [running, overlaps] = [0, 0];
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 50; at++) {
        overlaps += running++;
        await Promise.resolve();
        running--;
        yield chunk(at);
      }
    };
    let pulled: Pulled | undefined;
    const ipfs = connected(async ({ input }) => {
      pulled = new Pulled(input['input'] as never, 16);
      await pulled.done;
      return { data: added };
    });
    await ipfs.add(source());
    expect([pulled?.ahead, pulled?.values.length, overlaps]).toEqual([1, 50, 0]);
  });

  test('that is asked for more than anybody may ask ends in error', async () => {
    const ended = { returned: false };
    const iterator: AsyncIterator<Uint8Array> = {
      next: () => new Promise(() => undefined),
      return: () => {
        ended.returned = true;
        return Promise.resolve({ done: true, value: undefined });
      }
    };
    const source: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => iterator };
    const ipfs = connected(async ({ input }) => {
      await new Pulled(input['input'] as never, 5000).done;
    });
    await expect(ipfs.add(source)).rejects.toThrow('asked for ahead');
    expect(ended.returned).toBe(true);
  });
});
