import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';

import { createChannel } from '../../src/testing.js';
import { channel, type Port } from '../../src/wire/index.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const open: { close(): void }[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

function ports(): { port1: Port; port2: Port } {
  const pair = createChannel();
  open.push(pair.port1);
  return pair;
}

function next(port: Port): Promise<MessageEvent> {
  return new Promise(resolve => {
    port.addEventListener('message', resolve, { once: true });
    port.start();
  });
}

/** Collect garbage until the condition holds; false if it does not within the time. */
async function collected(condition: () => boolean, patience = 5_000): Promise<boolean> {
  const end = performance.now() + patience;
  while (!condition() && performance.now() < end) {
    collect();
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  return condition();
}

/** Whether the port's other end is gone. */
function ending(port: Port): () => boolean {
  let ended = false;
  port.onclose = () => (ended = true);
  return () => ended;
}

describe('a port that nobody has any more', () => {
  test('is closed, if it came in a message and was never started', async () => {
    const { port1, port2 } = ports();
    const { port1: mine, port2: theirs } = channel();
    open.push(mine);
    const ended = ending(mine);
    port2.onmessage = () => undefined;
    port1.postMessage({ nested: theirs }, [theirs]);
    expect(await collected(ended)).toBe(true);
  });

  test('is closed, if it was started but nobody listens', async () => {
    const { port1, port2 } = ports();
    const { port1: mine, port2: theirs } = channel();
    open.push(mine);
    const ended = ending(mine);
    port2.onmessage = ({ ports: [port] }) => port?.start();
    port1.postMessage(null, [theirs]);
    expect(await collected(ended)).toBe(true);
  });

  test('and that was only there to be listened to is closed, with what waits in it', async () => {
    const { port1: inner, port2: sent } = channel();
    open.push(inner);
    const innerEnded = ending(inner);
    const ended = (() => {
      const { port1: mine, port2 } = channel();
      open.push(mine);
      mine.postMessage(null, [sent]);
      port2.addEventListener('message', () => undefined);
      return ending(mine);
    })();
    expect(await collected(() => ended() && innerEnded())).toBe(true);
  });

  test('is kept while something may come for a listener of it', async () => {
    const { port1, port2 } = ports();
    const { port1: mine, port2: theirs } = channel();
    open.push(mine);
    const ended = ending(mine);
    port2.onmessage = ({ ports: [port] }) => {
      if (port) port.onmessage = ({ data }) => port2.postMessage(data);
    };
    port1.postMessage(null, [theirs]);
    expect(await collected(ended, 300)).toBe(false);
    mine.postMessage('still there');
    expect((await next(port1)).data).toBe('still there');
  });

  test('is no loss for one that was sent on', async () => {
    const [first, second] = [ports(), ports()];
    const { port1: mine, port2: theirs } = channel();
    open.push(mine);
    const ended = ending(mine);
    first.port2.onmessage = ({ ports: [port] }) => second.port1.postMessage(null, [port as unknown as object]);
    first.port1.postMessage(null, [theirs]);
    const [arrived] = (await next(second.port2)).ports as unknown as [Port];
    expect(await collected(ended, 300)).toBe(false);
    mine.postMessage('through');
    expect((await next(arrived)).data).toBe('through');
  });
});

test('a native port is kept while its other end is there', async () => {
  const { port1, port2 } = ports();
  const { port1: mine, port2: theirs } = new MessageChannel();
  open.push(mine);
  port1.postMessage(null, [theirs]);
  const [port] = (await next(port2)).ports as unknown as [Port];
  await collected(() => false, 200);
  const got = new Promise<unknown>(resolve => (mine.onmessage = ({ data }) => resolve(data)));
  port.postMessage('still there');
  expect(await got).toBe('still there');
  mine.postMessage('and back');
  expect((await next(port)).data).toBe('and back');
});

test('the ports of a message whose interceptor threw are closed', async () => {
  const { port1, port2 } = ports();
  const { port1: mine, port2: theirs } = channel();
  open.push(mine);
  const reported: string[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', error => reported.push(error.message));
  try {
    port2.interceptor = {
      incoming: () => {
        throw new Error('of the interceptor');
      }
    };
    port2.start();
    const closed = new Promise<void>(resolve => (mine.onclose = () => resolve()));
    port1.postMessage(null, [theirs]);
    await closed;
    expect(reported).toEqual(['of the interceptor']);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
});

test('the end of a port is told without a start, once nothing is before it', async () => {
  const { port1, port2 } = ports();
  const closed = new Promise<void>(resolve => port2.addEventListener('close', () => resolve()));
  port1.close();
  await closed;
  expect(port2.closed).toBe(true);
});

test('the end of a port is not told before what came before it', async () => {
  const { port1, port2 } = channel();
  const seen: string[] = [];
  port2.addEventListener('close', () => seen.push('close'));
  port1.postMessage('first');
  port1.close();
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(seen).toEqual([]);
  const closed = new Promise(resolve => port2.addEventListener('close', resolve));
  port2.onmessage = ({ data }) => seen.push(data as string);
  await closed;
  expect(seen).toEqual(['first', 'close']);
});

test('10,000 ports that are opened and closed leave nothing', async () => {
  const { port1, port2 } = ports();
  port2.onmessage = ({ data, ports: [port] }) => {
    port?.postMessage(data);
    port?.close();
  };
  const round = async (count: number): Promise<void> => {
    const answers = Array.from({ length: count }, (_, at) => {
      const { port1: mine, port2: theirs } = channel();
      const got = new Promise<unknown>(resolve => {
        let answer: unknown;
        mine.onmessage = ({ data }) => (answer = data);
        mine.onclose = () => resolve(answer);
      });
      port1.postMessage(at, [theirs]);
      return got;
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: count }, (_, at) => at));
  };
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  await round(1_000);
  const before = used();
  for (let at = 0; at < 10; at++) await round(1_000);
  await collected(() => used() - before < 2 * 2 ** 20);
  expect(used() - before).toBeLessThan(2 * 2 ** 20);
}, 60_000);

test('a pair whose end went away and came back is whole', async () => {
  const { port1, port2 } = ports();
  const { port1: one, port2: other } = channel();
  // There and back: both ends are here again.
  port2.onmessage = ({ ports: [port] }) => port2.postMessage(null, [port as unknown as object]);
  port1.postMessage(null, [other]);
  const [back] = (await next(port1)).ports as unknown as [Port];
  const bytes = new Uint8Array(1_000_000).fill(3);
  one.postMessage({ bytes });
  const { bytes: got } = (await next(back)).data as { bytes: Uint8Array };
  expect(Buffer.compare(got, bytes)).toBe(0);
  back.postMessage('and back');
  expect((await next(one)).data).toBe('and back');
  const closed = new Promise<void>(resolve => (one.onclose = () => resolve()));
  back.close();
  await closed;
});
