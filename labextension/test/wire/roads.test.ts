import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { LinkError } from '../../src/errors.js';
import { createChannel } from '../../src/testing.js';
import type { Carrier, Packet, ReceivedPacket, Road } from '../../src/wire/carriers/base.js';
import { memoryCarriers } from '../../src/wire/carriers/memory.js';
import { decodePacket, FrameType } from '../../src/wire/frame.js';
import { Acceptor, Link, type Port } from '../../src/wire/index.js';
import { DEFAULT_LIMITS, type Limits, limitsOf } from '../../src/wire/limits.js';
import { deferred } from '../support.js';

const closers: (() => void)[] = [];

afterEach(() => {
  vi.useRealTimers();
  for (const close of closers.splice(0)) close();
});

/** A carrier that can be lost and silenced by hand. */
class Line implements Carrier {
  readonly maxFrames = 256;
  readonly fragmentSize = 256 * 1024;
  readonly sent: number[] = [];
  readonly tellsClose: boolean;
  mute = false;
  closed = false;
  #lose: (error?: Error) => void = () => undefined;

  constructor(
    readonly name: string,
    readonly inner: Carrier
  ) {
    this.tellsClose = inner.tellsClose;
  }

  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void {
    this.#lose = closed;
    this.inner.start(packet => {
      if (!this.mute) receive(packet);
    }, closed);
  }

  send(packet: Packet): void {
    this.sent.push(...decodePacket(packet).frames.map(({ type }) => type));
    if (!this.mute) this.inner.send(packet);
  }

  close(): void {
    this.closed = true;
    this.inner.close();
  }

  lose(error?: Error): void {
    this.mute = true;
    this.#lose(error);
  }
}

interface Net {
  readonly roads: Road[];
  /** Carriers made so far, at the opener, by road. */
  readonly lines: Record<string, Line[]>;
  /** Roads on which nothing gets through. */
  readonly blocked: Set<string>;
  /** The acceptor that carriers lead to. */
  acceptor: Acceptor;
}

function net(names: readonly string[], acceptor: Acceptor, silence = 30): Net {
  const lines: Record<string, Line[]> = {};
  const made: Net = { roads: [], lines, blocked: new Set(), acceptor };
  for (const name of names) {
    lines[name] = [];
    made.roads.push({
      name,
      silence,
      dial: () => {
        const [one, other] = memoryCarriers();
        const line = new Line(name, one);
        line.mute = made.blocked.has(name);
        lines[name]?.push(line);
        made.acceptor.accept(other);
        return line;
      }
    });
  }
  return made;
}

/** A link over roads with an echo at the other end, and what counts how often the service was asked for. */
async function opened(names: readonly string[], limits: Partial<Limits> = {}, block: readonly string[] = []) {
  let services = 0;
  const accepted = deferred<Link>();
  const serve = (link: Link, port: Port): void => {
    services++;
    port.onmessage = event => port.postMessage(event.data);
    accepted.resolve(link);
  };
  const ways = net(names, new Acceptor({ ipfs: serve }, limits));
  for (const name of block) ways.blocked.add(name);
  const link = await Link.open(ways.roads, { limits });
  closers.push(() => link.end());
  return { ...ways, ways, link, acceptorLink: await accepted.promise, services: () => services };
}

/** Send and wait for the echo. */
function echo(port: Port, message: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    port.onmessage = event => resolve(event.data);
    port.onclose = event => reject(event.error ?? new Error('closed'));
    port.postMessage(message);
  });
}

const last = (lines: readonly Line[] | undefined): Line => lines?.at(-1) as Line;

describe('opening over roads', () => {
  test('takes the best one, and never tries another where it answers', async () => {
    const { link, lines } = await opened(['best', 'worse']);
    expect(link.carrier).toBe('best');
    expect(lines['worse']).toHaveLength(0);
  });

  test('takes the next one beside a silent one, and opens one link only', async () => {
    const { link, lines, services } = await opened(['best', 'worse'], {}, ['best']);
    expect(link.carrier).toBe('worse');
    expect(last(lines['best']).sent).toContain(FrameType.HELLO);
    expect(services()).toBe(1);
  });

  test('moves to a better one that answers late, and closes the other without ending the link', async () => {
    const { link, lines, services, acceptorLink } = await opened(['best', 'worse'], {}, ['best']);
    last(lines['best']).mute = false;
    await expect.poll(() => link.carrier, { timeout: 3_000 }).toBe('best');
    expect(last(lines['worse']).closed).toBe(true);
    expect(await echo(link.port, 'hello')).toBe('hello');
    expect(acceptorLink.carrier).toBe('memory');
    expect(services()).toBe(1);
  });

  test('says what became of the roads when none leads on', async () => {
    const road: Road = {
      name: 'gone',
      dial: () => {
        const [one, other] = memoryCarriers();
        other.start(
          () => other.close(),
          () => undefined
        );
        return one;
      }
    };
    await expect(Link.open([road], { timeout: 2_000 })).rejects.toMatchObject({
      code: 'ERR_CARRIER',
      message: expect.stringContaining('closed the carrier')
    });
    const explain = (failures: readonly Error[]): Error => new Error(`tried ${failures.length}`);
    await expect(Link.open([road, road], { timeout: 2_000, explain })).rejects.toThrow('tried 2');
  });
});

