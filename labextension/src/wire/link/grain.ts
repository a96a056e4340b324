/**
 * Whether larger fragments make a road faster. It has no clock of its own.
 *
 * On most roads time goes with bytes, and small fragments cost nothing. On some it goes with packets: in a kernel whose main thread computes, the
 * interpreter's lock changes hands several times for each of them, at 5 ms a time. Fragments that follow the rate alone would get the smaller there the
 * slower they make it. So twice the size is tried now and then, for a few round trips, and kept where it pays; and half of that again later, whether it
 * still does.
 */

/** Round trips over which rates are compared, and those before, in which fragments of the other size still arrive. */
const ROUNDS = 2;
const LAG = 1;
/** Larger fragments are kept if they make the rate greater by this factor. */
const GAIN = 1.3;
/** Milliseconds to the next trial: at first, and at most; they double with each trial that changes nothing. */
const WAIT = 2_000;
const MAX_WAIT = 32_000;

/** How coarse the fragments of one sender are at least, on one carrier. */
export class Grain {
  #floor = 0;
  /** Bytes that had arrived at the ends of the last rounds, and when that was. */
  readonly #marks: { delivered: number; at: number }[] = [];
  /** Of a trial: what was before it. */
  #before: { floor: number; rate: number } | undefined;
  /** Rounds that do not count yet. */
  #lag = 0;
  /** The way of the next trial, if there is a choice. */
  #upward = true;
  #wait = WAIT;
  #nextAt = 0;

  /** Bytes of a fragment, whatever the rate says; 0 for what the rate says. */
  get floor(): number {
    return this.#floor;
  }

  /**
   * A round trip is over in which there was always something to send.
   *
   * @param delivered - bytes that have arrived up to now.
   * @param fragment - bytes of a fragment now.
   * @param coarsest - and at most.
   */
  roundOver(delivered: number, now: number, fragment: number, coarsest: number): void {
    if (this.#lag > 0) {
      this.#lag--;
      this.#marks.length = 0;
    }
    this.#marks.push({ delivered, at: now });
    if (this.#marks.length <= ROUNDS) return;
    const first = this.#marks.shift() as { delivered: number; at: number };
    const rate = (delivered - first.delivered) / Math.max(now - first.at, 1e-6);
    if (this.#before !== undefined) this.#judge(this.#before, rate, now);
    else if (now >= this.#nextAt) {
      if (2 * fragment <= coarsest && (this.#upward || this.#floor === 0)) this.#try(2 * fragment, rate);
      else if (this.#floor > 0) this.#try(fragment / 2, rate);
      this.#upward = !this.#upward;
    }
  }

  /** There was nothing to send for a while, so that this time tells nothing of the road. */
  interrupted(): void {
    this.#marks.length = 0;
    if (this.#before === undefined) return;
    this.#floor = this.#before.floor;
    this.#before = undefined;
  }

  #try(floor: number, rate: number): void {
    this.#before = { floor: this.#floor, rate };
    this.#floor = floor;
    this.#lag = LAG;
    this.#marks.length = 0;
  }

  #judge(before: { floor: number; rate: number }, rate: number, now: number): void {
    const tried = { floor: this.#floor, rate };
    const [lower, higher] = tried.floor > before.floor ? [before, tried] : [tried, before];
    this.#floor = (higher.rate >= GAIN * lower.rate ? higher : lower).floor;
    if (this.#floor === before.floor) {
      this.#wait = Math.min(2 * this.#wait, MAX_WAIT);
      this.#nextAt = now + this.#wait;
    } else {
      this.#wait = WAIT;
      // On at once, as long as that pays.
      this.#nextAt = now;
      this.#upward = this.#floor > before.floor;
    }
    this.#before = undefined;
    this.#marks.length = 0;
  }
}
