import { describe, expect, test } from 'vitest';

import { ACK_BYTES } from '../../src/wire/link/inbox.js';
import { Pacer, type Stamp } from '../../src/wire/link/pacer.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Bytes a ms. */
const mbit = (count: number): number => (count * 1_000_000) / 8 / 1000;
const mib = (count: number): number => (count * MIB) / 1000;

interface Road {
  /** Bytes a ms, at a time. */
  readonly rate: (now: number) => number;
  /** Round trip of an empty road, ms. */
  readonly roundTrip: number;
  /** Up to so many ms late, each, in order. */
  readonly jitter?: number;
  /** What a packet takes beyond its bytes, ms. */
  readonly packet?: number;
  /** Whether another port has a frame in between now and then. */
  readonly shared?: boolean;
}

interface Frame {
  readonly size: number;
  readonly stamp: Stamp;
}

interface Seen {
  /** Bytes that arrived in each second. */
  readonly arrived: number[];
  /** The queue that stood all through each fifth of a second, ms, beyond the frame that is being sent; of each second the longest. */
  readonly queue: number[];
  /** The longest queue in each second, ms. */
  readonly peak: number[];
  readonly pacer: Pacer;
}

/** A sender that always has something to send, a first-in-first-out road, and a receiver with the acknowledgements of an inbox. */
function simulate(road: Road, ms: number): Seen {
  const pacer = new Pacer(64 * KIB, 16 * KIB);
  const arrived = new Array<number>(Math.ceil(ms / 1000)).fill(0);
  const standing = new Array<number>(Math.ceil(ms / 200)).fill(Infinity);
  const peak = new Array<number>(Math.ceil(ms / 1000)).fill(0);
  const flight: Frame[] = [];
  let flightBytes = 0;
  let free = 0;
  let lastArrival = 0;
  let lastAck = 0;
  let sent = 0;
  let seed = 1;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const late = (): number => random() * (road.jitter ?? 0);
  const received: number[] = [];
  let receivedBytes = 0;
  let ackTimer = Infinity;
  const events: { at: number; act: (now: number) => void }[] = [];
  const at = (time: number, act: (now: number) => void): void => {
    let place = events.length;
    while (place > 0 && (events[place - 1] as { at: number }).at > time) place--;
    events.splice(place, 0, { at: time, act });
  };
  const acknowledge = (now: number): void => {
    const sizes = received.splice(0);
    receivedBytes = 0;
    ackTimer = Infinity;
    if (sizes.length === 0) return;
    lastAck = Math.max(lastAck, now + road.roundTrip / 2 + late());
    at(lastAck, time => {
      let bytes = 0;
      let newest: Frame | undefined;
      for (const _ of sizes) {
        newest = flight.shift();
        bytes += newest?.size ?? 0;
      }
      flightBytes -= bytes;
      pacer.acknowledged(bytes, newest?.stamp, flightBytes, time);
      send(time);
    });
  };
  const arrive = (size: number, asked: boolean, now: number): void => {
    arrived[Math.floor(now / 1000)] = (arrived[Math.floor(now / 1000)] ?? 0) + size;
    received.push(size);
    receivedBytes += size;
    if (asked || received.length >= 8 || receivedBytes >= ACK_BYTES) acknowledge(now);
    else if (ackTimer === Infinity) {
      ackTimer = now + 25;
      at(ackTimer, time => {
        if (ackTimer === time) acknowledge(time);
      });
    }
  };
  const send = (now: number): void => {
    for (;;) {
      const size = pacer.fragment(256 * KIB);
      if (flight.length > 0 && (flightBytes + size > pacer.window || flight.length >= 256)) return;
      const stamp = pacer.sent(now, flight.length === 0, road.shared === true && ++sent % 50 === 0 ? 2 : 0);
      flight.push({ size, stamp });
      flightBytes += size;
      const waiting = Math.max(0, free - now);
      const [second, slot] = [Math.floor(now / 1000), Math.floor(now / 200)];
      peak[second] = Math.max(peak[second] ?? 0, waiting);
      standing[slot] = Math.min(standing[slot] ?? Infinity, waiting);
      free = Math.max(free, now) + size / road.rate(now) + (road.packet ?? 0);
      lastArrival = Math.max(lastArrival, free + road.roundTrip / 2 + late());
      // What is too little for the receiver to answer at once is answered because the sender asks.
      const asked = flightBytes + size > pacer.window && flight.length < 8 && flightBytes < ACK_BYTES;
      at(lastArrival, time => arrive(size, asked, time));
    }
  };
  send(0);
  for (let next = events.shift(); next !== undefined && next.at < ms; next = events.shift()) next.act(next.at);
  const queue = arrived.map((_, second) => Math.max(0, ...standing.slice(5 * second, 5 * second + 5).filter(Number.isFinite)));
  return { arrived, queue, peak, pacer };
}

