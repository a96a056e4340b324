/** Listening to a port, typed. */

import type { PortLike } from './protocol.js';

/** What a port may tell. */
export interface Listeners<T> {
  message(data: T, ports: readonly PortLike[]): void;
  /** The other end is gone, with the reason if it was not in order. */
  close?(error: Error | undefined): void;
}

/**
 * Listen to a port and start it.
 *
 * @returns a function that stops listening.
 */
export function listen<T>(port: PortLike, listeners: Listeners<T>): () => void {
  const onMessage = (event: Event): void => {
    const { data, ports } = event as MessageEvent<T>;
    listeners.message(data, ports);
  };
  const onClose = (event: Event): void => listeners.close?.((event as { error?: Error }).error);
  port.addEventListener('message', onMessage);
  port.addEventListener('close', onClose);
  port.start();
  return () => {
    port.removeEventListener('message', onMessage);
    port.removeEventListener('close', onClose);
  };
}
