import { afterEach, describe, expect, test } from 'vitest';

import { createChannel } from '../../src/testing.js';
import { bridge, channel, type Port } from '../../src/wire/index.js';

const open: { close(): void }[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

/** Two ports with a link between them. */
function ports(): { port1: Port; port2: Port } {
  const pair = createChannel();
  open.push(pair.port1);
  return pair;
}

interface Listenable {
  addEventListener(type: 'message', listener: (event: MessageEvent) => void, options: { once: boolean }): void;
  start(): void;
}

function next(port: Listenable): Promise<MessageEvent> {
  return new Promise(resolve => {
    port.addEventListener('message', resolve, { once: true });
    port.start();
  });
}

function closing(port: Port): Promise<Error | undefined> {
  return new Promise(resolve => {
    port.onclose = event => resolve(event.error);
    port.start();
  });
}

describe('what cannot be cloned', () => {
  test.each([
    ['a function in a member', { options: { onEnd: () => 0 } }, 'message.options.onEnd'],
    ['a symbol in an array', { list: [1, Symbol('s')] }, 'message.list[1]'],
    ['under a key that is no name', { 'a b': { c: () => 0 } }, 'message["a b"].c'],
    ['in the value of a Map', new Map([['k', () => 0]]), 'message<value 0>'],
    ['in a Set', { set: new Set([1, () => 0]) }, 'message.set<item 1>'],
    ['a Promise', { answer: Promise.resolve(1) }, 'message.answer'],
    ['a WeakMap', [new WeakMap()], 'message[0]'],
    ['a port that is not transferred', { port: channel().port1 }, 'message.port']
  ])('%s is told by its path', (_, message, path) => {
    const { port1 } = ports();
    expect(() => port1.postMessage(message)).toThrow(
      expect.objectContaining({ name: 'DataCloneError', code: 25, message: expect.stringContaining(path) })
    );
  });

  test('a duplicate in the transfer list is told by its place', () => {
    const { port1 } = ports();
    const buffer = new ArrayBuffer(1);
    expect(() => port1.postMessage(0, [buffer, buffer])).toThrow(
      expect.objectContaining({ code: 25, message: expect.stringContaining('transfer[1]') })
    );
    expect(buffer.byteLength).toBe(1);
  });

  test('what a getter throws passes unchanged', () => {
    const thrown = new Error('mine');
    const { port1 } = ports();
    const message = {
      get member(): never {
        throw thrown;
      }
    };
    expect(() => port1.postMessage(message)).toThrow(thrown);
  });

  test('a value nested 100,000 deep crosses', async () => {
    let deep: unknown[] = [];
    for (let at = 0; at < 100_000; at++) deep = [deep];
    const { port1, port2 } = ports();
    port1.postMessage(deep);
    let depth = 0;
    for (let at = (await next(port2)).data as unknown[]; at.length > 0; at = at[0] as unknown[]) depth++;
    expect(depth).toBe(100_000);
  });
});

describe('events', () => {
  test('a listener may be an object with handleEvent', async () => {
    const { port1, port2 } = ports();
    const got = new Promise(resolve => port2.addEventListener('message', { handleEvent: event => resolve(event.data) }));
    port2.start();
    port1.postMessage('x');
    expect(await got).toBe('x');
  });

  test('each message is dispatched in a task of its own', async () => {
    const { port1, port2 } = ports();
    const seen: string[] = [];
    const done = new Promise<void>(resolve => {
      port2.onmessage = async event => {
        seen.push(`begin ${event.data}`);
        for (let at = 0; at < 5; at++) await Promise.resolve();
        seen.push(`end ${event.data}`);
        if (event.data === 2) resolve();
      };
    });
    port1.postMessage(1);
    port1.postMessage(2);
    await done;
    expect(seen).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
  });

  test('the other end learns of a close after the last message', async () => {
    const { port1, port2 } = ports();
    const seen: unknown[] = [];
    port2.onmessage = event => seen.push(event.data);
    const closed = closing(port2);
    port1.postMessage('last');
    port1.close();
    expect(await closed).toBeUndefined();
    expect(seen).toEqual(['last']);
    expect(port2.closed).toBe(true);
  });

  test('what an interceptor or a listener throws is reported, and what follows still comes', async () => {
    const { port1, port2 } = ports();
    const reported: string[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', error => reported.push(error.message));
    try {
      port2.interceptor = {
        incoming: event => {
          if (event.data === 'first') throw new Error('of the interceptor');
          return event;
        }
      };
      const seen: unknown[] = [];
      port2.onmessage = ({ data }) => {
        if (data === 'second') throw new Error('of the listener');
        seen.push(data);
      };
      const closed = closing(port2);
      for (const message of ['first', 'second', 'third']) port1.postMessage(message);
      port1.close();
      await closed;
      expect(seen).toEqual(['third']);
      expect(reported).toEqual(['of the interceptor', 'of the listener']);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });

  test('an interceptor sees and changes what passes', async () => {
    const { port1, port2 } = ports();
    port1.interceptor = { outgoing: (message, transfer) => ({ message: { wrapped: message }, transfer }) };
    port2.interceptor = { incoming: event => ((event.data as { wrapped: unknown }).wrapped === 'hidden' ? null : event) };
    port1.postMessage('hidden');
    port1.postMessage('shown');
    expect((await next(port2)).data).toEqual({ wrapped: 'shown' });
  });
});

describe('ports in messages', () => {
  test('a port goes to a third party and keeps what waits in it', async () => {
    const [first, second] = [ports(), ports()];
    const { port1, port2 } = channel();
    port1.postMessage('waiting');
    first.port1.postMessage(null, [port2]);
    const moved = (await next(first.port2)).ports[0] as unknown as Port;
    second.port1.postMessage(null, [moved]);
    const again = (await next(second.port2)).ports[0] as unknown as Port;
    port1.postMessage('later');
    expect((await next(again)).data).toBe('waiting');
    expect((await next(again)).data).toBe('later');
    const back = next(port1);
    again.postMessage('back');
    expect((await back).data).toBe('back');
  });

  test('ports of a message to a closed port are closed', async () => {
    const { port1, port2 } = ports();
    const { port1: mine, port2: theirs } = channel();
    port2.close();
    await closing(port1);
    port1.postMessage(null, [theirs]);
    expect(await closing(mine)).toBeUndefined();
  });

  test('a port in a message that nobody reads is closed when the reader leaves', async () => {
    const { port1, port2 } = ports();
    const { port1: mine, port2: theirs } = channel();
    const closed = closing(mine);
    port1.postMessage(null, [theirs]);
    port1.postMessage('end');
    // Left unread: the port is never started.
    setTimeout(() => port2.close(), 20);
    expect(await closed).toBeUndefined();
  });

  test('1,000 ports come and go', async () => {
    const { port1, port2 } = ports();
    port2.onmessage = event => {
      const [port] = event.ports as unknown as [Port];
      port.onmessage = ({ data }) => {
        port.postMessage(data);
        port.close();
      };
    };
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, at) => {
        const { port1: mine, port2: theirs } = channel();
        port1.postMessage(null, [theirs]);
        mine.postMessage(at);
        return (await next(mine)).data as number;
      })
    );
    expect(answers).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
  });
});

