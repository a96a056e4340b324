/** Functions that the other end calls. */

import { listen } from './listen.js';
import type { RemoteCallback } from './protocol.js';
import type { Transport } from './transport.js';

/**
 * Let the other end call a function.
 *
 * @param transfer - gets the port that moves.
 * @returns the callback as it is posted, and how to let go of it.
 */
export function encodeCallback(
  transport: Transport,
  callback: (...args: never[]) => unknown,
  transfer: object[]
): { readonly remote: RemoteCallback; readonly release: () => void } {
  const { mine, theirs } = transport.channel();
  listen<unknown>(mine, { message: data => void callback(...((Array.isArray(data) ? data : [data]) as never[])) });
  transfer.push(theirs);
  return { remote: { type: 'RemoteCallback', port: theirs }, release: () => mine.close() };
}
