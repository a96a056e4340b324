import { describe, expect, test } from 'vitest';

import { IPFSClient } from '../../src/client/index.js';
import { LinkError } from '../../src/errors.js';
import { CID, encodeCID } from '../../src/rpc/cid.js';
import type { QueryMessage } from '../../src/rpc/protocol.js';
import { createChannel } from '../../src/testing.js';
import { channel, type Port } from '../../src/wire/index.js';
import { cid, open, remote, served, type Heard } from './support.js';

describe('an answer', () => {
  test('revives the error of the node', async () => {
    const error = { name: 'NotFoundError', message: 'no such block', code: 'ERR_NOT_FOUND', detail: { cid: 'x' }, stack: 'there' };
    const { ipfs } = served(({ fail }) => fail(error));
    await expect(ipfs.block.get(cid)).rejects.toMatchObject(error);
  });

  test('comes to the call that asked', async () => {
    const waiting: (() => void)[] = [];
    const { ipfs } = served(({ query, answer }) => {
      const { bytes } = query.input['cid'] as { bytes: Uint8Array };
      waiting.push(() => answer({ cid: encodeCID(cid), size: bytes[35] }));
      if (waiting.length === 2) for (const act of waiting.reverse()) act();
    });
    const other = CID.decode(Uint8Array.from(cid.bytes, (byte, at) => (at === 35 ? 7 : byte)));
    const sizes = await Promise.all([ipfs.block.stat(cid), ipfs.block.stat(other)]);
    expect(sizes.map(({ size }) => size)).toEqual([cid.bytes[35], 7]);
  });
});

describe('a late answer', () => {
  test('has its stream closed, so that the node lets go of it', async () => {
    const aborted = new AbortController();
    const { port1, port2 } = channel();
    const closed = new Promise(resolve => (port1.onclose = resolve));
    port1.start();
    const { ipfs } = served(({ answer }) => {
      aborted.abort();
      answer({ data: { type: 'RemoteIterable', port: port2 } }, [port2]);
    });
    await expect(ipfs.cat(cid, { signal: aborted.signal }).next()).rejects.toMatchObject({ name: 'AbortError' });
    await closed;
  });

  test('to another client of the same port is left alone', async () => {
    const { port, asked } = remote([Uint8Array.of(1)]);
    const { port1, port2 } = createChannel();
    open.push(port1, port2);
    const [, second] = [IPFSClient.from(port1), IPFSClient.from(port1)];
    port2.onmessage = ({ data }) =>
      port2.postMessage(
        { type: 'result', id: (data as QueryMessage).id, result: { ok: true, value: { data: { type: 'RemoteIterable', port } } } },
        [port]
      );
    expect((await second.cat(cid).next()).value).toEqual(Uint8Array.of(1));
    expect(asked).toEqual(['next']);
  });
});

