/** Functions that the other end calls. */

import { Port } from '../wire/port/port.js';
import { listen } from './listen.js';
import type { RemoteCallback } from './protocol.js';
import type { Transport } from './transport.js';

/** How long the calls that were posted before a result are waited for, in ms; our server closes the port behind them. */
const GRACE = 1_000;
/** The same where the port is native, and may be one that never tells that it was closed. */
const NATIVE_GRACE = 100;

/** A function that the other end calls. */
export interface Called {
  /** As it is posted. */
  readonly remote: RemoteCallback;
  /** Let go of it. */
  readonly release: () => void;
  /** Resolves when the other end calls it no more, or soon. */
  readonly settled: () => Promise<void>;
}

/**
 * Let the other end call a function.
 *
 * @param transfer - gets the port that moves.
 */
export function encodeCallback(transport: Transport, callback: (...args: never[]) => unknown, transfer: object[]): Called {
  const { mine, theirs } = transport.channel();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  let settle: (() => void) | undefined;
  const end = (): void => {
    over = true;
    clearTimeout(timer);
    settle?.();
  };
  listen<unknown>(mine, { message: data => void callback(...((Array.isArray(data) ? data : [data]) as never[])), close: end });
  transfer.push(theirs);
  return {
    remote: { type: 'RemoteCallback', port: theirs },
    release: () => {
      mine.close();
      end();
    },
    settled: () =>
      new Promise<void>(resolve => {
        if (over) return resolve();
        settle = resolve;
        timer = setTimeout(resolve, mine instanceof Port ? GRACE : NATIVE_GRACE);
      })
  };
}
