import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';

import { createChannel } from '../../src/testing.js';
import { MAX_ENTRIES, MAX_MESSAGE_BUFFERS, MAX_PORTS } from '../../src/wire/clone/limits.js';
import { channel, type Port } from '../../src/wire/index.js';
import * as namespace from '../support.js';

const open: { close(): void }[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

/** What arrives at the other side of a link. */
async function crossed<T>(value: T, transfer: object[] = []): Promise<T> {
  const { port1, port2 } = createChannel();
  open.push(port1);
  const arrived = new Promise<T>((resolve, reject) => {
    port2.onmessage = event => resolve(event.data as T);
    port2.onmessageerror = event => reject(event.data as Error);
  });
  port1.postMessage(value, transfer);
  return arrived;
}

/** What postMessage throws. */
function refused(value: unknown, transfer: object[] = []): DOMException {
  const { port1 } = channel();
  try {
    port1.postMessage(value, transfer);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'DataCloneError') return error;
    throw error;
  }
  throw new Error('it was sent');
}

describe('a Proxy cannot be cloned', () => {
  test.each([
    ['of an object', new Proxy({ a: 1 }, {})],
    ['of an array', new Proxy([1], {})],
    ['of a Map', new Proxy(new Map(), {})],
    ['of a Date', new Proxy(new Date(), {})],
    ['of a Proxy', new Proxy(new Proxy({}, {}), {})],
    ['whose handler throws', new Proxy({}, { setPrototypeOf: () => expect.unreachable() })]
  ])('%s', (_, proxy) => {
    expect(refused({ member: proxy }).message).toContain('message.member');
  });

  test('which was revoked', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(refused([proxy]).message).toContain('message[0]');
  });

  test('and its target is as it was', () => {
    const prototype = {};
    const target = Object.create(prototype) as object;
    refused(new Proxy(target, {}));
    expect(Object.getPrototypeOf(target)).toBe(prototype);
  });

  test('but an object without a prototype, a frozen one and a sealed array can', async () => {
    const values = [Object.create(null), Object.freeze({ a: 1 }), Object.seal([1])] as object[];
    expect(await crossed(values)).toEqual([{}, { a: 1 }, [1]]);
  });
});

