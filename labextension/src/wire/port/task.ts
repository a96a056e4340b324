/**
 * Tasks of the event loop: each runs on its own, with the microtasks of the one before it done.
 *
 * Messages that arrive over a link for different ports are to be seen in the order in which they arrived. Behind a native port a message needs longer
 * than a task: Node delivers it in the poll phase after the next check phase, Chromium hands over the first message of a port in its turn and those
 * behind it in the turn after. Measured on both, two turns are enough. So while a native message is on its way, tasks take two turns.
 */

import { Queue } from './queue.js';

declare const setImmediate: ((callback: () => void) => unknown) | undefined;

const turn: (callback: () => void) => void = turns();

/** Native messages that may still be on their way. */
let nativeMessages = 0;

/** Run the callback in a task of its own, after those that were asked for before and after native messages posted before. */
export function task(callback: () => void): void {
  if (nativeMessages === 0) turn(callback);
  else turn(() => turn(callback));
}

/** A message has been posted on a native port. */
export function nativePosted(): void {
  nativeMessages++;
  turn(() => turn(() => nativeMessages--));
}

function turns(): (callback: () => void) => void {
  if (typeof setImmediate === 'function') return callback => void setImmediate(callback);
  if (typeof MessageChannel === 'undefined') return callback => void setTimeout(callback, 0);
  const { port1, port2 } = new MessageChannel();
  const waiting = new Queue<() => void>();
  port1.onmessage = () => waiting.shift()?.();
  return callback => {
    waiting.push(callback);
    port2.postMessage(null);
  };
}
