import { describe, expect, test } from 'vitest';

import { dataCloneError, deserialize, serialize } from '../../src/wire/clone/index.js';
import { decodeMessage, encodeMessage, type WireMessage } from '../../src/wire/message.js';
import { bytesOfHex, haveFixtures, runner, wireFixtures } from '../support.js';

interface MessageCase {
  readonly id: string;
  readonly value?: unknown;
  readonly meta: string;
  readonly buffers: readonly string[];
  readonly portIds?: readonly number[];
  readonly ports?: number;
  readonly blobs?: number;
  readonly encode?: boolean;
  readonly error?: string;
  /** A class that a runtime may lack. */
  readonly requires?: string;
}

interface Values {
  build(described: unknown, context: { ports: Record<string, object> }): unknown;
  describe(value: unknown, options: { ports: Map<object, string> }): Promise<unknown>;
  same(one: unknown, other: unknown): boolean;
}

const all = wireFixtures<MessageCase>('messages.json');
const isLacking = ({ requires }: MessageCase): boolean => requires !== undefined && !(requires in globalThis);
const cases = all.filter(theCase => !isLacking(theCase));

/** The byte stream of a case, in the pieces of its parts. */
function streamOf({ meta, buffers }: MessageCase): Uint8Array<ArrayBuffer>[] {
  const text = new TextEncoder().encode(meta);
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, text.byteLength, true);
  return [size, text, ...buffers.map(bytesOfHex)];
}

/** Objects in the place of ports; Blobs in the place of those behind ports. */
function open(message: WireMessage): { value: unknown; ports: Map<object, string> } {
  const ports = new Map<object, string>();
  const { value } = deserialize(message, {
    port: index => {
      if (index >= message.ports.length) throw outOfRange();
      const port = { port: index };
      ports.set(port, `#${index}`);
      return port;
    },
    blob: index => {
      const entry = message.entries.find(([tag, , , at]) => (tag === 'B' || tag === 'F') && at === index) as [string, string, number];
      if (index >= message.ports.length) throw outOfRange();
      return new Blob([new Uint8Array(entry[2])], { type: entry[1] });
    }
  });
  return { value, ports };
}

function outOfRange(): Error {
  return Object.assign(new Error('out of range'), { code: 'ERR_PROTOCOL' });
}

/** The fixtures give the size of a Blob where the runner gives its bytes. */
function withSizes(described: unknown): unknown {
  return JSON.parse(JSON.stringify(described), (_, part: unknown) => {
    const { t, hex, ...rest } = (part ?? {}) as { t?: string; hex?: string };
    return (t === 'Blob' || t === 'File') && hex !== undefined ? { t, ...rest, size: hex.length / 2 } : part;
  }) as unknown;
}

describe.runIf(haveFixtures)('a message gives its value', () => {
  test.each(cases.filter(({ error }) => error === undefined))('$id', async theCase => {
    const values = await runner<Values>('sc_value.mjs');
    const message = decodeMessage(streamOf(theCase));
    const { value, ports } = open(message);
    expect(withSizes(await values.describe(value, { ports }))).toEqual(theCase.value);
    expect(message.ports).toEqual(theCase.portIds ?? []);
  });
});

describe.runIf(haveFixtures)('a value gives a message that gives it again', () => {
  test.each(cases.filter(({ encode }) => encode))('$id', async theCase => {
    const values = await runner<Values>('sc_value.mjs');
    const transfer = Array.from({ length: theCase.ports ?? 0 }, (_, at) => ({ port: at }));
    const context = { ports: Object.fromEntries(transfer.map((port, at) => [`#${at}`, port])) };
    const serialized = serialize(values.build(theCase.value, context), transfer, {
      refuse: () => null,
      detached: () => false,
      take: () => 0
    });
    const message = decodeMessage(encodeMessage({ ...serialized, ports: theCase.portIds ?? [] }));
    const { value, ports } = open(message);
    expect(await values.describe(value, { ports })).toEqual(theCase.value);
  });
});

describe('a malformed message is a protocol error', () => {
  test.each(cases.filter(({ error }) => error !== undefined))('$id', theCase => {
    expect(() => open(decodeMessage(streamOf(theCase)))).toThrow(expect.objectContaining({ code: theCase.error }));
  });
});

describe('what this runtime has no class for cannot be built, which is no protocol error', () => {
  test.each(all.filter(isLacking))('$id', theCase => {
    expect(() => open(decodeMessage(streamOf(theCase)))).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
  });
});

test('an error that a runtime cannot build is no protocol error', () => {
  const regexp: WireMessage = { root: [0], entries: [['r', '(', '']], buffers: [], ports: [] };
  expect(() => open(regexp)).toThrow(expect.objectContaining({ name: dataCloneError('').name }));
});

test('a thousand long arrays of holes cost next to nothing', () => {
  const entries = Array.from({ length: 1_000 }, () => ['A', 30_000_000, '7', 1]);
  const before = process.memoryUsage().rss;
  const message: WireMessage = { root: [999], entries, buffers: [], ports: [] };
  const { value } = open(message);
  expect((value as unknown[]).length).toBe(30_000_000);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
});
