/** A stream that comes to this side: pulled ahead of its consumer, who believes that each item comes when it is asked for. */

import { AbortError } from '../errors.js';
import { discard, type End, entangle, type Message, Seat } from '../wire/port/seat.js';
import { encodeError } from './error.js';
import { ReadAhead } from './read-ahead.js';
import { isLast, memberOf, messageOf, replaceIterables, sizeOf } from './serialized.js';

/**
 * Stands between the producer's port and the consumer's.
 *
 * It holds what was asked for ahead, as it came: ports in items go along with them, an error and the end have their place behind the items.
 */
export class Inflow {
  /** Called once, when there is nothing to abort any more, here and in the streams of its items. */
  onend: (() => void) | null = null;
  readonly #items: ReadAhead<Message>;
  readonly #nested = new Set<Inflow>();
  #over = false;
  /** Why the producer is gone. */
  #error: Error | undefined;

  readonly #producer: End = {
    partner: null,
    accept: message => this.#arrive(message),
    acceptClose: error => {
      this.#error = error;
      this.#items.end();
      this.#leave();
      this.#serve();
    }
  };

  readonly #consumer: End = {
    partner: null,
    accept: message => {
      const method = memberOf(message, 'method');
      discard(message);
      if (method === 'return') this.#stop();
      else if (method === 'next') {
        this.#items.want();
        this.#serve();
      }
    },
    acceptClose: () => this.#stop()
  };

  /** @param ahead - whether the producer can be asked for several items. */
  constructor(ahead: boolean) {
    this.#items = new ReadAhead(ahead);
  }

  /**
   * Take the port that the producer is behind.
   *
   * @returns what takes its place in front of the consumer.
   */
  take(seat: Seat): Seat {
    const place = new Seat();
    entangle(this.#consumer, place);
    seat.moveTo(this.#producer);
    return place;
  }

  /** Stop the producer at once; the consumer gets an AbortError instead of what it has not got yet. */
  abort(): void {
    for (const inflow of this.#nested) inflow.abort();
    if (this.#over) return;
    this.#return();
    for (const message of this.#items.stop(thrown(new AbortError('the call was aborted')))) discard(message);
    this.#serve();
  }

  #arrive(message: Message): void {
    const last = isLast(message);
    const passed = replaceIterables(message, (seat, ahead) => this.#nest(seat, ahead), false);
    const wrong = this.#items.arrive(passed, sizeOf(passed), last, performance.now());
    if (wrong !== null) {
      discard(passed);
      this.#items.end(thrown(wrong));
      this.#return();
    } else if (last) this.#leave();
    this.#serve();
  }

  /** Hand out what is wanted and here, and ask for more. */
  #serve(): void {
    for (let message = this.#items.take(); message !== undefined; message = this.#items.take()) {
      const { partner } = this.#consumer;
      if (partner === null) discard(message);
      else partner.accept(message);
    }
    for (let due = this.#items.ask(performance.now()); due > 0; due--) this.#producer.partner?.accept(messageOf({ method: 'next' }));
    if (this.#items.over) this.#finish();
  }

  /** The consumer wants no more. */
  #stop(): void {
    this.#return();
    for (const message of this.#items.stop()) discard(message);
    this.#serve();
  }

  #return(): void {
    this.#producer.partner?.accept(messageOf({ method: 'return' }));
    this.#leave();
  }

  #leave(): void {
    const { partner } = this.#producer;
    this.#producer.partner = null;
    partner?.acceptClose();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    const { partner } = this.#consumer;
    this.#consumer.partner = null;
    partner?.acceptClose(this.#error);
    this.#tellEnd();
  }

  #nest(seat: Seat, ahead: boolean): Seat {
    const inflow = new Inflow(ahead);
    this.#nested.add(inflow);
    inflow.onend = () => {
      this.#nested.delete(inflow);
      this.#tellEnd();
    };
    return inflow.take(seat);
  }

  #tellEnd(): void {
    if (this.#over && this.#nested.size === 0) this.onend?.();
  }
}

/** What a producer answers that fails. */
function thrown(error: Error): Message {
  return messageOf({ type: 'throw', error: encodeError(error) });
}
