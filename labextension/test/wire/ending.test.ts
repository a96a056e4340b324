import { afterEach, describe, expect, test } from 'vitest';

import { LinkError } from '../../src/errors.js';
import { memoryCarriers } from '../../src/wire/carriers/memory.js';
import { decodePacket, encodePacket, FrameType, jsonFrame } from '../../src/wire/frame.js';
import { Acceptor, Link, type Port } from '../../src/wire/index.js';
import { deferred } from '../support.js';
import { closeAll, closers, createPorts, pair, take } from './support.js';

afterEach(closeAll);

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