describe('native ports', () => {
  test('one that is transferred reaches the other end, both ways', async () => {
    const { port1, port2 } = ports();
    const { port1: mine, port2: theirs } = new MessageChannel();
    open.push(mine);
    port1.postMessage({ port: theirs }, [theirs]);
    const event = await next(port2);
    const port = (event.data as { port: Port }).port;
    expect(event.ports[0]).toBe(port);
    port.postMessage({ bytes: new Uint8Array(300_000).fill(7) });
    expect(((await next(mine)).data as { bytes: Uint8Array }).bytes).toEqual(new Uint8Array(300_000).fill(7));
    mine.postMessage([1, 2]);
    expect((await next(port)).data).toEqual([1, 2]);
  });

  test('the closing of either end reaches the other', async () => {
    const { port1, port2 } = ports();
    const channels = [new MessageChannel(), new MessageChannel()] as const;
    port1.postMessage(null, [channels[0].port2, channels[1].port2]);
    const [first, second] = (await next(port2)).ports as unknown as [Port, Port];
    const learned = closing(first);
    channels[0].port1.close();
    expect(await learned).toBeUndefined();
    const told = new Promise(resolve => channels[1].port1.addEventListener('close', resolve));
    channels[1].port1.start();
    second.close();
    await told;
  });

  test('a native port inside a message of a native port is bridged too', async () => {
    const { port1, port2 } = ports();
    const outer = new MessageChannel();
    const inner = new MessageChannel();
    open.push(outer.port1, inner.port1);
    port1.postMessage(null, [outer.port2]);
    outer.port1.postMessage('inner', [inner.port2]);
    const [port] = (await next(port2)).ports as unknown as [Port];
    const [nested] = (await next(port)).ports as unknown as [Port];
    inner.port1.postMessage('through');
    expect((await next(nested)).data).toBe('through');
  });

  test('a port of ours becomes a native one that can be transferred', async () => {
    const { port1, port2 } = ports();
    const native = bridge(port1);
    open.push(native);
    native.postMessage('from native');
    expect((await next(port2)).data).toBe('from native');
    const { port1: mine, port2: theirs } = channel();
    port2.postMessage('with a port', [theirs]);
    const event = await next(native);
    expect(event.ports[0]).toBeInstanceOf(MessagePort);
    event.ports[0]?.postMessage('deep');
    expect((await next(mine)).data).toBe('deep');
    expect(() => bridge(port1)).toThrow('closed or was transferred');
  });

  test('messages of one link keep their order across native and other ports', async () => {
    const { port1, port2 } = ports();
    const { port1: mine, port2: theirs } = new MessageChannel();
    open.push(mine);
    port1.postMessage(null, [theirs]);
    const [progress] = (await next(port2)).ports as unknown as [Port];
    for (let round = 0; round < 20; round++) {
      let told = 0;
      mine.onmessage = () => told++;
      const result = next(port1);
      for (let at = 0; at < 5; at++) progress.postMessage(at);
      port2.postMessage('result');
      await result;
      expect(told).toBe(5);
    }
  });
});