describe('a carrier that is lost', () => {
  test('is followed by another, and what was under way arrives, whole and in order', async () => {
    const { link, lines, services } = await opened(['road']);
    const got: number[] = [];
    const all = new Promise<void>(resolve => {
      link.port.onmessage = event => {
        got.push((event.data as Uint8Array).byteLength);
        if (got.length === 30) resolve();
      };
    });
    for (let size = 0; size < 30; size++) link.port.postMessage(new Uint8Array(100_000 + size));
    for (let cut = 0; cut < 3; cut++) {
      const before = lines['road']?.length ?? 0;
      await new Promise(resolve => setTimeout(resolve, 5));
      last(lines['road']).lose(new Error('cut'));
      await expect.poll(() => lines['road']?.length).toBeGreaterThan(before);
    }
    await all;
    expect(got).toEqual(Array.from({ length: 30 }, (_, size) => 100_000 + size));
    expect(services()).toBe(1);
  });

  test('for good ends the link at once', async () => {
    const { link, lines } = await opened(['road']);
    last(lines['road']).lose(new LinkError('the kernel restarted'));
    expect(await link.ended).toMatchObject({ code: 'ERR_CARRIER', message: 'the kernel restarted' });
    expect(lines['road']).toHaveLength(1);
  });

  test('and not replaced in time ends the link at both ends', async () => {
    const { link, acceptorLink, blocked, lines } = await opened(['road'], { resumeWithin: 200 });
    blocked.add('road');
    last(lines['road']).inner.close();
    last(lines['road']).lose(new Error('cut'));
    expect(await link.ended).toMatchObject({ code: 'ERR_CARRIER', message: expect.stringMatching(/resumeWithin.*cut/) });
    expect((await acceptorLink.ended).code).toBe('ERR_CARRIER');
  });

  test('is refused another by an acceptor that does not know the link', async () => {
    const { link, lines, ways } = await opened(['road']);
    ways.acceptor = new Acceptor({ ipfs: () => undefined });
    last(lines['road']).lose(new Error('cut'));
    expect(await link.ended).toMatchObject({ code: 'ERR_GONE', message: expect.stringContaining('restarted') });
  });
});

test('a silent carrier gives way to another road, and is closed', async () => {
  const { link, lines } = await opened(['best', 'worse'], { silenceAfter: 100 });
  last(lines['best']).mute = true;
  expect(await echo(link.port, 'still here')).toBe('still here');
  expect(link.carrier).toBe('worse');
  expect(last(lines['best']).closed).toBe(true);
});

test('a HELLO with the name of a link and another token is refused, and the link goes on', async () => {
  const { link, ways } = await opened(['road']);
  const stolen: Road = {
    name: 'road',
    dial: () => {
      const carrier = ways.roads[0]?.dial() as Carrier;
      return {
        ...carrier,
        name: 'road',
        tellsClose: true,
        maxFrames: 1,
        fragmentSize: 1,
        start: carrier.start.bind(carrier),
        close: carrier.close.bind(carrier),
        send: packet => carrier.send(renamed(packet, link.name))
      };
    }
  };
  await expect(Link.open([stolen])).rejects.toMatchObject({ code: 'ERR_DENIED' });
  expect(await echo(link.port, 1)).toBe(1);
});

/** HELLO with another link's name, which is as long. */
function renamed(packet: Packet, name: string): Packet {
  const [head] = packet as [Uint8Array<ArrayBuffer>];
  const text = Buffer.from(head)
    .toString('latin1')
    .replace(/"link":"[^"]{22}"/, `"link":"${name}"`);
  return [new Uint8Array(Buffer.from(text, 'latin1'))];
}

