/**
 * What is behind a port: an end of an entangled pair, and the messages on their way to it.
 *
 * Two ends are entangled when each is the other's partner. A port sits on a seat; what stands for a port at the other side of a link, or for a
 * native MessagePort, is an end as well. To transfer a port is to hand over its seat, or to give its partner a new partner: two ends of links that
 * become partners are a relay, and nothing else is needed for one.
 */

import type { Serialized } from '../clone/index.js';
import { Queue } from './queue.js';
import type { RemoteBlob } from './remote-blob.js';

/** One of two entangled ends. */
export interface End {
  partner: End | null;
  /** Take a message from the partner. */
  accept(message: Message): void;
  /** Learn that the partner is gone, with the reason if it was not in order. */
  acceptClose(error?: Error): void;
}

/** What an entry of a message refers to by number: a transferred port, or a Blob. */
export type Resource = Seat | Blob | RemoteBlob;

/** A message on its way: serialized, with ports that nobody sits on. */
export interface Message extends Serialized {
  /** Those of the transfer list first; Blobs follow. */
  readonly resources: Resource[];
  /** Tells the link that the message came by that its entries are malformed. */
  readonly reject?: (error: Error) => void;
  /** Called when the message has left this process, has come to its seat in it, or is dropped. */
  readonly sent?: () => void;
}

/** Entangle two ends. */
export function entangle(one: End, other: End): void {
  one.partner = other;
  other.partner = one;
}

/** The end that a port sits on, or that waits for one. */
export class Seat implements End {
  partner: End | null = null;
  /** Called when there is something to look at. */
  onarrival: (() => void) | null = null;
  /** Messages that arrived and were not dispatched. */
  readonly queue = new Queue<Message>();
  /** Set once the partner is gone. */
  ended: { readonly error: Error | undefined } | null = null;
  #closed = false;

  accept(message: Message): void {
    if (this.#closed) discard(message);
    else {
      this.queue.push(message);
      message.sent?.();
      this.onarrival?.();
    }
  }

  acceptClose(error?: Error): void {
    this.partner = null;
    if (this.ended !== null || this.#closed) return;
    this.ended = { error };
    this.onarrival?.();
  }

  /** Leave: the partner learns of it, and what was not dispatched is dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onarrival = null;
    const { partner } = this;
    this.partner = null;
    partner?.acceptClose();
    for (const message of this.queue.drain()) discard(message);
  }

  /** Let another end take this place, with what waits here. */
  moveTo(end: End): void {
    this.onarrival = null;
    if (this.partner !== null) entangle(end, this.partner);
    this.partner = null;
    for (const message of this.queue.drain()) end.accept(message);
    if (this.ended !== null) end.acceptClose(this.ended.error);
  }
}

/** Close the ports of a message that nobody will get. */
export function discard(message: Message): void {
  for (const resource of message.resources.splice(0)) {
    if (resource instanceof Seat) resource.close();
    else if ('seat' in resource) resource.seat.close();
  }
  message.sent?.();
}

/** Make the partners of two seats each other's partners, and pass on what waits in the seats. */
export function join(one: Seat, other: Seat): void {
  const [first, second] = [one.partner, other.partner];
  if (first !== null && second !== null) entangle(first, second);
  const pass = (from: Seat, to: End | null): void => {
    from.partner = null;
    for (const message of from.queue.drain()) {
      if (to === null) discard(message);
      else to.accept(message);
    }
    if (from.ended !== null) to?.acceptClose(from.ended.error);
  };
  pass(one, second);
  pass(other, first);
}
