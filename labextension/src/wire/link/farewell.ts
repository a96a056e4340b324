/** The last words on a carrier whose closing the other end might not notice: END is repeated until it is answered (`docs/protocol.md`, section 2). */

import type { Carrier, Packet } from '../carriers/base.js';

/** END is repeated after so many ms, and twice as many each time; the carrier is closed in the end. */
const AGAIN_AFTER = 250;
const CLOSE_AFTER = 3_000;

type Timer = ReturnType<typeof setTimeout>;

export class Farewell {
  readonly #carrier: Carrier;
  readonly #end: Packet;
  readonly #asks: boolean;
  #again: Timer | undefined;
  readonly #closing: Timer;
  #over = false;

  /**
   * @param end - the packet with END, which has been sent once.
   * @param asks - whether this end was the first to say it, and so waits for an answer; the other one answers repetitions.
   */
  constructor(carrier: Carrier, end: Packet, asks: boolean) {
    this.#carrier = carrier;
    this.#end = end;
    this.#asks = asks;
    this.#closing = quietly(setTimeout(() => this.close(), CLOSE_AFTER));
    if (asks) this.#repeat(AGAIN_AFTER);
  }

  /** END has come. */
  heard(): void {
    if (this.#over) return;
    if (this.#asks) this.close();
    else this.#carrier.send(this.#end);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#again);
    clearTimeout(this.#closing);
    this.#carrier.close();
  }

  #repeat(after: number): void {
    this.#again = quietly(
      setTimeout(() => {
        this.#carrier.send(this.#end);
        // The carrier may have found out that it is gone.
        if (!this.#over) this.#repeat(after * 2);
      }, after)
    );
  }
}

/** In Node a timer that nobody waits for shall not keep the process. */
function quietly(timer: Timer): Timer {
  (timer as { unref?(): void }).unref?.();
  return timer;
}
