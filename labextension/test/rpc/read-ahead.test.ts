import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { FIRST_CREDIT, MAX_CREDIT, MAX_CREDIT_BYTES, MAX_KEPT_BYTES, ReadAhead } from '../../src/rpc/read-ahead.js';

interface Road {
  /** Ms, and up to how many more. */
  readonly roundTrip: number;
  readonly jitter?: number;
  /** Items a ms. */
  readonly rate: number;
  readonly size: number;
  readonly seed?: number;
}

/** A consumer that takes each item as soon as it is there, and a producer behind a road. */
function run(items: number, { roundTrip, jitter = 0, rate, size, seed = 1 }: Road): { ms: number; most: number } {
  const stream = new ReadAhead<number>(true);
  let state = seed;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const due: number[] = [];
  let [now, busyUntil, taken, most] = [0, 0, 0, 0];
  const step = (): void => {
    const late = now + roundTrip + jitter * random();
    for (let count = stream.ask(now); count > 0; count--) {
      busyUntil = Math.max(busyUntil, late) + 1 / rate;
      due.push(busyUntil);
    }
    most = Math.max(most, due.length);
  };
  stream.want();
  step();
  while (taken < items) {
    now = due.shift() as number;
    expect(stream.arrive(taken, size, false, now)).toBeNull();
    while (stream.take() !== undefined) {
      taken++;
      stream.want();
    }
    step();
  }
  return { ms: now, most };
}

describe('read-ahead', () => {
  test('asks for nothing before something is wanted', () => {
    const stream = new ReadAhead(true);
    stream.want();
    expect(stream.ask(0)).toBe(FIRST_CREDIT);
  });

  test('asks for one at a time where the producer takes no more', () => {
    const stream = new ReadAhead<string>(false);
    stream.want();
    expect(stream.ask(0)).toBe(1);
    stream.arrive('a', 1, false, 1);
    expect(stream.take()).toBe('a');
    expect(stream.ask(1)).toBe(0);
    stream.want();
    expect(stream.ask(1)).toBe(1);
  });

  test('asks for no more than the credit while nothing is taken', () => {
    const stream = new ReadAhead<number>(true);
    stream.want();
    let asked = stream.ask(0);
    for (let at = 0; at < 100 && at < asked; at++) {
      stream.arrive(at, 1, false, 1);
      if (at === 0) stream.take();
      asked += stream.ask(1);
    }
    expect(asked).toBeLessThanOrEqual(2 * FIRST_CREDIT + 1);
  });

  test('makes 200 items cost a few round trips', () => {
    expect(run(200, { roundTrip: 50, rate: 10, size: 256 * 1024 }).ms).toBeLessThan(10 * 50);
  });

  test('does so where round trips vary by more than they take', () => {
    for (let seed = 1; seed <= 50; seed++)
      expect(run(200, { roundTrip: 1, jitter: 50, rate: 100, size: 1000, seed }).ms, `seed ${seed}`).toBeLessThan(20 * 50);
  });

  test('fills a fast road with a long round trip', () => {
    const [items, size, rate] = [4000, 256 * 1024, 1];
    const { ms, most } = run(items, { roundTrip: 50, rate, size });
    expect(ms).toBeLessThan(1.15 * (items / rate));
    expect(most * size).toBeLessThanOrEqual(MAX_CREDIT_BYTES);
  });

  test('lets no queue grow before a slow road', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { ms, most } = run(500, { roundTrip: 30, jitter: 30, rate: 1 / 400, size: 256 * 1024, seed });
      expect(ms).toBeLessThan(1.01 * 500 * 400 + 100);
      expect(most).toBeLessThanOrEqual(4);
    }
  });

  test('counts bytes as the items seen let expect', () => {
    const stream = new ReadAhead<string>(true);
    stream.want();
    stream.ask(0);
    stream.arrive('large', 3 * MAX_CREDIT_BYTES, false, 1);
    expect(stream.limit).toBe(1);
  });

  test('refuses an item that nobody asked for', () => {
    expect(new ReadAhead<string>(true).arrive('a', 1, false, 0)).toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  test('refuses items that are much larger than was to be expected', () => {
    const stream = new ReadAhead<string>(true);
    stream.want();
    stream.ask(0);
    expect(stream.arrive('a', MAX_KEPT_BYTES, false, 1)).toBeNull();
    expect(stream.arrive('b', 1, false, 1)).toMatchObject({ code: 'ERR_LIMIT' });
  });

  test('hands out what is kept before the end, and the end once', () => {
    const stream = new ReadAhead<string>(true);
    stream.want();
    stream.ask(0);
    stream.arrive('a', 1, false, 1);
    stream.arrive('end', 0, true, 1);
    expect([stream.ended, stream.over, stream.ask(1)]).toEqual([true, false, 0]);
    stream.want();
    expect([stream.take(), stream.take(), stream.take(), stream.over]).toEqual(['a', 'end', undefined, true]);
  });

  test('gives what it kept when it is stopped', () => {
    const stream = new ReadAhead<string>(true);
    stream.want();
    stream.ask(0);
    stream.arrive('a', 1, false, 1);
    expect(stream.stop('aborted')).toEqual(['a']);
    expect([stream.take(), stream.ask(2), stream.keptBytes]).toEqual(['aborted', 0, 0]);
  });

  test('keeps its laws whatever happens', () => {
    const action = fc.oneof(
      { weight: 4, arbitrary: fc.constant({ kind: 'want' as const }) },
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('arrive' as const), size: fc.nat(2_000_000), after: fc.nat(100) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('unasked' as const) }) }
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 400 }), actions => {
        const stream = new ReadAhead<number>(true);
        let [now, wanted, asked, arrived, taken] = [0, 0, 0, 0, 0];
        for (const act of actions) {
          if (act.kind === 'want') {
            stream.want();
            wanted++;
          } else if (act.kind === 'arrive' && asked > arrived) {
            now += act.after;
            expect(stream.arrive(arrived++, act.size, false, now)).toBeNull();
          } else if (act.kind === 'unasked' && asked === arrived) {
            expect(stream.arrive(-1, 0, false, now)).toBeInstanceOf(Error);
          }
          for (let item = stream.take(); item !== undefined; item = stream.take()) expect(item).toBe(taken++);
          if (wanted > 0) asked += stream.ask(now);
          const [coming, waiting] = [asked - taken, wanted - taken];
          expect(taken).toBe(Math.min(wanted, arrived));
          // Whoever waits, waits for something that is on its way.
          if (waiting > 0) expect(asked - arrived).toBeGreaterThanOrEqual(waiting);
          expect(coming).toBeLessThanOrEqual(Math.max(MAX_CREDIT, waiting));
          expect(stream.limit).toBeLessThanOrEqual(MAX_CREDIT);
        }
      })
    );
  });
});
