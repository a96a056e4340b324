import { describe, expect, test } from 'vitest';

import {
  ackBody,
  ackFrame,
  decodePacket,
  encodePacket,
  endBody,
  FIRST,
  type Frame,
  FrameType,
  jsonBody,
  jsonFrame,
  LAST
} from '../../src/wire/frame.js';
import { parseHello, parseRefuse, parseWelcome } from '../../src/wire/link/handshake.js';
import { bytesOfHex, hexOf, wireFixtures } from '../support.js';

interface Described {
  readonly type: keyof typeof FrameType;
  readonly seq?: number;
  readonly port?: number;
  readonly first?: boolean;
  readonly last?: boolean;
  readonly body?: string;
  readonly info?: Record<string, unknown>;
  readonly code?: string;
  readonly message?: string;
  readonly cumulative?: number;
  readonly window?: number;
  readonly missing?: [number, number][];
}

interface PacketCase {
  readonly id: string;
  readonly packet: readonly string[];
  readonly token?: string;
  readonly frames?: readonly Described[];
  readonly canonical?: boolean;
  readonly error?: string;
}

const cases = wireFixtures<PacketCase>('frames.json');
const nameOf = Object.fromEntries(Object.entries(FrameType).map(([name, type]) => [type, name])) as Record<number, keyof typeof FrameType>;

function bodyOf(frame: Frame): Uint8Array {
  return Uint8Array.from(frame.body.flatMap(piece => [...piece]));
}

/** The frame as the fixtures tell it; parses the body as a link does. */
function describeFrame(frame: Frame): Described {
  const { type: number, seq, port, flags } = frame;
  const type = nameOf[number] as keyof typeof FrameType;
  switch (number) {
    case FrameType.HELLO:
      parseHello(frame);
      return { type, info: jsonBody(frame) };
    case FrameType.WELCOME:
      return { type, info: { ...parseWelcome(frame, String(jsonBody(frame)['link'])) } };
    case FrameType.REFUSE:
      parseRefuse(frame);
      return { type, info: jsonBody(frame) };
    case FrameType.DATA:
      return { type, seq, port, first: (flags & FIRST) !== 0, last: (flags & LAST) !== 0, body: hexOf(bodyOf(frame)) };
    case FrameType.CLOSE:
      return { type, seq, port };
    case FrameType.ACK:
      return { type, seq, ...ackBody(frame) } as Described;
    case FrameType.PING:
      return { type, seq };
    case FrameType.END:
      return { type, seq, ...endBody(frame) };
  }
}

/** The frame that the fixtures tell of. */
function frameOf({ type, seq = 0, port = 0, first, last, body = '', info, code, message, cumulative, window, missing }: Described): Frame {
  const number = FrameType[type];
  switch (number) {
    case FrameType.ACK:
      return ackFrame({ cumulative, window, missing } as never, seq);
    case FrameType.END:
      return jsonFrame(number, { code, message } as never, seq);
    case FrameType.HELLO:
    case FrameType.WELCOME:
    case FrameType.REFUSE:
      return jsonFrame(number, info as never);
    default: {
      const flags = (first ? FIRST : 0) | (last ? LAST : 0);
      return { type: number, flags, seq, port, body: body === '' ? [] : [bytesOfHex(body)] };
    }
  }
}

describe('a packet is taken apart', () => {
  test.each(cases.filter(({ frames }) => frames !== undefined))('$id', ({ packet, token, frames }) => {
    const decoded = decodePacket(packet.map(bytesOfHex));
    expect(hexOf(decoded.token)).toBe(token);
    expect(decoded.frames.map(describeFrame)).toEqual(frames);
  });
});

describe('a packet is put together', () => {
  test.each(cases.filter(({ canonical }) => canonical))('$id', ({ packet, token, frames }) => {
    const encoded = encodePacket(bytesOfHex(token ?? ''), (frames ?? []).map(frameOf));
    expect(encoded.map(hexOf)).toEqual(packet);
  });
});

describe('a malformed packet is a protocol error', () => {
  test.each(cases.filter(({ error }) => error !== undefined))('$id', ({ packet, error }) => {
    expect(() => decodePacket(packet.map(bytesOfHex)).frames.map(describeFrame)).toThrow(expect.objectContaining({ code: error }));
  });
});
