import { afterEach, describe, expect, test, vi } from 'vitest';

import type { Carrier, Packet } from '../../src/wire/carriers/base.js';
import { memoryCarriers } from '../../src/wire/carriers/memory.js';
import { decodePacket, type Frame, FrameType } from '../../src/wire/frame.js';
import { Acceptor, Link } from '../../src/wire/index.js';
import { limitsOf } from '../../src/wire/limits.js';
import { Outbox } from '../../src/wire/link/outbox.js';
import { deferred } from '../support.js';
import { closeAll, closers, spied, take } from './support.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  closeAll();
});

describe('silence', () => {
  /** A link under a clock that is moved by hand, and may jump while nothing runs. */
  async function silent(): Promise<{ opener: Link; pings(): number; sleep(ms: number): void; mute(): void }> {
    vi.useFakeTimers();
    const now = performance.now.bind(performance);
    let slept = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + slept);
    let pings = 0;
    let muted = false;
    const [one, other] = memoryCarriers();
    new Acceptor({ echo: () => undefined }).accept(other);
    const spy = spied(one, packet => (pings += decodePacket(packet).frames.filter(({ type }) => type === FrameType.PING).length));
    const carrier = { ...spy, start: (receive, closed) => one.start(packet => muted || receive(packet), closed) } satisfies Carrier;
    const opening = Link.open(carrier, { service: 'echo' });
    await vi.advanceTimersByTimeAsync(100);
    const opener = await opening;
    closers.push(() => opener.end());
    return { opener, pings: () => pings, sleep: ms => (slept += ms), mute: () => (muted = true) };
  }

  test('that a machine slept through is no reason to give up', async () => {
    const { opener, pings, sleep } = await silent();
    const onend = vi.fn();
    opener.onend = onend;
    sleep(600_000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(pings()).toBeGreaterThan(0);
    expect(onend).not.toHaveBeenCalled();
  });

  test('is asked about first, and ends the link when the question stays unanswered', async () => {
    const { opener, pings, sleep, mute } = await silent();
    const onend = vi.fn();
    opener.onend = onend;
    mute();
    sleep(600_000);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(pings()).toBeGreaterThan(0);
    expect(onend).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(onend).toHaveBeenCalledWith(expect.objectContaining({ code: 'ERR_TIMEOUT' }));
  });
});

describe('sending again', () => {
  test('is of the oldest frame, later each time until one that was sent once is acknowledged', () => {
    vi.useFakeTimers();
    let sent: [seq: number, announced: boolean][] = [];
    const transmit = (frames: readonly Frame[], announce = false): void =>
      void sent.push(...frames.filter(({ type }) => type === FrameType.DATA).map(({ seq }) => [seq, announce] as [number, boolean]));
    const outbox = new Outbox({ maxFrames: 256, fragmentSize: 1_000, transmit }, 1 << 20, limitsOf());
    const after = (ms: number): typeof sent => {
      sent = [];
      vi.advanceTimersByTime(ms);
      return sent;
    };
    const acknowledge = (cumulative: number): void => outbox.acknowledge({ cumulative, window: 1 << 20, missing: [] });
    outbox.message(0, [new Uint8Array(10_000)]);
    outbox.pump();
    expect(after(999)).toEqual([]);
    expect(after(1)).toEqual([[1, true]]);
    expect(after(999)).toEqual([]);
    expect(after(1)).toEqual([[1, true]]);
    // What was sent again says nothing of the round trip; but it is progress, from which the time counts.
    expect(after(500)).toEqual([]);
    acknowledge(1);
    expect(after(999)).toEqual([]);
    expect(after(1)).toEqual([[2, true]]);
    acknowledge(10);
    expect(outbox.idle).toBe(true);
    outbox.stop();
  });

  test('does not happen to what waits in a slow carrier', async () => {
    vi.useFakeTimers();
    const bytesPerMs = 625;
    const [one, other] = memoryCarriers();
    const accepted = deferred<Link>();
    new Acceptor({ ipfs: link => accepted.resolve(link) }).accept(other);
    let free = 0;
    const times = new Map<number, number>();
    const slow = {
      ...spied(one, () => undefined),
      send: (packet: Packet): void => {
        for (const { type, seq } of decodePacket(packet).frames) if (type === FrameType.DATA) times.set(seq, (times.get(seq) ?? 0) + 1);
        free = Math.max(free, performance.now()) + packet.reduce((sum, { byteLength }) => sum + byteLength, 0) / bytesPerMs;
        setTimeout(() => one.send(packet), free - performance.now());
      }
    };
    const opening = Link.open(slow);
    await vi.advanceTimersByTimeAsync(100);
    const opener = await opening;
    closers.push(() => opener.end());
    const received = take((await accepted.promise).port, 1);
    opener.port.postMessage(new Uint8Array(20_000_000));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await received)[0]).toHaveLength(20_000_000);
    expect(Math.max(...times.values())).toBe(1);
  });
});
