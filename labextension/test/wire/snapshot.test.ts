import { afterEach, expect, test } from 'vitest';

import type { Bytes } from '../../src/wire/bytes.js';
import type { Carrier, Packet } from '../../src/wire/carriers/base.js';
import { memoryCarriers } from '../../src/wire/carriers/memory.js';
import { Acceptor, Link } from '../../src/wire/index.js';
import { CHUNK_SIZE, reclaim, snapshot } from '../../src/wire/snapshot.js';
import { deferred } from '../support.js';
import { closeAll, closers, spied, take } from './support.js';

afterEach(closeAll);

/** A chunk's worth of one number. */
const filled = (value: number, chunks = 1): ArrayBuffer => new Uint8Array(chunks * CHUNK_SIZE).fill(value).buffer;
const only = (value: number): Bytes => snapshot(filled(value)).chunks[0] as Bytes;
/** Take all chunks that wait, so that a test begins with none. */
const drain = (): Bytes[] => Array.from({ length: 100 }, () => only(0));

test('a chunk that is done with is filled again', () => {
  drain();
  const first = only(1);
  reclaim([first]);
  const second = only(2);
  expect(second.buffer).toBe(first.buffer);
  expect(second.every(byte => byte === 2)).toBe(true);
});

test('a chunk is taken back once, and only if a snapshot made it', () => {
  drain();
  const chunk = only(1);
  const foreign = new Uint8Array(CHUNK_SIZE);
  reclaim([chunk, foreign, chunk]);
  const [one, other] = [only(2), only(3)];
  expect(one.buffer).toBe(chunk.buffer);
  expect(other.buffer).not.toBe(chunk.buffer);
  expect(other.buffer).not.toBe(foreign.buffer);
});

test('no more than a few chunks wait', () => {
  const all = drain();
  reclaim(all);
  const known = new Set(all.map(({ buffer }) => buffer));
  expect(drain().filter(({ buffer }) => known.has(buffer))).toHaveLength(16);
});

test('what arrives is what was sent, when a carrier repeats packets whose chunks hold other bytes by then', async () => {
  const [one, other] = memoryCarriers();
  const limits = { minFragment: CHUNK_SIZE, minWindow: 8 * CHUNK_SIZE };
  const accepted = deferred<Link>();
  new Acceptor({ chunks: link => accepted.resolve(link) }, limits).accept(other);
  const sent: { readonly packet: Packet; readonly first: number | undefined }[] = [];
  let changed = 0;
  const late: Carrier = {
    ...spied(one, () => undefined),
    send: packet => {
      sent.push({ packet, first: packet[1]?.[0] });
      one.send(packet);
      for (const old of sent.splice(0, sent.length - 12)) {
        if (old.packet[1]?.[0] !== old.first) changed++;
        one.send(old.packet);
      }
    }
  };
  const opener = await Link.open(late, { service: 'chunks', limits });
  closers.push(() => opener.end());
  const acceptor = await accepted.promise;
  const count = 100;
  const arrived = take(acceptor.port, count);
  const told = new Promise<void>(resolve => {
    let heard = 0;
    opener.port.onmessage = () => {
      heard++;
      if (heard < count) opener.port.postMessage(new Uint8Array(filled(heard)));
      else resolve();
    };
  });
  acceptor.port.addEventListener('message', () => acceptor.port.postMessage('next'));
  opener.port.postMessage(new Uint8Array(filled(0)));
  const values = (await arrived) as Uint8Array[];
  await told;
  expect(values.map(bytes => [bytes.length, bytes[0], bytes.at(-1)])).toEqual(
    Array.from({ length: count }, (_, at) => [CHUNK_SIZE, at, at])
  );
  expect(changed).toBeGreaterThan(10);
});
