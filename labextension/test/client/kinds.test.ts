import { describe, expect, test } from 'vitest';

import { METHODS, RECORDS } from '../../src/client/table.js';
import { CID, encodeCID } from '../../src/rpc/cid.js';
import { decode, encode, type Encoding } from '../../src/rpc/kinds.js';
import { Transport } from '../../src/rpc/transport.js';
import { createChannel } from '../../src/testing.js';
import { cid, open } from './support.js';

const v0 = CID.parse('QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX');
const bytes = Uint8Array.of(1, 2, 3);
const foreign = { version: 1, code: cid.code, bytes: cid.bytes, multihash: { ...cid.multihash } };

function encoding(): Encoding {
  const { port1, port2 } = createChannel();
  open.push(port1, port2);
  return { transport: new Transport(port1), records: RECORDS, transfer: [], releases: [], settling: [] };
}

/** What a page gives of a kind, and what travels. */
const GIVEN: readonly (readonly [kind: string, given: unknown, travels: unknown])[] = [
  ['flag', true, true],
  ['integer', -1, -1],
  ['natural', 5, 5],
  ['number', 1.5, 1.5],
  ['bound', Infinity, Infinity],
  ['threshold', 262_144, 262_144],
  ['text', 'é', 'é'],
  ['duration', '1h', '1h'],
  ['json', { a: [1, null] }, { a: [1, null] }],
  ['bytes', bytes, bytes],
  ['bytes', bytes.buffer, bytes],
  ['text-or-bytes', 'pem', 'pem'],
  ['text-or-bytes', bytes, bytes],
  ['mode', '0644', 0o644],
  ['mode', 0o644, 0o644],
  ['mode-change', 'a+x', 'a+x'],
  ['mtime', new Date(1_500), { secs: 1, nsecs: 500_000_000 }],
  ['mtime', new Date(-500), { secs: -1, nsecs: 500_000_000 }],
  ['mtime', { secs: 5 }, { secs: 5, nsecs: 0 }],
  ['mtime', { Seconds: 5, FractionalNanoseconds: 7 }, { secs: 5, nsecs: 7 }],
  ['mtime', [5, 7], { secs: 5, nsecs: 7 }],
  ['multiaddr', { toString: () => '/ip4/127.0.0.1/tcp/4001' }, '/ip4/127.0.0.1/tcp/4001'],
  ['peer', { toString: () => '12D3KooW' }, '12D3KooW'],
  ['url', new URL('https://pin.example/api'), 'https://pin.example/api'],
  ['cid', cid, encodeCID(cid)],
  ['cid', v0, encodeCID(v0)],
  ['cid', foreign, encodeCID(cid)],
  ['cid', cid.toString(), encodeCID(cid)],
  ['cid', cid.bytes, encodeCID(cid)],
  ['path', '/ipfs/x/a b', '/ipfs/x/a b'],
  ['path', cid.bytes, encodeCID(cid)],
  ['path', foreign, encodeCID(cid)],
  ['node', { a: 1 }, { dagNode: { a: 1 }, cids: [] }],
  ['pb-node', bytes, bytes],
  ['pb-node', { Data: bytes, Links: [{ Hash: v0.toString() }] }, { Data: bytes, Links: [{ Hash: encodeCID(v0) }] }],
  ['pb-link', { Hash: v0, Name: 'n', Tsize: 3 }, { Hash: encodeCID(v0), Name: 'n', Tsize: 3 }],
  ['pb-link-or-name', 'n', 'n'],
  ['pb-link-or-name', { Hash: v0 }, { Hash: encodeCID(v0) }],
  ['pin-source', cid, encodeCID(cid)],
  ['pin-source', { cid: v0, recursive: false, name: 'mine' }, { path: encodeCID(v0), recursive: false, name: 'mine' }],
  ['content', 'text', 'text'],
  ['content', bytes.subarray(1), Uint8Array.of(2, 3)],
  ['content', [104, 105], Uint8Array.of(104, 105)],
  ['content', [bytes], { type: 'RemoteIterable', port: expect.anything(), ahead: 1 }],
  ['entry', 'text', 'text'],
  ['entry', { path: 'a' }, { path: 'a' }],
  ['entry', { path: 'a', content: '', mode: '600' }, { path: 'a', content: '', mode: 0o600 }],
  ['entry', { path: 'l', target: 'a' }, { path: 'l', target: 'a' }],
  ['entries', ['text'], { type: 'RemoteIterable', port: expect.anything(), ahead: 1 }],
  ['cars', bytes, bytes],
  ['cars', [bytes], { type: 'RemoteIterable', port: expect.anything(), ahead: 1 }],
  ['error', new Error('no'), expect.anything()],
  ['some<cid>', [cid, v0.toString()], [encodeCID(cid), encodeCID(v0)]],
  ['some<cid>', cid, encodeCID(cid)],
  ['list<text>', ['a', 'b'], ['a', 'b']],
  ['stream<pin-source>', [cid], { type: 'RemoteIterable', port: expect.anything(), ahead: 1 }],
  ['handler<error>', () => undefined, { type: 'RemoteCallback', port: expect.anything() }],
  ['callback', () => undefined, { type: 'RemoteCallback', port: expect.anything() }],
  ['text?', undefined, undefined]
];

