/** Native MessagePorts as ends: so that they can be sent over a link, and so that ours can be had as native ones. */

import { LinkError } from '../../errors.js';
import { dataCloneError, serialize } from '../clone/index.js';
import { gather, open } from './open.js';
import { discard, type End, entangle, type Message, Seat } from './seat.js';
import { nativePosted } from './task.js';

/** Whether the value is a MessagePort of the runtime. */
export function isNativePort(value: unknown): value is MessagePort {
  return typeof MessagePort !== 'undefined' && value instanceof MessagePort;
}

/**
 * Take a native port out of its object, as `postMessage` would, and put it behind a seat.
 *
 * @throws DataCloneError if it has been transferred already.
 */
export function nativeTransfer(port: MessagePort): Seat {
  let moved: MessagePort;
  try {
    moved = structuredClone(port, { transfer: [port] });
  } catch (error) {
    throw dataCloneError(`a native port that cannot be transferred: ${(error as Error).message}`);
  }
  const seat = new Seat();
  entangle(new NativeEnd(moved), seat);
  return seat;
}

/** A native port that takes the place of a seat. */
export function nativeOn(seat: Seat): MessagePort {
  const { port1, port2 } = new MessageChannel();
  seat.moveTo(new NativeEnd(port1));
  return port2;
}

const transferNatives = {
  refuse: (value: object): string | null => (isNativePort(value) ? null : 'only ports arrive with a message'),
  detached: (): boolean => false,
  take: (value: object): Seat => nativeTransfer(value as MessagePort),
  release: (seat: Seat): void => seat.close()
};

/** What stood for native channels whose other end is gone. */
const abandoned = new FinalizationRegistry<NativeEnd>(end => end.abandon());

/**
 * Stands for the other end of a native channel.
 *
 * Not every runtime tells that a native port was closed, or went with its worker or frame (Chromium does not). But a runtime keeps a port that is
 * listened to for as long as something may come for it. So the port is not held here, and when it has been collected, its other end is gone.
 */
class NativeEnd implements End {
  partner: End | null = null;
  readonly #port: WeakRef<MessagePort>;
  /** Messages wait while the Blobs of one before them are gathered. */
  #turn: Promise<void> | null = null;
  #closed = false;

  constructor(port: MessagePort) {
    this.#port = new WeakRef(port);
    abandoned.register(port, this, this);
    port.addEventListener('message', event => this.#forward(event));
    port.addEventListener('close', () => this.#close());
    port.start();
  }

  accept(message: Message): void {
    const gathering = this.#closed ? null : gather(message);
    if (gathering === null && this.#turn === null) return this.#post(message);
    const turn = (this.#turn ?? Promise.resolve())
      .then(() => gathering)
      .then(
        () => this.#post(message),
        // Nobody can be told of a value that did not arrive but by the end of the channel.
        (reason: unknown) => this.#fail(reason as Error, message)
      )
      .finally(() => {
        if (this.#turn === turn) this.#turn = null;
      });
    this.#turn = turn;
  }

  acceptClose(): void {
    this.partner = null;
    if (this.#turn === null) this.#close();
    else void this.#turn.then(() => this.#close());
  }

  /** The other end is gone. */
  abandon(): void {
    this.#close();
  }

  #post(message: Message): void {
    const port = this.#port.deref();
    if (this.#closed || port === undefined) return discard(message);
    try {
      const { value, ports, buffers } = open(message, nativeOn);
      port.postMessage(value, [...ports, ...buffers]);
      nativePosted();
      message.sent?.();
    } catch (error) {
      this.#fail(error as Error, message);
    }
  }

  #forward(event: MessageEvent): void {
    const { partner } = this;
    if (partner === null) return;
    try {
      // What arrived is ours, so its buffers move on without a copy.
      const { root, entries, buffers, ports, blobs } = serialize<Seat>(event.data, event.ports ?? [], transferNatives, true);
      partner.accept({ root, entries, buffers, resources: [...ports, ...(blobs as Blob[])] });
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(cause: Error, message?: Message): void {
    if (message !== undefined) discard(message);
    const { partner } = this;
    this.partner = null;
    partner?.acceptClose(
      new LinkError(`a message of a native port could not be passed on: ${cause.message}`, { code: 'ERR_DATA_CLONE', cause })
    );
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { partner } = this;
    this.partner = null;
    partner?.acceptClose();
    abandoned.unregister(this);
    this.#port.deref()?.close();
  }
}
