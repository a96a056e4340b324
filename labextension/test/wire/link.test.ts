import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { LinkError } from '../../src/errors.js';
import { createChannel, type Faults } from '../../src/testing.js';
import type { Carrier, Packet } from '../../src/wire/carriers/base.js';
import { memoryCarriers } from '../../src/wire/carriers/memory.js';
import {
  ackBody,
  ackFrame,
  decodePacket,
  encodePacket,
  type Frame,
  FrameType,
  type Hello,
  jsonBody,
  jsonFrame,
  pingFrame,
  VERSIONS
} from '../../src/wire/frame.js';
import { Acceptor, Link, type Port, type Service } from '../../src/wire/index.js';
import { limitsOf } from '../../src/wire/limits.js';
import { Outbox } from '../../src/wire/link/outbox.js';
import { Ports } from '../../src/wire/link/ports.js';
import { encodeMessage } from '../../src/wire/message.js';
import { Seat } from '../../src/wire/port/seat.js';
import { deferred } from '../support.js';

const closers: (() => void)[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const close of closers.splice(0)) close();
});

interface Pair {
  readonly opener: Link;
  readonly acceptor: Link;
}

/** Two ends of a link in this process. */
async function pair(spy: (packet: Packet) => void = () => undefined, faults: Faults = {}): Promise<Pair> {
  const [one, other] = memoryCarriers(faults);
  const accepted = deferred<Link>();
  new Acceptor({ echo: link => accepted.resolve(link) }).accept(spied(other, spy));
  const opener = await Link.open(spied(one, spy), { service: 'echo', timeout: 30_000 });
  closers.push(() => opener.end());
  return { opener, acceptor: await accepted.promise };
}

function spied(carrier: Carrier, spy: (packet: Packet) => void): Carrier {
  const { name, maxFrames, fragmentSize, tellsClose } = carrier;
  return {
    name,
    maxFrames,
    fragmentSize,
    tellsClose,
    start: (receive, closed) => carrier.start(receive, closed),
    send: packet => {
      spy(packet);
      carrier.send(packet);
    },
    close: () => carrier.close()
  };
}

/** The next so many messages of a port. */
function take(port: Port, count: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const got: unknown[] = [];
    port.onmessage = event => {
      got.push(event.data);
      if (got.length === count) resolve(got);
    };
    port.onclose = event => reject(event.error ?? new Error('closed'));
  });
}

/** Send HELLO by hand and give the answer. */
async function answerTo(
  hello: Partial<Hello>,
  services: Record<string, Service> = { ipfs: () => undefined },
  maxLinks = 4
): Promise<Frame> {
  const [one, other] = memoryCarriers();
  new Acceptor(services, { maxLinks }).accept(other);
  const answer = deferred<Frame>();
  one.start(
    packet => answer.resolve(decodePacket(packet).frames[0] as Frame),
    () => undefined
  );
  const whole = {
    versions: VERSIONS,
    link: 'A'.repeat(22),
    carriers: ['memory'],
    service: 'ipfs',
    params: {},
    agent: 'test/1',
    window: 1 << 20
  };
  one.send(encodePacket(new Uint8Array(16), [jsonFrame(FrameType.HELLO, { ...whole, ...hello })]));
  closers.push(() => one.close());
  return answer.promise;
}

