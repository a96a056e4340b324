import { mkdtempSync, openAsBlob, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';

import { memoryCarriers } from '../../src/wire/carriers/memory.js';
import { deserialize, serialize } from '../../src/wire/clone/index.js';
import type { Port } from '../../src/wire/index.js';
import { Acceptor, Link } from '../../src/wire/index.js';
import { createChannel } from '../../src/testing.js';
import { unseat } from '../../src/wire/port/port.js';
import { RemoteBlob } from '../../src/wire/port/remote-blob.js';
import type { Message, Seat } from '../../src/wire/port/seat.js';

const MIB = 2 ** 20;
/** The largest that Node 20 has: it fails, or ends, where a position is beyond 32 bits. */
const LARGEST = 4 * 2 ** 30 - 1;
const folder = mkdtempSync(join(tmpdir(), 'blob-'));
const open: { close(): void }[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

afterAll(() => rmSync(folder, { recursive: true }));

const noPorts = { refuse: () => 'none', detached: () => false, take: () => 0 };
const none = { port: () => expect.unreachable(), blob: () => expect.unreachable() };

function messageOf(value: unknown): Message {
  return { ...serialize(value, [], noPorts), resources: [] };
}

/** A file of which the disk holds nothing but its name. */
async function sparse(size: number): Promise<Blob> {
  const path = join(folder, `${size}`);
  writeFileSync(path, 'begins');
  truncateSync(path, size);
  return openAsBlob(path, { type: 'application/x-sparse' });
}

/** The handle that arrives at the other side of a link, as one who passes it on has it. */
async function handle(blob: Blob): Promise<{ remote: RemoteBlob; seat: Seat; main: Port }> {
  const { port1, port2 } = createChannel();
  open.push(port1);
  const seat = unseat(port2) as Seat;
  const message = await new Promise<Message>(resolve => {
    seat.onarrival = () => resolve(seat.queue.shift() as Message);
    port1.postMessage(blob);
  });
  const remote = message.resources.find(resource => resource instanceof RemoteBlob);
  if (remote === undefined) return expect.unreachable();
  return { remote, seat: remote.seat, main: port1 };
}

function arrival(seat: Seat): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const message = seat.queue.shift();
      if (message !== undefined) resolve(deserialize(message, none).value);
      else if (seat.ended !== null) reject(seat.ended.error ?? new Error('closed'));
      else return;
      seat.onarrival = null;
    };
    seat.onarrival = look;
    look();
  });
}

describe('a Blob of 4 GiB', () => {
  test('is read where and as far as its reader asks', async () => {
    const { remote, seat } = await handle(await sparse(LARGEST));
    expect([remote.size, remote.type]).toEqual([LARGEST, 'application/x-sparse']);
    for (const range of [
      [0, 6],
      [LARGEST - 3, LARGEST + 5],
      [2 ** 53 - 5, 2 ** 53 - 1],
      [3 * 2 ** 30, 3 * 2 ** 30 + MIB]
    ])
      seat.partner?.accept(messageOf(range));
    expect(new TextDecoder().decode((await arrival(seat)) as Uint8Array)).toBe('begins');
    expect(await arrival(seat)).toEqual(new Uint8Array(3));
    expect(await arrival(seat)).toEqual(new Uint8Array(0));
    expect(((await arrival(seat)) as Uint8Array).byteLength).toBe(MIB);
    seat.close();
  });

  test('costs no memory, however much its reader asks for before it reads', async () => {
    const blob = await sparse(LARGEST);
    let held = 0;
    let most = 0;
    const real = blob.slice.bind(blob);
    Object.defineProperty(blob, 'slice', {
      value: (start: number, end: number) => {
        held += end - start;
        most = Math.max(most, held);
        return real(start, end);
      }
    });
    const { seat } = await handle(blob);
    const ranges = 40;
    const size = 16 * MIB;
    let asked = 0;
    while (asked < 32) seat.partner?.accept(messageOf([size * asked, size * ++asked]));
    for (let got = 0; got < ranges; got++) {
      expect(((await arrival(seat)) as Uint8Array).byteLength).toBe(size);
      held -= size;
      if (asked < ranges) seat.partner?.accept(messageOf([size * asked, size * ++asked]));
    }
    seat.close();
    // Two in memory of its own, and what the link's window lets be on its way.
    expect(most).toBeLessThan(8 * size);
  }, 60_000);

  test('is let go of when its reader asks for more than it may', async () => {
    const { seat } = await handle(await sparse(LARGEST));
    for (let at = 0; at < 200; at++) seat.partner?.accept(messageOf([0, 16 * MIB]));
    const ending = (async () => {
      for (;;) await arrival(seat);
    })();
    await expect(ending).rejects.toThrow('closed');
  });
});

test.each([[[5, 3]], [[0, 17 * MIB]], ['all'], [[0.5, 1]], [null]])('a request for %j is answered with an error', async range => {
  const { seat } = await handle(new Blob(['abc']));
  seat.partner?.accept(messageOf(range));
  expect(await arrival(seat)).toMatchObject({ error: { name: 'RangeError' } });
  seat.partner?.accept(messageOf([1, 2]));
  expect(await arrival(seat)).toEqual(new Uint8Array([98]));
  seat.close();
});

test('a Blob that is passed on is read through, and not before', async () => {
  const [first, second] = [createChannel(), createChannel()];
  open.push(first.port1, second.port1);
  const blob = new Blob(['through']);
  let reads = 0;
  const real = blob.slice.bind(blob);
  Object.defineProperty(blob, 'slice', { value: (start: number, end: number) => (reads++, real(start, end)) });
  // What stands between the links passes messages on as they are.
  const [here, there] = [unseat(first.port2) as Seat, unseat(second.port1) as Seat];
  first.port1.postMessage({ blob });
  const passed = await new Promise<Message>(resolve => (here.onarrival = () => resolve(here.queue.shift() as Message)));
  expect(reads).toBe(0);
  there.partner?.accept(passed);
  const got = await new Promise<MessageEvent>(resolve => (second.port2.onmessage = resolve));
  expect(await (got.data as { blob: Blob }).blob.text()).toBe('through');
});

test('the Blob of a message that is dropped is let go of', async () => {
  const [one, other] = memoryCarriers({});
  const accepted = new Promise<Port>(resolve => new Acceptor({ test: (_, port) => resolve(port) }).accept(other));
  const { port } = await Link.open(one, { service: 'test' });
  const theirs = await accepted;
  open.push(port);
  port.postMessage({ blob: new Blob(['x']) });
  theirs.close();
  await new Promise<void>(resolve => (port.onclose = () => resolve()));
  expect(port.closed).toBe(true);
});
