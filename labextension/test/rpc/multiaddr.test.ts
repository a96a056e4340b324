import { isMultiaddr, multiaddr } from '@multiformats/multiaddr';
import { describe, expect, test } from 'vitest';

import { Multiaddr } from '../../src/rpc/multiaddr.js';

const RSA = 'QmSoLnSGccFuZQJzRadHn95W2CrSFmZuTdDWP8HXaHca9z';
const ED25519 = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8';
const ADDRESSES = [
  `/ip4/104.236.176.52/tcp/4001/p2p/${RSA}`,
  `/dnsaddr/bootstrap.libp2p.io/p2p/${ED25519}`,
  `/ip6/2001:db8::1/udp/4001/quic-v1/p2p/${ED25519}`,
  '/ip6/::/tcp/0',
  '/ip6/::1/tcp/65535/ws',
  '/ip6/1:2:3:4:5:6:7:8/tcp/1',
  '/ip6zone/eth0/ip6/fe80::1/tcp/4001',
  '/dns4/example.com/tcp/443/tls/sni/example.com/ws',
  `/ip4/127.0.0.1/tcp/4001/p2p/${RSA}/p2p-circuit/p2p/${ED25519}`,
  '/ip4/1.2.3.4/udp/4001/quic-v1/webtransport/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g',
  '/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234',
  '/unix/tmp/p2p.sock'
];

describe.each(ADDRESSES)('%s', address => {
  const ours = new Multiaddr(address);
  const theirs = multiaddr(address);

  test('has the bytes that @multiformats/multiaddr gives it', () => {
    expect(ours.bytes).toEqual(theirs.bytes);
  });

  test('says the same of itself', () => {
    expect(ours.toString()).toBe(address);
    expect(JSON.stringify(ours)).toBe(JSON.stringify(theirs));
    expect(ours.getPeerId()).toBe(theirs.getPeerId());
    expect(ours.protoNames()).toEqual(theirs.protoNames());
    expect(ours.equals(new Multiaddr(address))).toBe(true);
  });

  test('is taken for one, and made one', () => {
    expect(isMultiaddr(ours)).toBe(true);
    expect(multiaddr(ours as never).toString()).toBe(theirs.toString());
  });
});

test('what is enumerated of it is what is enumerated of the other', () => {
  const listed = (value: object): string[] => {
    const names: string[] = [];
    for (const name in value) names.push(name);
    return names;
  };
  const address = ADDRESSES[0] as string;
  expect(listed(new Multiaddr(address))).toEqual(listed(multiaddr(address)));
  expect(Object.getOwnPropertySymbols(new Multiaddr(address))).toEqual(Object.getOwnPropertySymbols(multiaddr(address)));
});

test.each([
  ['/ip4/127.0.0.1/tcp/4001', { family: 4, address: '127.0.0.1', port: 4001 }],
  ['/ip6/::1/udp/4001/quic-v1', { family: 6, address: '::1', port: 4001 }],
  ['/ip6zone/eth0/ip6/fe80::1/tcp/4001', { family: 6, address: 'fe80::1%eth0', port: 4001 }],
  ['/dns6/example.com/tcp/80', { family: 6, address: 'example.com', port: 80 }],
  [`/dnsaddr/example.com/p2p/${ED25519}`, { family: 4, address: 'example.com', port: 443 }]
])('%s begins with a host and a port', (address, expected) => {
  expect(new Multiaddr(address).nodeAddress()).toEqual(expected);
});

test.each(['/unix/tmp/p2p.sock', '/ip4/127.0.0.1', `/p2p/${ED25519}`])('%s does not', address => {
  expect(() => new Multiaddr(address).nodeAddress()).toThrow(/does not begin with a host and a port/);
});

test('an IPv4 address may end an IPv6 address', () => {
  expect(new Multiaddr('/ip6/::ffff:1.2.3.4').bytes).toEqual(multiaddr('/ip6/::ffff:102:304').bytes);
});

test('a network is an address and the length of its prefix', () => {
  expect([...new Multiaddr('/ip4/10.0.0.0/ipcidr/8').bytes]).toEqual([4, 10, 0, 0, 0, 43, 8]);
});

test('the older name of a peer is read', () => {
  expect(new Multiaddr(`/ip4/1.2.3.4/tcp/1/ipfs/${RSA}`).bytes).toEqual(multiaddr(`/ip4/1.2.3.4/tcp/1/p2p/${RSA}`).bytes);
});

test('addresses are put together and taken apart', () => {
  const inner = new Multiaddr('/ip4/1.2.3.4/tcp/80');
  expect(inner.encapsulate('/ws').toString()).toBe('/ip4/1.2.3.4/tcp/80/ws');
  expect(inner.encapsulate('/ws').decapsulate('/tcp').toString()).toBe('/ip4/1.2.3.4');
  expect(inner.stringTuples()).toEqual([
    [4, '1.2.3.4'],
    [6, '80']
  ]);
  expect(() => inner.decapsulate('/ws')).toThrow('does not contain');
});

test('a protocol of tomorrow is shown, and only taking it apart fails', () => {
  const address = new Multiaddr('/ip4/1.2.3.4/warp/9');
  expect(address.toString()).toBe('/ip4/1.2.3.4/warp/9');
  expect(() => address.bytes).toThrow('"warp" is not known');
});

test.each([
  '/ip4/1.2.3',
  '/ip4/1.2.3.256/tcp/1',
  '/tcp/65536',
  '/tcp/x',
  '/ip6/1::2::3',
  '/ip6/12345::',
  '/ip6/1:2:3',
  '/tcp',
  '/p2p/nothing',
  '/constructor/1'
])('%s has no bytes', wrong => {
  expect(() => new Multiaddr(wrong).bytes).toThrow();
});
