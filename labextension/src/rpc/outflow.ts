/** A stream that goes out from this side: its producer is pulled one by one, whatever the other end asks for ahead. */

import { LinkError } from '../errors.js';
import { discard, type End, entangle, type Message, Seat } from '../wire/port/seat.js';
import { encodeError } from './error.js';
import { MAX_CREDIT } from './read-ahead.js';
import { isLast, memberOf, messageOf, replaceIterables } from './serialized.js';
import { cutBuffers } from './views.js';

/**
 * Stands between a producer that must not be asked again before it has answered, and a consumer that asks ahead.
 *
 * An async iterator does not expect overlapping calls of `next`, and the unmodified client makes one for each request as it comes.
 */
export class Outflow {
  #pending = 0;
  #asking = false;

  readonly #producer: End = {
    partner: null,
    accept: message => this.#answer(message),
    acceptClose: error => this.#leave(error)
  };

  readonly #consumer: End = {
    partner: null,
    accept: message => {
      const method = memberOf(message, 'method');
      discard(message);
      if (method === 'return') this.#stop();
      else if (method === 'next') this.#request();
    },
    acceptClose: () => this.#stop()
  };

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

  #request(): void {
    if (++this.#pending <= MAX_CREDIT) return this.#pull();
    const error = new LinkError(`more than ${MAX_CREDIT} items of a stream were asked for ahead`, { code: 'ERR_LIMIT' });
    this.#consumer.partner?.accept(messageOf({ type: 'throw', error: encodeError(error) }));
    this.#stop();
  }

  #pull(): void {
    if (this.#asking || this.#pending === 0) return;
    this.#asking = true;
    this.#producer.partner?.accept(messageOf({ method: 'next' }));
  }

  #answer(message: Message): void {
    const last = isLast(message);
    if (!this.#asking && !last) return discard(message);
    this.#asking = false;
    this.#pending--;
    if (!last) this.#pull();
    this.#consumer.partner?.accept(passOn(message));
    if (last) this.#leave();
  }

  /** The consumer wants no more, or is gone: the iterator is to be let go of, which the unmodified client does when it is told to return only. */
  #stop(): void {
    this.#producer.partner?.accept(messageOf({ method: 'return' }));
    this.#leave();
  }

  #leave(error?: Error): void {
    for (const end of [this.#producer, this.#consumer]) {
      const { partner } = end;
      end.partner = null;
      partner?.acceptClose(error);
    }
  }
}

/** A message of this side as it goes out: its streams can be read ahead, and views cost their own bytes. */
export function passOn(message: Message): Message {
  return cutBuffers(replaceIterables(message, (seat, ahead) => (ahead ? null : new Outflow().take(seat)), true));
}