describe('what the runtime keeps inside of an object is told by nothing else', () => {
  test('a RegExp has its own source and flags, and begins anew', async () => {
    const pattern = /a+/gi;
    pattern.lastIndex = 3;
    Object.defineProperties(pattern, { source: { value: 'b' }, flags: { value: '' }, global: { value: false } });
    const got = await crossed(pattern);
    expect([got.source, got.flags, got.lastIndex]).toEqual(['a+', 'gi', 0]);
  });

  test('a view lies where it lies', async () => {
    const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    Object.defineProperties(view, { buffer: { value: new ArrayBuffer(0) }, byteOffset: { value: 0 }, length: { value: 4 } });
    expect([...(await crossed(view))]).toEqual([2, 3]);
  });

  test('a Blob has its own type and size, a DOMException its own name', async () => {
    const blob = Object.defineProperties(new Blob(['abc'], { type: 'a/b' }), { type: { value: 'x/y' }, size: { value: 1 } });
    const exception = Object.defineProperty(new DOMException('m', 'AbortError'), 'name', { value: 'Other' });
    const got = await crossed({ blob, exception });
    expect([got.blob.type, got.blob.size, got.exception.name]).toEqual(['a/b', 3, 'AbortError']);
  });

  test('a class cannot pretend to be another, nor hide what it is', async () => {
    class Pretender {
      readonly a = 1;
      get [Symbol.toStringTag](): string {
        return this.a === 1 ? 'Map' : '';
      }
    }
    class Hidden extends Map<number, number> {
      override get [Symbol.toStringTag](): string {
        return this.size === 1 ? 'Object' : '';
      }
    }
    expect(await crossed<unknown>([new Pretender(), new Hidden([[1, 2]])])).toEqual([{ a: 1 }, new Map([[1, 2]])]);
  });

  test('the length of a view that follows its buffer, at its end and before it', async () => {
    const buffer = resizable(8);
    const bytes = new Uint8Array(buffer);
    bytes.set([1, 2, 3, 4, 5, 6, 7, 8]);
    const [following, fixed] = await crossed([new Uint16Array(buffer), new Uint16Array(buffer, 0, 4)]);
    expect(following?.buffer).toBe(fixed?.buffer);
    following?.buffer.resize(4);
    expect([following?.length, fixed?.length]).toEqual([2, 0]);
    expect([...bytes]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('objects of other realms', () => {
  test('are the same kinds of objects', async () => {
    const made = runInNewContext(
      "({ map: new Map([[1, new Set([2])]]), date: new Date(5), error: new RangeError('far'), list: [1, , 3], bytes: new Uint8Array([7]), box: Object(1n) })"
    ) as { map: Map<number, Set<number>>; date: Date; error: Error; list: number[]; bytes: Uint8Array; box: object };
    const got = await crossed(made);
    expect(got.map).toEqual(new Map([[1, new Set([2])]]));
    expect(got.date).toEqual(new Date(5));
    expect(got.error).toBeInstanceOf(RangeError);
    expect(got.error.message).toBe('far');
    expect(Object.keys(got.list)).toEqual(['0', '2']);
    expect([...got.bytes]).toEqual([7]);
    expect(got.box).toEqual(Object(1n));
  });

  test.each(['Promise.resolve()', 'new WeakMap()', 'new WeakRef({})', '(function* () {})()', 'Symbol.iterator', '() => 1'])(
    '%s cannot be cloned there either',
    source => {
      expect(refused([runInNewContext(source)]).message).toContain('message[0]');
    }
  );
});

describe('what else cannot be cloned', () => {
  test.each([
    ['a module', namespace],
    ['a Symbol object', Object(Symbol('s'))],
    ['a detached buffer', detached()],
    ['a view on a detached buffer', detachedView()],
    ['an AbortSignal', new AbortController().signal],
    ['a stream', new ReadableStream()]
  ])('%s', (_, value) => {
    expect(refused({ value }).message).toContain('message.value');
  });

  test('a function whose name is a getter, which does not run', () => {
    const named = Object.defineProperty(() => 0, 'name', { get: () => expect.unreachable() });
    expect(refused(named).message).toContain('a function');
  });

  test('far inside is told by the ends of its path', () => {
    let deep: unknown = () => 0;
    for (let at = 0; at < 100_000; at++) deep = { in: deep };
    const { message } = refused({ first: deep });
    expect(message).toMatch(/message\.first\.in.* … \d+ steps … .*\.in$/);
    expect(message.length).toBeLessThan(200);
  });
});

describe('what no link could carry is refused where it is sent, and nothing is detached', () => {
  test.each([
    ['objects', () => Array.from({ length: MAX_ENTRIES }, () => ({}))],
    ['buffers', () => Array.from({ length: MAX_MESSAGE_BUFFERS + 1 }, () => new ArrayBuffer(0))],
    ['Blobs', () => Array.from({ length: MAX_PORTS + 1 }, () => new Blob())]
  ])('too many %s', (_, make) => {
    const buffer = new ArrayBuffer(8);
    expect(refused([buffer, make()], [buffer]).message).toContain('more than');
    expect(buffer.byteLength).toBe(8);
  });
});

test('a transfer that fails half way closes the ports that were taken out', async () => {
  const { port1, port2 } = channel();
  const { port1: mine, port2: theirs } = channel();
  open.push(port1, port2);
  const closed = new Promise<void>(resolve => (mine.onclose = () => resolve()));
  expect(() => port1.postMessage(null, [theirs, detached()])).toThrow('transfer[1]');
  await closed;
  expect(() => port1.postMessage(null, [theirs])).toThrow('transferred or closed already');
});

test('a Blob that stays in its process arrives as another object', async () => {
  const { port1, port2 } = channel();
  open.push(port1);
  const blob = new Blob(['abc'], { type: 'a/b' });
  const arrived = new Promise<Blob>(resolve => (port2.onmessage = ({ data }) => resolve(data as Blob)));
  port1.postMessage(blob);
  const got = await arrived;
  expect(got).not.toBe(blob);
  expect([got.type, await got.text()]).toEqual(['a/b', 'abc']);
});

test('getters run once, in order, and what they change counts', async () => {
  const ran: string[] = [];
  const message = {
    get a(): number {
      ran.push('a');
      delete (this as { gone?: number }).gone;
      (this as Record<string, unknown>)['late'] = 1;
      return 1;
    },
    gone: 1,
    get b(): object {
      ran.push('b');
      return this;
    }
  };
  const got = await crossed<object>(message);
  expect(ran).toEqual(['a', 'b']);
  expect(Object.keys(got)).toEqual(['a', 'b']);
  expect((got as { b: object }).b).toBe(got);
});

test('ten times as much costs about ten times as long', async () => {
  const wide = (size: number): unknown => ({
    list: Array.from({ length: size }, (_, at) => ({ at })),
    map: new Map(Array.from({ length: size }, (_, at) => [at, `${at}`])),
    holes: Object.assign(new Array<number>(size), { [size]: 1, name: 2 })
  });
  const cost = async (value: unknown): Promise<number> => {
    const before = performance.now();
    await crossed(value);
    return performance.now() - before;
  };
  await cost(wide(2_000));
  const small = Math.min(await cost(wide(10_000)), await cost(wide(10_000)), await cost(wide(10_000)));
  expect(await cost(wide(100_000))).toBeLessThan(40 * Math.max(small, 5));
});

test('100,000 messages in one task arrive in order and in time', async () => {
  const { port1, port2 } = channel() as { port1: Port; port2: Port };
  open.push(port1);
  const count = 100_000;
  const before = performance.now();
  for (let at = 0; at < count; at++) port1.postMessage(at);
  let next = 0;
  await new Promise<void>(resolve => {
    port2.onmessage = ({ data }) => {
      if (data !== next++) expect.unreachable();
      if (next === count) resolve();
    };
  });
  expect(performance.now() - before).toBeLessThan(10_000);
});

function resizable(size: number): ArrayBuffer {
  return new (ArrayBuffer as new (size: number, options: { maxByteLength: number }) => ArrayBuffer)(size, { maxByteLength: size });
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(4);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function detachedView(): Uint8Array {
  const view = new Uint8Array(4);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}
