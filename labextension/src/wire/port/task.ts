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

/** Tasks that have been asked for and have not begun. */
let waiting = 0;

/** What is to be done when those are, and since when it waits. */
let later: (() => void)[] = [];
let laterSince = 0;
/** Milliseconds that it waits for at most, and one task. */
const PATIENCE = 1;

/** Native messages that may still be on their way. */
let nativeMessages = 0;

/** Run the callback in a task of its own, after those that were asked for before and after native messages posted before. */
export function task(callback: () => void): void {
  waiting++;
  const run = (): void => {
    waiting--;
    if (later.length > 0 && performance.now() - laterSince > PATIENCE) doLater();
    callback();
  };
  if (nativeMessages === 0) turn(run);
  else turn(() => turn(run));
}

/**
 * Run the callback once for all tasks that have been asked for: when they are done, or have run for a while; at the end of this one if there are none.
 */
export function afterTasks(callback: () => void): void {
  if (waiting === 0) return queueMicrotask(callback);
  if (later.length === 0) {
    laterSince = performance.now();
    turn(doLater);
  }
  later.push(callback);
}

function doLater(): void {
  const callbacks = later;
  later = [];
  for (const callback of callbacks) callback();
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
  const callbacks = new Queue<() => void>();
  port1.onmessage = () => callbacks.shift()?.();
  return callback => {
    callbacks.push(callback);
    port2.postMessage(null);
  };
}
