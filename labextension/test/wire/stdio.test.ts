import fc from 'fast-check';
import { expect, test } from 'vitest';

import { connectProcess } from '../../src/testing.js';
import { PacketParser, StdioCarrier } from '../../src/wire/carriers/stdio.js';

const never = { on: () => undefined };

/** The bytes that a carrier writes for packets. */
function written(packets: readonly Uint8Array<ArrayBuffer>[][]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const carrier = new StdioCarrier(never, { write: chunk => chunks.push(chunk), end: () => undefined, on: () => undefined });
  for (const packet of packets) carrier.send(packet);
  return Buffer.concat(chunks);
}

test('packets come out as they went in, however the stream is cut', () => {
  const bytes = fc.uint8Array({ maxLength: 50 }).map(array => new Uint8Array(array));
  const packets = fc.array(fc.array(bytes, { minLength: 1, maxLength: 5 }), { maxLength: 8 });
  fc.assert(
    fc.property(packets, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (packets, cuts) => {
      const stream = written(packets);
      const parser = new PacketParser();
      const got: Uint8Array[][] = [];
      for (let at = 0, turn = 0; at < stream.byteLength; turn++) {
        const size = cuts[turn % cuts.length] as number;
        got.push(...parser.push(stream.subarray(at, at + size)));
        at += size;
      }
      expect(got.map(packet => packet.map(buffer => [...buffer]))).toEqual(packets.map(packet => packet.map(buffer => [...buffer])));
    })
  );
});

test.each([
  ['no buffers', [0]],
  ['too many buffers', [1025]],
  ['too many bytes', [1, 64 * 1024 * 1024 + 1]]
])('a packet of %s is a protocol error', (_, numbers) => {
  const stream = new Uint8Array(Uint32Array.from(numbers).buffer);
  expect(() => [...new PacketParser().push(stream)]).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
});

test('a program that ends says its last words in the error', async () => {
  const dying = connectProcess({ command: process.execPath, args: ['-e', 'console.error("no node here"); process.exit(3)'] });
  await expect(dying).rejects.toThrow(/status 3[^]*no node here/);
});

test('a program that is not there is an error that names it', async () => {
  await expect(connectProcess({ command: 'no-such-program-here' })).rejects.toThrow('no-such-program-here');
});

test('a program that never answers is given up', async () => {
  const silent = connectProcess({ command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], timeout: 300 });
  await expect(silent).rejects.toMatchObject({ message: expect.stringContaining('no answer to HELLO') });
});