const worst = (figures: readonly number[]): number => Math.max(...figures);
const sum = (figures: readonly number[]): number => figures.reduce((total, figure) => total + figure, 0);

describe('a road is full and has no long queue', () => {
  test.each([
    ['5 Mbit/s with 30 ms', mbit(5), 30, 0, 150],
    ['5 Mbit/s with 80 ms', mbit(5), 80, 0, 150],
    ['50 Mbit/s with 30 ms', mbit(50), 30, 0, 150],
    ['50 Mbit/s with 80 ms', mbit(50), 80, 0, 150],
    ['250 MiB/s with 1 ms', mib(250), 1, 0, 25],
    ['250 MiB/s with 50 ms', mib(250), 50, 0, 25],
    ['100 MiB/s with 1 ms and jitter', mib(100), 1, 16, 150],
    ['100 MiB/s with 20 ms and jitter', mib(100), 20, 16, 150]
  ])('%s', (_, rate, roundTrip, jitter, queue) => {
    const seen = simulate({ rate: () => rate, roundTrip, jitter }, 32_000);
    // The first two seconds are start-up.
    const [arrived, waited] = [seen.arrived.slice(2), seen.queue.slice(2)];
    expect(sum(arrived) / arrived.length / 1000 / rate).toBeGreaterThanOrEqual(0.9);
    expect(worst(waited)).toBeLessThanOrEqual(queue);
  });

  test.each([
    ['50 Mbit/s with 30 ms', mbit(50), 30],
    ['50 Mbit/s with 80 ms', mbit(50), 80],
    ['250 MiB/s with 50 ms', mib(250), 50]
  ])('%s that drops tenfold and comes back', (_, rate, roundTrip) => {
    const slow = (now: number): boolean => now >= 6_000 && now < 16_000;
    const seen = simulate({ rate: now => (slow(now) ? rate / 10 : rate), roundTrip }, 30_000);
    // Two seconds to find its feet.
    const part = (from: number, to: number, line: number): number => sum(seen.arrived.slice(from, to)) / (to - from) / 1000 / line;
    expect(part(2, 6, rate)).toBeGreaterThanOrEqual(0.9);
    expect(part(8, 16, rate / 10)).toBeGreaterThanOrEqual(0.9);
    expect(part(18, 30, rate)).toBeGreaterThanOrEqual(0.9);
    expect(worst(seen.queue.slice(8, 16))).toBeLessThanOrEqual(150);
    expect(worst(seen.queue.slice(18, 30))).toBeLessThanOrEqual(150);
  });
});

test('where ports share a fast road each waits for less, and the road stays full', () => {
  const road = { rate: () => mib(250), roundTrip: 1, jitter: 8 };
  const [alone, shared] = [simulate(road, 12_000), simulate({ ...road, shared: true }, 12_000)];
  expect(sum(shared.arrived.slice(2)) / 10 / 1000 / mib(250)).toBeGreaterThanOrEqual(0.9);
  expect(worst(shared.peak.slice(2))).toBeLessThanOrEqual(0.6 * worst(alone.peak.slice(2)));
});

test('a slow road is full also where ports share it', () => {
  const seen = simulate({ rate: () => mbit(5), roundTrip: 80, shared: true }, 25_000);
  expect(sum(seen.arrived.slice(2)) / 23 / 1000 / mbit(5)).toBeGreaterThanOrEqual(0.9);
});

describe('where a packet costs more than its bytes', () => {
  test.each([5, 30, 60])('%i ms, fragments grow all the same', packet => {
    const seen = simulate({ rate: () => mib(250), roundTrip: 1, packet }, 35_000);
    expect(sum(seen.arrived.slice(25)) / 10 / 1000).toBeGreaterThanOrEqual((0.7 * 256 * KIB) / (packet + (256 * KIB) / mib(250)));
  });
});