/** What travels of a kind, and what a page gets. */
const GOT: readonly (readonly [kind: string, travels: unknown, got: unknown])[] = [
  ['nothing', null, undefined],
  ['flag', false, false],
  ['natural', 5, 5],
  ['number', 0.5, 0.5],
  ['bigint', 5, 5n],
  ['bigint', 2n ** 60n, 2n ** 60n],
  ['text', 'é', 'é'],
  ['text-or-bytes', bytes, bytes],
  ['bytes', bytes, bytes],
  ['json', { a: [null] }, { a: [null] }],
  ['limits', { calls: 5 }, { calls: 5 }],
  ['mode', 0o644, 0o644],
  ['mtime', { secs: 1, nsecs: 2 }, { secs: 1, nsecs: 2 }],
  ['cid', encodeCID(v0), v0],
  ['cid', encodeCID(cid), cid],
  ['node', { dagNode: [1], cids: [] }, [1]],
  ['error', { name: 'E', message: 'no', code: 'ERR_X' }, expect.objectContaining({ message: 'no', code: 'ERR_X' })],
  ['multiaddr', '/ip4/127.0.0.1/tcp/4001', expect.anything()],
  ['peer', '12D3KooW', expect.anything()],
  ['url', 'https://pin.example/api', expect.anything()],
  ['text?', null, undefined],
  ['list<cid>', [encodeCID(cid)], [cid]],
  ['BlockStat', { cid: encodeCID(cid), size: 3 }, { cid, size: 3 }]
];

const PART = /^(?:some|list|stream|handler)<(.+)>$/;

/** The kinds that a kind is made of, itself without what surrounds them. */
function inner(kind: string): string {
  const part = kind.endsWith('?') ? kind.slice(0, -1) : PART.exec(kind)?.[1];
  return part === undefined ? kind : inner(part);
}

const methods = Object.values(METHODS).flatMap(methods => Object.values(methods));

describe('what a page gives', () => {
  test.each(GIVEN)('of the kind %s travels (%#)', (kind, given, travels) => {
    expect(encode(encoding(), kind, given)).toEqual(travels);
  });

  test('is tried here in every kind of the table', () => {
    const used = methods.flatMap(({ parameters, options }) => [...Object.values(parameters), ...Object.values(options)]).map(inner);
    expect([...new Set(used)].filter(kind => !(kind in RECORDS) && !GIVEN.some(([name]) => inner(name) === kind))).toEqual([]);
  });

  test.each(['cid', 'path'])('as a %s and is none is refused', kind => {
    expect(() => encode(encoding(), kind, 5)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_CID' }));
  });

  test.each([[{}], [null], [5], [undefined]])('as content and is none is refused (%#)', content => {
    expect(() => encode(encoding(), 'entry', { path: 'x', content: content ?? null })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_INPUT' })
    );
  });

  test.each([['text'], [bytes], [new Blob(['x'])], [{ content: 'x' }], [5]])('as many files and is one is refused (%#)', one => {
    expect(() => encode(encoding(), 'entries', one)).toThrow('single item passed');
  });
});

describe('what a page gets', () => {
  test.each(GOT)('of the kind %s is made of what travelled (%#)', (kind, travels, got) => {
    expect(decode(RECORDS, kind, travels)).toEqual(got);
  });

  test('is tried here in every kind of the table', () => {
    const fields = Object.values(RECORDS).flatMap(record => Object.values(record));
    const used = [...methods.map(({ answer }) => answer), ...fields].map(inner);
    expect([...new Set(used)].filter(kind => !(kind in RECORDS) && !GOT.some(([name]) => inner(name) === kind))).toEqual([]);
  });

  test('has no members that nobody knows, and none that are undefined', () => {
    const travels = { path: 'a', cid: encodeCID(cid), size: 3, mode: undefined, mtime: null, later: 5 };
    expect(Object.keys(decode(RECORDS, 'AddResult', travels) as object)).toEqual(['path', 'cid', 'size']);
  });

  test.each([
    ['BlockStat', 5],
    ['BlockStat', null],
    ['list<cid>', {}]
  ])('is an error of the protocol where a %s is none (%#)', (kind, travels) => {
    expect(() => decode(RECORDS, kind, travels)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
  });
});