describe('the end', () => {
  test('is repeated over a carrier that may lose it, without holding up who ended the link', async () => {
    const accepted = deferred<Link>();
    const acceptor = new Acceptor({ ipfs: link => accepted.resolve(link) });
    const [one, other] = memoryCarriers({ corrupt: 1e-9 });
    acceptor.accept(other);
    const line = new Line('road', one);
    const link = await Link.open(line);
    const far = await accepted.promise;
    line.mute = true;
    link.end(new LinkError('enough', { code: 'ERR_LIMIT' }));
    expect((await link.ended).code).toBe('ERR_LIMIT');
    line.mute = false;
    expect(await far.ended).toMatchObject({ code: 'ERR_LIMIT', message: 'enough' });
    await expect.poll(() => line.closed).toBe(true);
  });

  test('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
    const before = vi.getTimerCount();
    const [one, other] = memoryCarriers();
    new Acceptor({ ipfs: () => undefined }).accept(other);
    const link = await Link.open(one);
    link.port.postMessage(new Uint8Array(100_000));
    link.end();
    await link.ended;
    await new Promise(resolve => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(vi.getTimerCount()).toBe(before);
  });

  test('comes to both ends when nothing gets through any more', async () => {
    const limits = { silenceAfter: 50, pingAfter: 100, expireAfter: 300, resumeWithin: 200 };
    const { link, acceptorLink, lines } = await opened(['road'], limits);
    last(lines['road']).mute = true;
    link.port.postMessage('lost');
    // Whoever gives up first closes the carrier, which the other may see before its own time is over.
    const codes = [(await link.ended).code, (await acceptorLink.ended).code];
    expect(codes).toContain('ERR_TIMEOUT');
    expect(['ERR_TIMEOUT', 'ERR_CARRIER']).toEqual(expect.arrayContaining(codes));
  });

  test('comes after a time in which nobody used the link', async () => {
    const { link } = await opened(['road'], { idleAfter: 100, silenceAfter: 50, pingAfter: 60 });
    expect(await link.ended).toMatchObject({ code: 'ERR_TIMEOUT', message: expect.stringContaining('idleAfter') });
  });
});

describe('limits', () => {
  test('have defaults, and take what is set', () => {
    expect(limitsOf()).toEqual(DEFAULT_LIMITS);
    expect(limitsOf({ pingAfter: 5 }).pingAfter).toBe(5);
  });

  test.each([
    [{ pingAfter: 0 }, 'pingAfter'],
    [{ window: 1.5 }, 'window'],
    [{ maxPorts: '7' as never }, 'maxPorts'],
    [{ noSuch: 1 } as never, 'noSuch']
  ])('%j is an error that names it', (limits, name) => {
    expect(() => limitsOf(limits)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_INPUT', message: expect.stringContaining(name) }));
  });
});

test.each([
  [{ maxMeta: 2_000 }, 'x'.repeat(5_000), 'maxMeta'],
  [{ maxMessage: 2_000 }, 'x'.repeat(5_000), 'maxMessage']
])('a message beyond %j ends the link with an error that names the limit', async (limits, message, name) => {
  const { port1, port2 } = createChannel({}, { limits });
  const closed = new Promise<Error | undefined>(resolve => {
    port2.onclose = event => resolve(event.error);
    port2.start();
  });
  port1.postMessage(message);
  expect(await closed).toMatchObject({ code: 'ERR_PROTOCOL', message: expect.stringContaining(name) });
});

describe('whatever a carrier does', () => {
  const probability = fc.constantFrom(0, 0.1, 0.2);
  const faults = fc.record({
    drop: probability,
    duplicate: probability,
    reorder: probability,
    corrupt: fc.constantFrom(0, 0.1),
    truncate: fc.constantFrom(0, 0.1),
    cut: fc.integer({ min: 5, max: 40 }),
    cut_ms: fc.integer({ min: 1, max: 1_000 }),
    cuts: fc.integer({ min: 0, max: 3 }),
    seed: fc.nat()
  });

  test('what was sent arrives within a minute, ports sent through ports included', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(faults, async faults => {
        const { port1, port2 } = createChannel(faults);
        const side = createChannel();
        const got: unknown[] = [];
        const whole = new Promise<void>((resolve, reject) => {
          port2.onclose = event => reject(event.error ?? new Error('closed'));
          port2.onmessage = event => {
            const [inner] = event.ports as unknown as [Port];
            inner.onmessage = ({ data }) => {
              got.push((data as Uint8Array).byteLength);
              if (got.length === 8) resolve();
            };
          };
        });
        port1.postMessage('a port', [side.port2]);
        for (let at = 0; at < 8; at++) side.port1.postMessage(new Uint8Array(20_000 * at));
        const late = new Promise((_, reject) => setTimeout(() => reject(new Error('a minute is over')), 60_000).unref());
        await Promise.race([whole, late]);
        expect(got).toEqual(Array.from({ length: 8 }, (_, at) => 20_000 * at));
        port1.close();
      }),
      { numRuns: 8 }
    );
  });
});
