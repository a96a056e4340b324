import { describe, expect, test } from 'vitest';

import { cid, served } from './support.js';

describe('a remote pinning service', () => {
  test.each([new URL('https://a.example.com/psa'), 'https://a.example.com/psa'])(
    'is added by an address of either form',
    async endpoint => {
      const { ipfs, asked } = asking(undefined);
      await ipfs.pin.remote.service.add('name', { endpoint, key: 'secret' });
      expect(asked).toEqual([['pin.remote.service', 'add', { name: 'name', endpoint: 'https://a.example.com/psa', key: 'secret' }]]);
    }
  );

  test('is listed with its address as a URL', async () => {
    const stat = { status: 'valid', pinCount: { queued: 1, pinning: 0, pinned: 2, failed: 0 } };
    const { ipfs } = asking([{ service: 'name', endpoint: 'https://a.example.com', stat, key: 'secret' }]);
    expect(await ipfs.pin.remote.service.ls({ stat: true })).toEqual([
      { service: 'name', endpoint: new URL('https://a.example.com'), stat }
    ]);
  });

  test('is asked for pins of CIDs and statuses', async () => {
    const { ipfs, asked } = asking(undefined);
    await ipfs.pin.remote.rmAll({ service: 'name', cid: [cid, cid.toString()], status: ['queued', 'failed'] });
    expect(asked).toMatchObject([
      ['pin.remote', 'rmAll', { service: 'name', cid: [{ bytes: cid.bytes }, cid.toString()], status: ['queued', 'failed'] }]
    ]);
  });
});

/** A client whose node gives the same answer to everything, and what it was asked. */
function asking(data: unknown): Pick<ReturnType<typeof served>, 'ipfs'> & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const { ipfs } = served(({ query, answer }) => {
    asked.push([query.namespace, query.method, query.input]);
    answer({ data });
  });
  return { ipfs, asked };
}