describe('a call', () => {
  test('posts abort when its signal fires', async () => {
    const aborted = new AbortController();
    let heard: Heard | undefined;
    const { ipfs, server } = served(query => {
      heard = query;
      aborted.abort();
    });
    await expect(ipfs.block.get(cid, { signal: aborted.signal })).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED' });
    await new Promise(resolve => server.addEventListener('message', resolve, { once: true }));
    expect(heard?.posted.map(({ type }) => type)).toEqual(['query', 'abort']);
    expect(heard?.posted[1]?.id).toBe(heard?.query.id);
  });

  test('posts nothing when its signal has fired before', async () => {
    let posted = 0;
    const { ipfs } = served(() => posted++);
    await expect(ipfs.block.get(cid, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(posted).toBe(0);
  });

  test('is rejected when its time is up', async () => {
    const { ipfs } = served(() => undefined);
    await expect(ipfs.block.get(cid, { timeout: 30 })).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' });
  });

  test('tells the node its timeout', async () => {
    const { ipfs } = served(({ query, fail }) => fail({ name: 'Error', message: String(query.input['timeout']) }));
    await expect(ipfs.block.get(cid, { timeout: 5_000 })).rejects.toThrow('5000');
  });

  test('is rejected at once when the port closes, and so are later ones', async () => {
    const { ipfs, server } = served(() => server.close());
    await expect(ipfs.block.get(cid)).rejects.toBeInstanceOf(LinkError);
    await expect(ipfs.add('late')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    expect(ipfs.closed).toMatchObject({ code: 'ERR_CLOSED' });
  });

  test('is rejected at once when the page closes its own port, and so are later ones', async () => {
    const { port1 } = createChannel();
    const ipfs = IPFSClient.from(port1);
    const waiting = ipfs.block.get(cid);
    port1.close();
    await expect(waiting).rejects.toMatchObject({ name: 'LinkError', code: 'ERR_CLOSED' });
    await expect(ipfs.block.get(cid)).rejects.toThrow(LinkError);
  });

  test('is rejected at once when the client is closed', async () => {
    const { ipfs } = served(() => undefined);
    const call = ipfs.block.get(cid);
    ipfs.close();
    await expect(call).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });

  test('with what is no CID is refused by name', async () => {
    const { ipfs } = served(() => undefined);
    await expect(ipfs.block.get('not a cid')).rejects.toMatchObject({
      code: 'ERR_INVALID_CID',
      message: expect.stringContaining('"not a cid"')
    });
  });
});

describe('what is sent', () => {
  test('a subarray costs its own bytes and stays with the caller', async () => {
    const sizes: unknown[] = [];
    const { ipfs } = served(({ query, answer }) => {
      sizes.push((query.input['block'] as Uint8Array).buffer.byteLength);
      answer({ cid: encodeCID(cid) });
    });
    const large = new Uint8Array(1_000_000).fill(3);
    await ipfs.block.put(large.subarray(10, 110));
    expect(sizes).toEqual([100]);
    expect(large[10]).toBe(3);
  });

  test('a CID of any copy of multiformats, its text or bytes is the same', async () => {
    const seen: string[] = [];
    const { ipfs } = served(({ query, answer }) => {
      seen.push(CID.decode((query.input['cid'] as { bytes: Uint8Array }).bytes).toString());
      answer({ block: new Uint8Array(0) });
    });
    const foreign = { version: 1, code: cid.code, bytes: cid.bytes, multihash: { ...cid.multihash } };
    for (const form of [cid, foreign, cid.toString(), cid.bytes]) await ipfs.block.get(form);
    expect(seen).toEqual(Array.from({ length: 4 }, () => cid.toString()));
  });

  test('links of a node stay the objects that its list of CIDs names', async () => {
    let same = false;
    const { ipfs } = served(({ query, answer }) => {
      const { dagNode, cids } = query.input['dagNode'] as { dagNode: { deep: { link: object }[] }; cids: object[] };
      same = cids[0] === dagNode.deep[0]?.link;
      answer(encodeCID(cid));
    });
    expect((await ipfs.dag.put({ deep: [{ link: cid }] })).equals(cid)).toBe(true);
    expect(same).toBe(true);
  });

  test('a path stays one, and goes beside a further path', async () => {
    const { ipfs } = served(({ query: { input }, answer }) => {
      const value = [input['cid'], input['path']].map(String);
      answer({ value: { dagNode: value, cids: [] }, remainderPath: '' });
    });
    const path = `/ipfs/${cid.toString()}/a/b`;
    expect(await ipfs.dag.get(path, { path: 'c' })).toEqual({ value: [path, 'c'], remainderPath: '' });
  });

  test('an iterable is pulled item by item, and let go when the other end returns', async () => {
    let returned = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield await Promise.resolve(Uint8Array.of(1, 2));
      } finally {
        returned = true;
      }
    }
    const { ipfs } = served(({ query, answer }) => {
      const { port } = query.input['input'] as { port: Port };
      let got = 0;
      port.onmessage = () => {
        if (++got < 3) return port.postMessage({ method: 'next' });
        port.postMessage({ method: 'return' });
        port.close();
        answer({ data: { cid: encodeCID(cid), size: got, path: '' } });
      };
      port.postMessage({ method: 'next' });
    });
    expect((await ipfs.add(endless())).size).toBe(3);
    await expect.poll(() => returned).toBe(true);
  });

  test.each([
    ['encoded', { path: 'x', content: 5 }, 'cannot be added'],
    ['posted', { path: () => 0, content: 'y' }, 'path']
  ])('an iterable whose item cannot be %s is let go, and the other end learns why', async (_, value, why) => {
    let returned = false;
    const source = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: false as const, value }),
        return: () => {
          returned = true;
          return { done: true as const, value: undefined };
        }
      })
    };
    const { ipfs } = served(({ query, fail }) => {
      const { port } = query.input['input'] as { port: Port };
      port.onmessage = ({ data }) => fail((data as { error: object }).error);
      port.postMessage({ method: 'next' });
    });
    await expect(ipfs.addAll(source as never).next()).rejects.toThrow(why);
    expect(returned).toBe(true);
  });

  test('an error of the iterable reaches the other end', async () => {
    const { ipfs } = served(({ query, fail }) => {
      const { port } = query.input['input'] as { port: Port };
      port.onmessage = ({ data }) => fail((data as { error: object }).error);
      port.postMessage({ method: 'next' });
    });
    const failing = (async function* (): AsyncGenerator<Uint8Array> {
      throw await Promise.resolve(Object.assign(new Error('disk on fire'), { code: 'EIO' }));
    })();
    await expect(ipfs.add(failing)).rejects.toMatchObject({ message: 'disk on fire', code: 'EIO' });
  });
});

