/** Links in this process, and what the tests of the wire do with them. */

import { createChannel, type Faults } from '../../src/testing.js';
import type { Carrier, Packet } from '../../src/wire/carriers/base.js';
import { memoryCarriers } from '../../src/wire/carriers/memory.js';
import { Acceptor, Link, type Port } from '../../src/wire/index.js';
import { deferred } from '../support.js';

/** What a test leaves to be closed. */
export const closers: (() => void)[] = [];

/** Close what the test has left; for `afterEach`. */
export function closeAll(): void {
  for (const close of closers.splice(0)) close();
}

export interface Pair {
  readonly opener: Link;
  readonly acceptor: Link;
}

/** Two ends of a link in this process. */
export async function pair(spy: (packet: Packet) => void = () => undefined, faults: Faults = {}): Promise<Pair> {
  const [one, other] = memoryCarriers(faults);
  const accepted = deferred<Link>();
  new Acceptor({ echo: link => accepted.resolve(link) }).accept(spied(other, spy));
  const opener = await Link.open(spied(one, spy), { service: 'echo', timeout: 30_000 });
  closers.push(() => opener.end());
  return { opener, acceptor: await accepted.promise };
}

export function spied(carrier: Carrier, spy: (packet: Packet) => void): Carrier {
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
export function take(port: Port, count: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const got: unknown[] = [];
    port.onmessage = event => {
      got.push(event.data);
      if (got.length === count) resolve(got);
    };
    port.onclose = event => reject(event.error ?? new Error('closed'));
  });
}

/** Two ports in this process. */
export function createPorts(): { port1: Port; port2: Port } {
  return createChannel();
}
