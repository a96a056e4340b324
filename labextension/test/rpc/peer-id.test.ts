import { isPeerId as isTheirs } from '@libp2p/interface-peer-id';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { expect, test } from 'vitest';

import { isPeerId, PeerId } from '../../src/rpc/peer-id.js';

const RSA = 'QmSoLnSGccFuZQJzRadHn95W2CrSFmZuTdDWP8HXaHca9z';
const ED25519 = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8';

test.each([
  [RSA, 'RSA', 0x12],
  [ED25519, 'Ed25519', 0x00]
])('%s is a peer ID of type %s', (text, type, code) => {
  const id = new PeerId(text);
  expect([String(id), JSON.stringify(id), `${id}`]).toEqual([text, JSON.stringify(text), text]); // eslint-disable-line @typescript-eslint/restrict-template-expressions -- as pages do
  expect(id.type).toBe(type);
  expect(Digest.decode(id.toBytes()).code).toBe(code);
  expect(isPeerId(id) && isTheirs(id)).toBe(true);
  expect(id.publicKey === undefined).toBe(type === 'RSA');
});

test('a peer ID is the same in every spelling', () => {
  const id = new PeerId(ED25519);
  const name = id.toCID();
  expect(name.code).toBe(0x72);
  for (const same of [ED25519, new PeerId(ED25519), id.toBytes(), new PeerId(String(name))]) expect(id.equals(same)).toBe(true);
  for (const other of [RSA, new PeerId(RSA), null, undefined, 1]) expect(id.equals(other)).toBe(false);
  expect(CID.decode(name.bytes).multihash.bytes).toEqual(id.toBytes());
});

test('what is no peer ID is shown, and only its bytes fail', () => {
  expect(String(new PeerId('nobody'))).toBe('nobody');
  expect(() => new PeerId('nobody').toBytes()).toThrow('is no peer ID');
});
