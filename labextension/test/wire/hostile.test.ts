import { describe, expect, test } from 'vitest';

import { memoryCarriers } from '../../src/wire/carriers/memory.js';
import {
  ackBody,
  ackFrame,
  decodePacket,
  encodePacket,
  type Frame,
  FrameType,
  jsonFrame,
  pingFrame,
  VERSIONS
} from '../../src/wire/frame.js';
import { Acceptor, type Link } from '../../src/wire/index.js';
import { limitsOf } from '../../src/wire/limits.js';
import { Outbox } from '../../src/wire/link/outbox.js';
import { Ports } from '../../src/wire/link/ports.js';
import { encodeMessage } from '../../src/wire/message.js';
import { Seat } from '../../src/wire/port/seat.js';
import { deferred } from '../support.js';
import { take } from './support.js';

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
