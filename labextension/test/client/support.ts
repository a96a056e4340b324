/** A client whose node is the test. */

import { afterEach } from 'vitest';

import { IPFSClient } from '../../src/client/index.js';
import { CID } from '../../src/rpc/cid.js';
import type { QueryMessage } from '../../src/rpc/protocol.js';
import { createChannel } from '../../src/testing.js';
import { channel, type Port } from '../../src/wire/index.js';

export const cid = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy');
/** Ports that are closed after each test. */
export const open: Port[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

/** A query, and how to answer it. */
export interface Heard {
  readonly query: QueryMessage & { input: Record<string, unknown> };
  /** All that was posted, queries and aborts. */
  readonly posted: { type: string; id: string }[];
  answer(value: unknown, transfer?: Iterable<object>): void;
  fail(error: object): void;
}

/** A client, and a server that is this test. */
export function served(answer: (heard: Heard) => void): { ipfs: IPFSClient; server: Port } {
  const { port1, port2 } = createChannel();
  open.push(port1, port2);
  const posted: Heard['posted'] = [];
  port2.onmessage = ({ data }) => {
    posted.push(data as Heard['posted'][number]);
    const query = data as Heard['query'];
    if (query.type !== 'query') return;
    const reply = (result: object, transfer: Iterable<object> = []): void =>
      port2.postMessage({ type: 'result', id: query.id, result }, transfer);
    answer({
      query,
      posted,
      answer: (value, transfer) => reply({ ok: true, value }, transfer),
      fail: error => reply({ ok: false, error })
    });
  };
  return { ipfs: IPFSClient.from(port1), server: port2 };
}

/** An iterable of the server: hands out items, and tells what the client asks for. */
export function remote(items: readonly unknown[]): { port: Port; asked: string[] } {
  const { port1, port2 } = channel();
  const asked: string[] = [];
  let at = 0;
  port1.onmessage = ({ data }) => {
    const { method } = data as { method: string };
    asked.push(method);
    if (method !== 'next') return;
    port1.postMessage(at < items.length ? { type: 'next', done: false, value: items[at++] } : { type: 'next', done: true });
  };
  return { port: port2, asked };
}