describe('opening', () => {
  test('a version that nobody speaks is refused with what to upgrade', async () => {
    const answer = await answerTo({ versions: [99], agent: 'ipfs-comm/9.9.9' });
    expect(answer.type).toBe(FrameType.REFUSE);
    expect(jsonBody(answer)).toMatchObject({
      code: 'ERR_VERSION',
      message: expect.stringMatching(/older.*pip install --upgrade ipfs-comm/),
      versions: [1]
    });
  });

  test('the highest common version is taken', async () => {
    expect(jsonBody(await answerTo({ versions: [99, 1] }))).toMatchObject({ version: 1 });
  });

  test('a service that is not there is refused', async () => {
    expect(jsonBody(await answerTo({ service: 'tea' }))).toMatchObject({ code: 'ERR_SERVICE' });
  });

  test('a link beyond the limit is refused', async () => {
    expect(jsonBody(await answerTo({}, { ipfs: () => undefined }, 0))).toMatchObject({ code: 'ERR_LIMIT' });
  });

  test('a refusal rejects with the code and message of the other end', async () => {
    const [one, other] = memoryCarriers();
    new Acceptor({}).accept(other);
    await expect(Link.open(one, { service: 'tea' })).rejects.toMatchObject({
      code: 'ERR_SERVICE',
      message: expect.stringContaining('tea')
    });
  });

  test('silence is an error when the time is up', async () => {
    const [one] = memoryCarriers();
    await expect(Link.open(one, { timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  test('an abort ends the opening with its reason', async () => {
    const [one] = memoryCarriers();
    const controller = new AbortController();
    const opening = Link.open(one, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
  });

  test('a lost HELLO is repeated', async () => {
    let lost = 0;
    const [one, other] = memoryCarriers();
    new Acceptor({ ipfs: () => undefined }).accept(other);
    const lossy = { ...spied(one, () => undefined), send: (packet: Packet) => (lost++ === 0 ? undefined : one.send(packet)) };
    const link = await Link.open(lossy);
    closers.push(() => link.end());
    expect(link.agent).toMatch(/^ipfs-comm\//);
  });

  test('parameters reach the service', async () => {
    const [one, other] = memoryCarriers();
    const got = deferred<unknown>();
    new Acceptor({ ipfs: (_, __, params) => got.resolve(params) }).accept(other);
    const link = await Link.open(one, { params: { cell: 'x' } });
    closers.push(() => link.end());
    expect(await got.promise).toEqual({ cell: 'x' });
  });
});

describe('ending', () => {
  test('when the last port is closed both ends are over in order', async () => {
    const { opener, acceptor } = await pair();
    opener.port.close();
    expect((await opener.ended).code).toBe('ERR_CLOSED');
    expect((await acceptor.ended).code).toBe('ERR_CLOSED');
  });

  test('a port that both ends close at once is told closed by both, what is queued before it too', async () => {
    const closes: string[] = [];
    const { opener, acceptor } = await pair(packet => {
      const { token, frames } = decodePacket(packet);
      for (const { type, port } of frames)
        if (type === FrameType.CLOSE) closes.push(`${port} by ${token.byteLength > 0 ? 'opener' : 'acceptor'}`);
    });
    const { port1: mine, port2 } = createPorts();
    const arrival = new Promise<Port>(resolve => (acceptor.port.onmessage = event => resolve(event.ports[0] as unknown as Port)));
    opener.port.postMessage(null, [port2]);
    const theirs = await arrival;
    // More than the window: CLOSE waits behind it.
    mine.postMessage(new Uint8Array(40_000_000));
    mine.close();
    theirs.close();
    await expect.poll(() => closes, { timeout: 10_000 }).toEqual(['2 by acceptor', '2 by opener']);
  });

  test('an error given to end() reaches the ports of the other end', async () => {
    const { opener, acceptor } = await pair();
    const closed = new Promise<Error | undefined>(resolve => {
      acceptor.port.onclose = event => resolve(event.error);
      acceptor.port.start();
    });
    opener.end(new LinkError('no more', { code: 'ERR_LIMIT' }));
    expect(await closed).toMatchObject({ code: 'ERR_LIMIT', message: 'no more' });
  });

  test('a carrier that is gone closes the ports with ERR_CARRIER', async () => {
    const [one, other] = memoryCarriers();
    new Acceptor({ ipfs: () => undefined }).accept(other);
    const link = await Link.open(one);
    const closed = new Promise<Error | undefined>(resolve => {
      link.port.onclose = event => resolve(event.error);
      link.port.start();
    });
    other.close();
    expect(await closed).toMatchObject({ code: 'ERR_CARRIER' });
    expect(link.port.error).toMatchObject({ code: 'ERR_CARRIER' });
  });

  test('a malformed packet ends the link at both ends', async () => {
    const [one, other] = memoryCarriers();
    const accepted = deferred<Link>();
    new Acceptor({ ipfs: link => accepted.resolve(link) }).accept(other);
    const link = await Link.open(one);
    other.send([Uint8Array.of(1, 2, 3, 4)]);
    expect((await link.ended).code).toBe('ERR_PROTOCOL');
    expect((await (await accepted.promise).ended).code).toBe('ERR_PROTOCOL');
  });

  test('a packet with another token is dropped', async () => {
    const [one, other] = memoryCarriers();
    const accepted = deferred<Link>();
    new Acceptor({ ipfs: link => accepted.resolve(link) }).accept(other);
    const link = await Link.open(one);
    closers.push(() => link.end());
    one.send(encodePacket(new Uint8Array(16), [jsonFrame(FrameType.END, { code: 'ERR_CLOSED', message: 'from a stranger' })]));
    link.port.postMessage('still here');
    expect(await take((await accepted.promise).port, 1)).toEqual(['still here']);
  });
});

describe('hostile frames', () => {
  /** A link whose opener is this test. */
  async function attacked(): Promise<{ send(...frames: Frame[]): void; link: Link; answers: Frame[] }> {
    const [one, other] = memoryCarriers();
    const accepted = deferred<Link>();
    new Acceptor({ ipfs: link => accepted.resolve(link) }).accept(other);
    const answers: Frame[] = [];
    one.start(
      packet => answers.push(...decodePacket(packet).frames),
      () => undefined
    );
    const send = (...frames: Frame[]): void => one.send(encodePacket(new Uint8Array(16), frames));
    const hello = { versions: VERSIONS, link: 'A'.repeat(22), carriers: [], service: 'ipfs', params: {}, agent: 'test/1', window: 1 << 20 };
    send(jsonFrame(FrameType.HELLO, hello));
    return { send, link: await accepted.promise, answers };
  }

  const data = (seq: number, flags: number, body: readonly number[], port = 0): Frame => ({
    type: FrameType.DATA,
    flags,
    seq,
    port,
    body: body.length === 0 ? [] : [Uint8Array.from(body)]
  });

  test.each([
    ['a fragment that continues nothing', [data(1, 2, [1])]],
    ['a second beginning of a message', [data(1, 1, [1]), data(2, 1, [1])]],
    ['a frame for a port that no message told of', [data(1, 3, [1], 2)]],
    ['a frame for a port that this end never made', [data(1, 3, [1], 1)]],
    ['a message that is none', [data(1, 3, [1, 2, 3])]],
    ['an empty message', [data(1, 3, [])]],
    ['a message after CLOSE', [{ type: FrameType.CLOSE, flags: 0, seq: 1, port: 0, body: [] }, data(2, 3, [1])]],
    ['WELCOME from the opener', [jsonFrame(FrameType.WELCOME, { version: 1, link: 'A'.repeat(22), carrier: 'x', agent: 'x', window: 1 })]]
  ])('%s ends the link', async (_, frames) => {
    const { send, link } = await attacked();
    const keeper = link.port;
    keeper.start();
    send(...frames);
    expect((await link.ended).code).toMatch(/^ERR_(PROTOCOL|CLOSED)$/);
  });

  test('an acknowledgement of what was never sent ends the link', async () => {
    const { send, link } = await attacked();
    send(ackFrame({ cumulative: 9, window: 1 << 20, missing: [] }, 0));
    expect((await link.ended).code).toBe('ERR_PROTOCOL');
  });

  test('a PING is answered with what is missing of the frames that it tells of', async () => {
    const { send, link, answers } = await attacked();
    send(pingFrame(3));
    await expect.poll(() => answers.filter(({ type }) => type === FrameType.ACK).map(ackBody)).toMatchObject([{ missing: [[1, 3]] }]);
    link.end();
  });

  test('messages that CLOSE cuts off do not count as unfinished for good', () => {
    const ignore = (): void => undefined;
    const limits = limitsOf();
    const outbox = new Outbox({ maxFrames: 256, fragmentSize: 1 << 18, transmit: ignore }, 1 << 20, limits);
    const ports = new Ports({ link: 'l', limits, outbox, pump: ignore, idle: ignore, fail: ignore }, 1);
    ports.main(new Seat());
    const ids = [2, 4, 6, 8, 10, 12];
    ports.deliver({ ...data(1, 3, []), body: encodeMessage({ root: null, entries: [], buffers: [], ports: ids }) });
    // A GiB each, of the same bytes.
    const body = new Array<Uint8Array<ArrayBuffer>>(64).fill(new Uint8Array(1 << 24));
    for (const port of ids) {
      ports.deliver({ ...data(2, 1, [], port), body });
      expect(() => ports.deliver({ type: FrameType.CLOSE, flags: 0, seq: 3, port, body: [] })).not.toThrow();
    }
    outbox.stop();
  });

  test('a message in pieces of one byte is put together', async () => {
    const { send, link } = await attacked();
    const text = 'x'.repeat(9_000);
    const meta = new TextEncoder().encode(JSON.stringify([text, [], [], []]));
    const stream = [...new Uint8Array(Uint32Array.of(meta.byteLength).buffer), ...meta];
    const received = take(link.port, 1);
    stream.forEach((byte, at) => send(data(at + 1, (at === 0 ? 1 : 0) | (at === stream.length - 1 ? 2 : 0), [byte])));
    expect(await received).toEqual([text]);
    link.end();
  });
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

test('a page that is hidden acknowledges in the same task, without a timer', async () => {
  vi.stubGlobal('document', { hidden: true });
  try {
    let acks = 0;
    const { opener, acceptor } = await pair(packet => {
      const { token, frames } = decodePacket(packet);
      if (token.byteLength === 0) acks += frames.filter(({ type }) => type === FrameType.ACK).length;
    });
    opener.port.postMessage('hello');
    acceptor.port.onmessage = () => expect(acks).toBe(1);
    await take(acceptor.port, 1);
    expect(acks).toBe(1);
  } finally {
    vi.unstubAllGlobals();
  }
});

describe('packets', () => {
  test('every buffer that a carrier gets covers its ArrayBuffer', async () => {
    const inexact: number[] = [];
    const { opener, acceptor } = await pair(packet => {
      for (const buffer of packet) if (buffer.byteLength !== buffer.buffer.byteLength) inexact.push(buffer.byteLength);
    });
    const large = new Uint8Array(3_000_001);
    opener.port.postMessage([large, large.subarray(5, 70_000), Uint8Array.of(1)]);
    opener.port.postMessage(new Uint8Array(700_000), [new ArrayBuffer(9)]);
    const moved = new Uint8Array(1_500_000);
    opener.port.postMessage(moved, [moved.buffer]);
    await take(acceptor.port, 3);
    expect(inexact).toEqual([]);
  });

  test('a message of many small buffers makes few segments', async () => {
    let most = 0;
    const { opener, acceptor } = await pair(packet => (most = Math.max(most, packet.length)));
    opener.port.postMessage(Array.from({ length: 20_000 }, (_, at) => Uint8Array.of(at)));
    const [received] = (await take(acceptor.port, 1)) as [Uint8Array[]];
    expect(received).toHaveLength(20_000);
    expect(received[300]).toEqual(Uint8Array.of(300));
    expect(most).toBeLessThan(200);
  });

  test('messages of one turn share a packet', async () => {
    let packets = 0;
    const { opener, acceptor } = await pair(packet => {
      if (decodePacket(packet).frames.some(({ type }) => type === FrameType.DATA)) packets++;
    });
    for (let at = 0; at < 50; at++) opener.port.postMessage(at);
    await take(acceptor.port, 50);
    expect(packets).toBe(1);
  });

  test('a small message does not wait for a large one on another port', async () => {
    const { opener, acceptor } = await pair();
    const { port1, port2 } = createPorts();
    const arrived: string[] = [];
    const done = new Promise<void>(resolve => {
      acceptor.port.onmessage = event => {
        const [side] = event.ports as unknown as [Port | undefined];
        if (side) side.onmessage = () => arrived.push('small');
        else {
          arrived.push('large');
          resolve();
        }
      };
    });
    opener.port.postMessage('port', [port2]);
    opener.port.postMessage(new Uint8Array(100_000_000));
    port1.postMessage('small');
    await done;
    expect(arrived).toEqual(['small', 'large']);
  });
});

function createPorts(): { port1: Port; port2: Port } {
  return createChannel();
}

describe('whatever a carrier does', () => {
  const probability = fc.constantFrom(0, 0.05, 0.1);
  const faults = fc.record({
    drop: probability,
    duplicate: probability,
    reorder: probability,
    corrupt: probability,
    truncate: fc.constantFrom(0, 0.05),
    delay: fc.constantFrom(0, 3),
    seed: fc.nat()
  });
  const sizes = fc.array(fc.oneof(fc.nat(5_000), fc.integer({ min: 200_000, max: 900_000 })), { minLength: 1, maxLength: 12 });

  test('all messages arrive, whole and in order', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(faults, sizes, async (faults, sizes) => {
        const { port1, port2 } = createChannel(faults);
        const sent = sizes.map((size, at) => ({ at, bytes: new Uint8Array(size).fill(at + 1) }));
        const received = take(port2, sent.length);
        for (const message of sent) port1.postMessage(message);
        const got = (await received) as typeof sent;
        expect(got.map(({ at }) => at)).toEqual(sent.map(({ at }) => at));
        expect(got.every(({ bytes }, at) => Buffer.compare(bytes, (sent[at] as { bytes: Uint8Array }).bytes) === 0)).toBe(true);
        port1.close();
      }),
      { numRuns: 12 }
    );
  });

  test('cuts that heal cost nothing but time', async () => {
    const { port1, port2 } = createChannel({ cut: 6, cut_ms: 700, cuts: 3 });
    const received = take(port2, 40);
    for (let at = 0; at < 40; at++) port1.postMessage({ at, bytes: new Uint8Array(100_000) });
    expect((await received).map(message => (message as { at: number }).at)).toEqual(Array.from({ length: 40 }, (_, at) => at));
    port1.close();
  });
});