describe('a stream', () => {
  test('gives its items and ends', async () => {
    const { port, asked } = remote([Uint8Array.of(1), Uint8Array.of(2)]);
    const { ipfs } = served(({ answer }) => answer({ data: { type: 'RemoteIterable', port } }, [port]));
    const got: number[] = [];
    for await (const chunk of ipfs.cat(cid)) got.push(...chunk);
    expect(got).toEqual([1, 2]);
    expect(asked).toEqual(['next', 'next', 'next']);
  });

  test('that is left early tells the other end', async () => {
    const { port, asked } = remote([Uint8Array.of(1), Uint8Array.of(2)]);
    const { ipfs } = served(({ answer }) => answer({ data: { type: 'RemoteIterable', port } }, [port]));
    for await (const chunk of ipfs.cat(cid)) {
      expect(chunk).toEqual(Uint8Array.of(1));
      break;
    }
    await expect.poll(() => asked).toEqual(['next', 'return']);
  });

  test('that is aborted in its middle throws and tells the other end', async () => {
    const { port, asked } = remote([Uint8Array.of(1), Uint8Array.of(2)]);
    const { ipfs } = served(({ answer }) => answer({ data: { type: 'RemoteIterable', port } }, [port]));
    const controller = new AbortController();
    const reading = (async () => {
      for await (const chunk of ipfs.cat(cid, { signal: controller.signal })) controller.abort(chunk);
    })();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => asked).toEqual(['next', 'return']);
  });

  test('throws what the node throws in its middle', async () => {
    const { port1, port2 } = channel();
    port1.onmessage = ({ data }) => {
      if ((data as { method: string }).method === 'next')
        port1.postMessage({ type: 'throw', error: { name: 'Error', message: 'half way', code: 'ERR_X' } });
    };
    const { ipfs } = served(({ answer }) => answer({ data: { type: 'RemoteIterable', port: port2 } }, [port2]));
    await expect(ipfs.cat(cid).next()).rejects.toMatchObject({ message: 'half way', code: 'ERR_X' });
  });

  test('whose port closes before its end is an error, not an end', async () => {
    const { port1, port2 } = channel();
    port1.onmessage = () => port1.close();
    const { ipfs } = served(({ answer }) => answer({ data: { type: 'RemoteIterable', port: port2 } }, [port2]));
    await expect(ipfs.cat(cid).next()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });
});
