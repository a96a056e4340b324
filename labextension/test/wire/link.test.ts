import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { createChannel } from '../../src/testing.js';
import { decodePacket, FrameType } from '../../src/wire/frame.js';
import type { Port } from '../../src/wire/index.js';
import { closeAll, createPorts, pair, take } from './support.js';

afterEach(closeAll);

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

  test('what the messages of one packet are answered with goes in few', async () => {
    let answers = 0;
    const { opener, acceptor } = await pair(packet => {
      const { token, frames } = decodePacket(packet);
      if (token.byteLength === 0 && frames.some(({ type }) => type === FrameType.DATA)) answers++;
    });
    acceptor.port.onmessage = ({ data }) => acceptor.port.postMessage(data);
    for (let at = 0; at < 50; at++) opener.port.postMessage(at);
    expect(await take(opener.port, 50)).toEqual(Array.from({ length: 50 }, (_, at) => at));
    expect(answers).toBeLessThan(25);
  });

  test('an answer does not wait for messages whose handling takes long', async () => {
    const sent: number[] = [];
    let handled = 0;
    const { opener, acceptor } = await pair(packet => {
      const { token, frames } = decodePacket(packet);
      if (token.byteLength === 0 && frames.some(({ type }) => type === FrameType.DATA)) sent.push(handled);
    });
    acceptor.port.onmessage = ({ data }) => {
      acceptor.port.postMessage(data);
      for (const until = performance.now() + 3; performance.now() < until;);
      handled++;
    };
    for (let at = 0; at < 20; at++) opener.port.postMessage(at);
    await take(opener.port, 20);
    expect(sent[0]).toBe(1);
    expect(sent.length).toBeGreaterThan(10);
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

  test.each([
    [
      'of thirty packets in a hundred being lost',
      { drop: 0.15, corrupt: 0.075, truncate: 0.07, duplicate: 0.3, reorder: 0.3, delay: 3, seed: 7 }
    ],
    ['of cuts that heal within five seconds', { cut: 12, cut_ms: 4_900, cuts: 2, seed: 7 }]
  ])('all of it arrives within a minute at the edge %s', { timeout: 60_000 }, async (_, faults) => {
    const { port1, port2 } = createChannel(faults);
    const received = take(port2, 60);
    for (let at = 0; at < 60; at++) port1.postMessage({ at, bytes: new Uint8Array(100_000).fill(at) });
    const got = (await received) as { at: number; bytes: Uint8Array }[];
    expect(got.map(({ at, bytes }) => [at, bytes.every(byte => byte === at)])).toEqual(Array.from({ length: 60 }, (_, at) => [at, true]));
    port1.close();
  });

  test('cuts that heal cost nothing but time', async () => {
    const { port1, port2 } = createChannel({ cut: 6, cut_ms: 700, cuts: 3 });
    const received = take(port2, 40);
    for (let at = 0; at < 40; at++) port1.postMessage({ at, bytes: new Uint8Array(100_000) });
    expect((await received).map(message => (message as { at: number }).at)).toEqual(Array.from({ length: 40 }, (_, at) => at));
    port1.close();
  });
});
