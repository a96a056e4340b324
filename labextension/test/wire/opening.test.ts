import { afterEach, describe, expect, test } from 'vitest';

import type { Packet } from '../../src/wire/carriers/base.js';
import { memoryCarriers } from '../../src/wire/carriers/memory.js';
import { decodePacket, encodePacket, type Frame, FrameType, type Hello, jsonBody, jsonFrame, VERSIONS } from '../../src/wire/frame.js';
import { Acceptor, Link, type Service } from '../../src/wire/index.js';
import { deferred } from '../support.js';
import { closeAll, closers, spied } from './support.js';

afterEach(closeAll);

/** Send HELLO by hand and give the answer. */
async function answerTo(
  hello: Partial<Hello>,
  services: Record<string, Service> = { ipfs: () => undefined },
  maxLinks = 4
): Promise<Frame> {
  const [one, other] = memoryCarriers();
  new Acceptor(services, { maxLinks }).accept(other);
  const answer = deferred<Frame>();
  one.start(
    packet => answer.resolve(decodePacket(packet).frames[0] as Frame),
    () => undefined
  );
  const whole = {
    versions: VERSIONS,
    link: 'A'.repeat(22),
    carriers: ['memory'],
    service: 'ipfs',
    params: {},
    agent: 'test/1',
    window: 1 << 20
  };
  one.send(encodePacket(new Uint8Array(16), [jsonFrame(FrameType.HELLO, { ...whole, ...hello })]));
  closers.push(() => one.close());
  return answer.promise;
}

describe('opening', () => {
  test('a version that nobody speaks is refused with what to upgrade', async () => {
    const answer = await answerTo({ versions: [99], agent: 'ipfs-comm/9.9.9' });
    expect(answer.type).toBe(FrameType.REFUSE);
    expect(jsonBody(answer)).toMatchObject({
      code: 'ERR_VERSION',
      message: expect.stringMatching(/older.*pip install --upgrade ipfs-comm/),
      versions: [1]
    });
  });

  test('the highest common version is taken', async () => {
    expect(jsonBody(await answerTo({ versions: [99, 1] }))).toMatchObject({ version: 1 });
  });

  test('a service that is not there is refused', async () => {
    expect(jsonBody(await answerTo({ service: 'tea' }))).toMatchObject({ code: 'ERR_SERVICE' });
  });

  test('a link beyond the limit is refused', async () => {
    expect(jsonBody(await answerTo({}, { ipfs: () => undefined }, 0))).toMatchObject({ code: 'ERR_LIMIT' });
  });

  test('a refusal rejects with the code and message of the other end', async () => {
    const [one, other] = memoryCarriers();
    new Acceptor({}).accept(other);
    await expect(Link.open(one, { service: 'tea' })).rejects.toMatchObject({
      code: 'ERR_SERVICE',
      message: expect.stringContaining('tea')
    });
  });

  test('silence is an error when the time is up', async () => {
    const [one] = memoryCarriers();
    await expect(Link.open(one, { timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  test('an abort ends the opening with its reason', async () => {
    const [one] = memoryCarriers();
    const controller = new AbortController();
    const opening = Link.open(one, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
  });

  test('a lost HELLO is repeated', async () => {
    let lost = 0;
    const [one, other] = memoryCarriers();
    new Acceptor({ ipfs: () => undefined }).accept(other);
    const lossy = { ...spied(one, () => undefined), send: (packet: Packet) => (lost++ === 0 ? undefined : one.send(packet)) };
    const link = await Link.open(lossy);
    closers.push(() => link.end());
    expect(link.agent).toMatch(/^ipfs-comm\//);
  });

  test('parameters reach the service', async () => {
    const [one, other] = memoryCarriers();
    const got = deferred<unknown>();
    new Acceptor({ ipfs: (_, __, params) => got.resolve(params) }).accept(other);
    const link = await Link.open(one, { params: { cell: 'x' } });
    closers.push(() => link.end());
    expect(await got.promise).toEqual({ cell: 'x' });
  });
});
