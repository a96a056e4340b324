import { describe, expect, test } from 'vitest';

import { milliseconds } from '../../src/rpc/duration.js';
import { served } from '../client/support.js';

describe('a length of time', () => {
  test.each([
    [10, 10],
    [Infinity, Infinity],
    ['2s', 2000],
    ['10ms', 10],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1500us', 1.5],
    ['1500µs', 1.5],
    ['1000000ns', 1],
    ['1d', 86_400_000]
  ])('%s is so many milliseconds', (text, expected) => {
    expect(milliseconds(text)).toBeCloseTo(expected);
  });

  test.each(['', '2', 's', '2 s', '-2s', '2s3', '2x', '1.2.3s', '1s'.repeat(40)])('%j is none', text => {
    expect(milliseconds(text)).toBeNaN();
  });
});

describe('a timeout', () => {
  test('may be text, and the node is told it in milliseconds', async () => {
    const { ipfs } = served(({ query, fail }) => fail({ name: 'Error', message: String(query.input['timeout']) }));
    await expect(ipfs.version({ timeout: '5s' })).rejects.toThrow('5000');
  });

  test('as text ends a call', async () => {
    const { ipfs } = served(() => undefined);
    await expect(ipfs.version({ timeout: '10ms' })).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' });
  });

  test('that means nothing is refused', async () => {
    const { ipfs } = served(() => undefined);
    await expect(ipfs.version({ timeout: 'soon' })).rejects.toMatchObject({ code: 'ERR_INVALID_INPUT' });
  });
});
