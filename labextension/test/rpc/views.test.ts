import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { messageOf } from '../../src/rpc/serialized.js';
import { cutBuffers, cutViews } from '../../src/rpc/views.js';
import { deserialize } from '../../src/wire/clone/index.js';

const bytes = Uint8Array.from({ length: 4096 }, (_, at) => at);
const none = { port: () => ({}), blob: () => new Blob() };

/** The two ways to cut: before the clone, and after it. */
const ways: [string, (value: unknown, transfer?: object[]) => unknown][] = [
  ['before the clone', (value, transfer = []) => cutViews(value, transfer).message],
  ['after the clone', value => deserialize(cutBuffers(messageOf(structuredClone(value))), none).value]
];

/** All ArrayBuffers in a value of plain objects, arrays and views. */
function buffersOf(value: unknown, found = new Set<ArrayBufferLike>()): Set<ArrayBufferLike> {
  if (value instanceof ArrayBuffer) found.add(value);
  else if (ArrayBuffer.isView(value)) found.add(value.buffer);
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) buffersOf(item, found);
  return found;
}

const sizeOf = (value: unknown): number => [...buffersOf(value)].reduce((sum, { byteLength }) => sum + byteLength, 0);

describe.each(ways)('views that are cut %s', (_, cut) => {
  test('cost their own bytes', () => {
    const value = { a: bytes.subarray(1000, 1100), b: [bytes.subarray(3000, 3100)] };
    const result = cut(value) as typeof value;
    expect([...result.a]).toEqual([...value.a]);
    expect([...(result.b[0] as Uint8Array)]).toEqual([...bytes.subarray(3000, 3100)]);
    expect(sizeOf(result)).toBeLessThanOrEqual(200 + 2 * 7);
  });

  test('share a buffer where they overlap', () => {
    const value = { whole: bytes.subarray(100, 200), part: bytes.subarray(120, 160) };
    const result = cut(value) as typeof value;
    expect(result.part.buffer).toBe(result.whole.buffer);
    result.whole[20] = 255;
    expect(result.part[0]).toBe(255);
  });

  test('stay the same view where they were', () => {
    const view = bytes.subarray(10, 20);
    const result = cut({ a: view, b: [view] }) as { a: Uint8Array; b: [Uint8Array] };
    expect(result.a).toBe(result.b[0]);
  });

  test('stay whole where the message holds their buffer', () => {
    const result = cut({ view: bytes.subarray(10, 20), buffer: bytes.buffer }) as { view: Uint8Array; buffer: ArrayBuffer };
    expect(result.view.buffer).toBe(result.buffer);
    expect(result.buffer.byteLength).toBe(4096);
  });

  test.each([
    ['a Map', new Map([['k', bytes.subarray(30, 40)]])],
    ['a Set', new Set([bytes.subarray(30, 40)])]
  ])('stay on one buffer with those in %s that they overlap', (_name, other) => {
    const result = cut({ view: bytes.subarray(10, 35), other }) as { view: Uint8Array; other: Iterable<Uint8Array> };
    const [held] = [...(other instanceof Map ? (result.other as never as Map<string, Uint8Array>).values() : result.other)];
    expect(result.view.buffer).toBe(held?.buffer);
  });

  test('keep their type and their alignment', () => {
    const value = [
      new Float64Array(bytes.buffer, 808, 3),
      new Int16Array(bytes.buffer, 1002, 4),
      new DataView(bytes.buffer, 2001, 5)
    ] as const;
    const result = cut([...value]) as typeof value;
    expect(result.map(view => Object.prototype.toString.call(view))).toEqual([
      '[object Float64Array]',
      '[object Int16Array]',
      '[object DataView]'
    ]);
    expect([...result[0]]).toEqual([...value[0]]);
    expect([...result[1]]).toEqual([...value[1]]);
    expect(result[2].getUint8(4)).toBe(value[2].getUint8(4));
    expect(sizeOf(result)).toBeLessThan(24 + 8 + 5 + 3 * 8);
  });

  test('hold the same bytes, whatever they were', () => {
    const view = fc.tuple(fc.nat(4000), fc.nat(96)).map(([start, length]) => bytes.subarray(start, start + length));
    fc.assert(
      fc.property(fc.array(view, { maxLength: 12 }), views => {
        const result = cut({ views }) as { views: Uint8Array[] };
        expect(result.views.map(item => [...item])).toEqual(views.map(item => [...item]));
        expect(sizeOf(result)).toBeLessThanOrEqual(views.reduce((sum, { byteLength }) => sum + byteLength + 8, 0));
      })
    );
  });
});

describe('a message whose views are cut before the clone', () => {
  test('has each getter run once', () => {
    let runs = 0;
    const message = {
      get view(): Uint8Array {
        runs++;
        return bytes.subarray(0, 10);
      }
    };
    const result = cutViews(message, []).message as { view: Uint8Array };
    expect([result.view.byteLength, result.view.byteLength, runs]).toEqual([10, 10, 1]);
  });

  test('keeps cycles, property order, holes and odd names', () => {
    const list: unknown[] & { extra?: unknown } = [1, , 3];
    list.extra = bytes.subarray(0, 5);
    const value: Record<string, unknown> = { z: 1, a: list, '7': 'first' };
    Object.defineProperty(value, '__proto__', { value: 'own', enumerable: true });
    value['self'] = value;
    const copy = cutViews(value, []).message as typeof value;
    expect(Object.keys(copy)).toEqual(['7', 'z', 'a', '__proto__', 'self']);
    expect(copy['self']).toBe(copy);
    expect(Object.keys(copy['a'] as object)).toEqual(['0', '2', 'extra']);
    expect((copy['a'] as unknown[]).length).toBe(3);
    expect(copy['__proto__']).toBe('own');
  });

  test('does not touch what is transferred, and moves its copies', () => {
    const own = new Uint8Array(100);
    const { message, transfer } = cutViews({ moved: own.subarray(0, 10), kept: bytes.subarray(0, 10) }, [own.buffer]);
    const { moved, kept } = message as { moved: Uint8Array; kept: Uint8Array };
    expect(moved.buffer).toBe(own.buffer);
    expect(transfer).toEqual([own.buffer, kept.buffer]);
  });

  test('is left alone where its objects are referred to from a Map', () => {
    const shared = { view: bytes.subarray(0, 10) };
    const message = { shared, map: new Map([[1, shared]]) };
    expect(cutViews(message, []).message).toBe(message);
  });

  test('leaves the given value as it was', () => {
    const value = { view: bytes.subarray(5, 10) };
    cutViews(value, []);
    expect(value.view.buffer).toBe(bytes.buffer);
    expect(bytes.buffer.byteLength).toBe(4096);
  });

  test.each([
    ['a port', new MessageChannel().port1],
    ['a Blob', new Blob(['x'])],
    ['a Date', new Date(0)],
    ['a function', () => undefined]
  ])('keeps %s as it is', (_, item) => {
    expect((cutViews({ item, view: bytes.subarray(1) }, []).message as { item: unknown }).item).toBe(item);
  });

  test('as deep as they come costs no stack', () => {
    let value: object = { view: bytes.subarray(0, 8) };
    for (let at = 0; at < 100_000; at++) value = { value };
    expect(() => cutViews(value, [])).not.toThrow();
  });
});