describe('Blobs', () => {
  test('a Blob and a File arrive as they are, and messages behind them keep their place', async () => {
    const { port1, port2 } = ports();
    const bytes = Uint8Array.from({ length: 5_500_000 }, (_, at) => at % 253);
    const blob = new Blob([bytes], { type: 'application/x-test' });
    port1.postMessage({ blob, same: blob, file: new File(['text'], 'a.txt', { type: 'text/plain', lastModified: 5 }) });
    port1.postMessage('behind');
    const { blob: got, same, file } = (await next(port2)).data as { blob: Blob; same: Blob; file: File };
    expect(same).toBe(got);
    expect(got.type).toBe('application/x-test');
    expect(Buffer.compare(new Uint8Array(await got.arrayBuffer()), bytes)).toBe(0);
    expect([file.name, file.type, file.lastModified, await file.text()]).toEqual(['a.txt', 'text/plain', 5, 'text']);
    expect((await next(port2)).data).toBe('behind');
  });

  test('a Blob crosses a bridged native port', async () => {
    const { port1, port2 } = ports();
    const native = bridge(port1);
    open.push(native);
    port2.postMessage(new Blob(['bytes']));
    port2.postMessage('behind');
    expect(await ((await next(native)).data as Blob).text()).toBe('bytes');
    expect((await next(native)).data).toBe('behind');
  });

  test('a Blob that cannot be read is a messageerror, and what follows still comes', async () => {
    const { port1, port2 } = ports();
    const blob = new Blob(['x'.repeat(10)]);
    Object.defineProperty(blob, 'slice', {
      value: () => {
        throw new Error('the file is gone');
      }
    });
    const failed = new Promise<unknown>(resolve => (port2.onmessageerror = event => resolve(event.data)));
    port1.postMessage(blob);
    port1.postMessage('next');
    expect((await next(port2)).data).toBe('next');
    expect(await failed).toMatchObject({ message: expect.stringContaining('the file is gone') });
  });
});
