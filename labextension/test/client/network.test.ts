/** What the client makes of peers, addresses and topics. */

import { expect, test } from 'vitest';

import { Multiaddr } from '../../src/rpc/multiaddr.js';
import { PeerId } from '../../src/rpc/peer-id.js';
import type { Port } from '../../src/wire/index.js';
import { served } from './support.js';

const PEER = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8';
const ADDRESS = `/ip4/127.0.0.1/tcp/4001/p2p/${PEER}`;

test('identities and addresses are objects', async () => {
  const { ipfs } = served(({ query, answer }) => {
    if (query.method === 'id')
      answer({
        data: { id: PEER, publicKey: 'CAE', addresses: [ADDRESS], agentVersion: '', protocolVersion: '', protocols: [], ephemeral: false }
      });
    else answer({ data: [{ addr: ADDRESS, peer: PEER, latency: '5ms' }] });
  });
  const { id, addresses } = await ipfs.id();
  expect(id).toBeInstanceOf(PeerId);
  expect(addresses.map(String)).toEqual([ADDRESS]);
  const [peer] = await ipfs.swarm.peers({ verbose: true });
  expect([peer?.addr, peer?.peer, peer?.latency]).toEqual([new Multiaddr(ADDRESS), new PeerId(PEER), '5ms']);
});

test('they go out as text, wherever they are given', async () => {
  const inputs: unknown[] = [];
  const { ipfs } = served(({ query, answer }) => {
    inputs.push(query.input);
    answer({ data: undefined });
  });
  await ipfs.swarm.connect(new Multiaddr(ADDRESS));
  await ipfs.id({ peerId: new PeerId(PEER) }).catch(() => undefined);
  await ipfs.resolve(new PeerId(PEER) as never);
  expect(inputs).toEqual([{ addr: ADDRESS }, { peerId: PEER }, { path: PEER }]);
});

test('the API version has its own name', async () => {
  const { ipfs } = served(({ answer }) => answer({ data: { version: '1', repo: '1', commit: '', 'interface-ipfs-core': '0.158.1' } }));
  expect((await ipfs.version())['interface-ipfs-core']).toBe('0.158.1');
});

test('capabilities are told as the node tells them', async () => {
  const told = {
    kind: 'embedded',
    version: '1',
    repoVersion: '1',
    readOnly: false,
    methods: ['cat', 'dag.import'],
    unsupported: [],
    limits: { maxCalls: 5 },
    protocol: 1
  };
  const { ipfs } = served(({ answer }) => answer({ data: told }));
  expect(await ipfs.capabilities()).toEqual(told);
});

/** A node with topics: keeps the handlers' ports, and tells of queries. */
function withTopics(): { ipfs: ReturnType<typeof served>['ipfs']; handlers: Port[]; ended: Promise<void>[]; asked: string[] } {
  const handlers: Port[] = [];
  const ended: Promise<void>[] = [];
  const asked: string[] = [];
  const { ipfs } = served(({ query, answer }) => {
    asked.push(query.method);
    if (query.method === 'subscribe') {
      const { port } = query.input['handler'] as { port: Port };
      ended.push(new Promise(resolve => (port.onclose = () => resolve())));
      port.start();
      handlers.push(port);
    }
    answer({ data: undefined });
  });
  return { ipfs, handlers, ended, asked };
}

test('messages of a topic come after subscribe has returned', async () => {
  const { ipfs, handlers } = withTopics();
  const heard = new Promise(
    resolve =>
      void ipfs.pubsub.subscribe('news', resolve).then(() => {
        handlers[0]?.postMessage([{ topic: 'news', data: Uint8Array.of(1), from: PEER, sequenceNumber: 2n ** 60n }]);
      })
  );
  expect(await heard).toEqual({ topic: 'news', data: Uint8Array.of(1), from: new PeerId(PEER), sequenceNumber: 2n ** 60n });
});

test('one handler is unsubscribed by closing its port, and nothing is asked', async () => {
  const { ipfs, ended, asked, handlers } = withTopics();
  const [first, second] = [() => undefined, () => undefined];
  await ipfs.pubsub.subscribe('news', first);
  await ipfs.pubsub.subscribe('news', second);
  await ipfs.pubsub.unsubscribe('news', first);
  await ended[0];
  expect(handlers.map(port => port.closed)).toEqual([true, false]);
  expect(asked).toEqual(['subscribe', 'subscribe']);
});

test('a topic is unsubscribed by closing all its ports, and the node is asked too', async () => {
  const { ipfs, ended, asked } = withTopics();
  await ipfs.pubsub.subscribe('news', () => undefined);
  await ipfs.pubsub.subscribe('news', () => undefined);
  await ipfs.pubsub.unsubscribe('news');
  await Promise.all(ended);
  expect(asked).toEqual(['subscribe', 'subscribe', 'unsubscribe']);
});

test('closing the client ends what it listened to', async () => {
  const { ipfs, ended } = withTopics();
  await ipfs.pubsub.subscribe('news', () => undefined);
  ipfs.close();
  await Promise.all(ended);
});
