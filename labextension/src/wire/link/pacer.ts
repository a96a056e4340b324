/**
 * How much may be in flight, after the measured rate and round trip of the road (`docs/protocol.md`, section 3, Pacing).
 *
 * A comm has no backpressure: whatever is sent beyond what the road carries stands in some queue on the way, in front of the user's own outputs and of
 * the websocket's pongs. A window that is fixed is wrong on every road but one: 32 MiB are 54 s of a slow line, 64 KiB are a hundredth of a fast one with
 * a long way. So the sender measures, as BBR does, the two figures that say how much a road holds: the rate at which acknowledgements come at most, and
 * the round trip when nothing stands in a queue. Their product fills the road; a little more (the target queue, in time) keeps it full between two
 * acknowledgements, lets the sender see that the road has become faster, and is what the user's own messages wait at most. The window begins small and
 * doubles a round trip until the rate stops growing. Losses say nothing of the rate (a comm loses when a server or a page is in trouble, not when it is
 * full), so they do not shrink the window; a timeout does, since behind it may be another road. Where the sender has nothing to send, what it measures is
 * itself, and is not learnt from. Now and then a busy sender lets the queue run dry to see whether the way itself has become longer.
 */

import { ACK_BYTES, ACK_DELAY } from './inbox.js';
import { Grain } from './grain.js';

/** The most that may be in flight, bytes. */
export const MAX_WINDOW = 64 * 1024 * 1024;
/** Round trips, with the queue that is aimed at, over which the highest rate is remembered. Counted with a queue that has grown it would keep that queue. */
const RATE_ROUNDS = 10;
/** Nor for longer than this and a round trip, ms: on a long way ten round trips are too long a time to overfill a road that has become slow. */
const RATE_MEMORY = 1_000;
/** Milliseconds over which the shortest round trip is remembered. */
const ROUND_TRIP_MEMORY = 10_000;
/** The queue that is aimed at, ms: the least, and the most. */
const MIN_QUEUE = 15;
const MAX_QUEUE = 35;
/** Where messages of several ports share a fast road, each would wait behind that queue: so many bytes are enough, but so many ms at least. */
const QUEUE_BYTES = 512 * 1024;
const FAST_QUEUE = 4;
/** How long a road counts as shared, ms. */
const SHARED_FOR = 1_000;
/** The shortest time over which a rate is measured, ms. */
const SAMPLE_FLOOR = 0.5;
/** Start-up is over when the rate grows by less than this factor in so many round trips; in one, where a queue stands. */
const GROWTH = 1.25;
const ROUNDS_WITHOUT_GROWTH = 3;
/** A fragment takes no longer than this on its way, ms, and no more than this part of the window, or than that part where it is a short one. */
const FRAGMENT_TIME = 25;
const FRAGMENTS_IN_WINDOW = 8;
const SHORT_FRAGMENTS_IN_WINDOW = 4;
const SHORT_TIME = 10;
/** A fragment takes no longer than this where larger ones pay, ms. */
const COARSE_TIME = 200;
/** Fragments that may be in flight at least. */
const LEAST_FRAGMENTS = 2;
/** Round trip assumed before one was measured, ms. */
const INITIAL_ROUND_TRIP = 100;

/** What is kept of each frame in flight. */
export interface Stamp {
  readonly sentAt: number;
  /** Bytes acknowledged, and the time of the last acknowledgement, when it was sent. */
  readonly delivered: number;
  readonly deliveredAt: number;
  /** The sender had nothing more to send about then. */
  readonly limited: boolean;
}

/** The pacing of one carrier. It has no clock: every call says what time it is, in ms. */
export class Pacer {
  readonly #minWindow: number;
  readonly #minFragment: number;
  #window: number;
  /** Rates that are, or will be, the highest of late, bytes a ms: each lower than the one before it. */
  readonly #rates: { at: number; rate: number }[] = [];
  #rate = 0;
  /** When so many bytes more are acknowledged, a round trip is over. */
  #roundEnds = 0;
  #delivered = 0;
  #deliveredAt = 0;
  /** Until so many bytes are acknowledged, the sender itself was what limited the rate. */
  #limitedUntil = -1;
  #roundTrip: number | undefined;
  #variation = 0;
  #roundTripMin = Infinity;
  #roundTripMinAt = 0;
  #startup = true;
  /** The rate since when growth is missed, and for how many round trips. */
  #fullRate = 0;
  #fullRounds = 0;
  /** Bytes that must have been acknowledged for the probe under way to have measured an empty road. */
  #probeFrom: number | undefined;
  #grain = new Grain();
  /** The port of the last frame, since when; when ports took turns, and whether that was of late. */
  #port: number | undefined;
  #turnedAt = -Infinity;
  #sharedAt = -Infinity;
  #shared = false;
  /** What the carrier took when it was asked last. */
  #largestFragment: number;

  /**
   * @param minWindow - bytes that may always be in flight.
   * @param minFragment - the smallest fragment, bytes.
   * @param roundTrip - what the carrier has needed to answer before, ms.
   */
  constructor(minWindow: number, minFragment: number, roundTrip?: number) {
    this.#roundTrip = roundTrip;
    this.#variation = (roundTrip ?? 0) / 2;
    this.#minWindow = minWindow;
    this.#minFragment = minFragment;
    this.#largestFragment = minFragment;
    this.#window = minWindow;
  }

  /** Bytes that may be in flight. */
  get window(): number {
    return this.#probeFrom === undefined ? this.#window : Math.min(this.#window, this.#minWindow / 2);
  }

  /** Smoothed round trip, ms; assumed before one was measured. */
  get roundTrip(): number {
    return this.#roundTrip ?? INITIAL_ROUND_TRIP;
  }

  /** The longest that an acknowledgement may take, going by what it took, ms: a queue that grows makes round trips longer than they were. */
  get patience(): number {
    return Math.max(4 * this.roundTrip, this.roundTrip + 4 * this.#variation);
  }

  /** Whether a round trip has been measured. */
  get measured(): boolean {
    return this.#roundTrip !== undefined;
  }

  /** Measured rate, bytes a ms; 0 before one was measured. */
  get rate(): number {
    return this.#rate;
  }

  /** Whether the window still doubles. */
  get startingUp(): boolean {
    return this.#startup;
  }

  /** The fragment to cut, bytes: the largest power of two of the smallest that does not hold up others, nor makes the window coarse. */
  fragment(most: number): number {
    this.#largestFragment = most;
    if (this.#probeFrom !== undefined) return Math.min(this.#minFragment, most);
    const short = Math.min(this.window / SHORT_FRAGMENTS_IN_WINDOW, this.#rate * SHORT_TIME);
    const fine = Math.min(Math.max(this.window / FRAGMENTS_IN_WINDOW, short), this.#rate * FRAGMENT_TIME);
    const limit = Math.min(most, Math.max(fine, Math.min(this.#grain.floor, this.#rate * COARSE_TIME)));
    let fragment = this.#minFragment;
    while (fragment * 2 <= limit) fragment *= 2;
    return Math.min(fragment, most);
  }

  /** A frame of a port is sent for the first time, beside others or as the only one in flight. */
  sent(now: number, alone: boolean, port = 0): Stamp {
    if (port !== this.#port) {
      // Once is how a call begins its stream; there and back again is two that take turns.
      if (now - this.#turnedAt < SHARED_FOR) this.#sharedAt = now;
      this.#port = port;
      this.#turnedAt = now;
    }
    // What was not waited for does not count as time that the road took.
    if (alone) this.#deliveredAt = now;
    // A closed window limits as having nothing to send does.
    const limited = this.#limitedUntil >= 0 || this.#probeFrom !== undefined;
    return { sentAt: now, delivered: this.#delivered, deliveredAt: this.#deliveredAt, limited };
  }

  /** Nothing more waits to be sent, though there would be room; so many bytes are in flight. */
  drained(inFlight: number): void {
    this.#limitedUntil = this.#delivered + inFlight;
  }

  /**
   * So many bytes are acknowledged.
   *
   * @param stamp - of the newest of these frames that was sent once only.
   * @param inFlight - bytes that still are.
   * @param askedAt - when an acknowledgement was last asked for: a later one may be the answer to that, so a round trip is counted from there.
   */
  acknowledged(bytes: number, stamp: Stamp | undefined, inFlight: number, now: number, askedAt = -Infinity): void {
    this.#delivered += bytes;
    this.#deliveredAt = now;
    this.#shared = now - this.#sharedAt < SHARED_FOR;
    if (this.#limitedUntil >= 0 && this.#delivered > this.#limitedUntil) this.#limitedUntil = -1;
    if (stamp === undefined) return;
    const clean = askedAt <= stamp.sentAt;
    const sample = Math.max(0, now - Math.max(stamp.sentAt, askedAt));
    this.#takeRoundTrip(sample, clean, now);
    const newRound = stamp.delivered >= this.#roundEnds;
    if (newRound) this.#roundEnds = this.#delivered;
    const rate = (this.#delivered - stamp.delivered) / Math.max(now - stamp.deliveredAt, SAMPLE_FLOOR);
    if (!stamp.limited || rate >= this.#rate) this.#takeRate(rate, now);
    if (stamp.limited) this.#grain.interrupted();
    if (this.#startup) this.#grow(bytes, sample, newRound, stamp.limited);
    if (!this.#startup) {
      const fragment = this.fragment(this.#largestFragment);
      if (newRound && !stamp.limited) {
        this.#grain.roundOver(this.#delivered, now, fragment, Math.min(this.#largestFragment, this.#rate * COARSE_TIME));
      }
      // More than the road holds by what the other end has and has not acknowledged yet, and by a fragment, since a part of one is not worth sending.
      const untold = Math.min(ACK_BYTES, this.#rate * ACK_DELAY);
      const window = this.#rate * (this.#roundTripMin + this.#queue) + untold + fragment;
      this.#window = this.#clamp(Math.max(LEAST_FRAGMENTS * fragment, window));
    }
    if (clean) this.#probe(stamp, inFlight, now);
  }

  /** No acknowledgement came in time: the road may be another one. */
  timedOut(): void {
    this.#window = this.#minWindow;
    this.#startup = true;
    this.#fullRate = 0;
    this.#fullRounds = 0;
    this.#rates.length = 0;
    this.#rate = 0;
    this.#roundTripMin = Infinity;
    this.#probeFrom = undefined;
    this.#grain = new Grain();
  }

  /** The queue that is aimed at, ms. */
  get #queue(): number {
    const queue = Math.min(MAX_QUEUE, MIN_QUEUE + 2 * this.#variation);
    return !this.#shared || this.#startup || this.#rate === 0 ? queue : Math.min(queue, Math.max(FAST_QUEUE, QUEUE_BYTES / this.#rate));
  }

  #clamp(bytes: number): number {
    return Math.min(MAX_WINDOW, Math.max(this.#minWindow, bytes));
  }

  #takeRoundTrip(sample: number, clean: boolean, now: number): void {
    // RFC 6298.
    if (this.#roundTrip === undefined) {
      this.#roundTrip = sample;
      this.#variation = sample / 2;
    } else {
      this.#variation += (Math.abs(sample - this.#roundTrip) - this.#variation) / 4;
      this.#roundTrip += (sample - this.#roundTrip) / 8;
    }
    if (clean ? sample <= this.#roundTripMin : this.#roundTripMin === Infinity) {
      this.#roundTripMin = sample;
      this.#roundTripMinAt = now;
    }
  }

  #takeRate(rate: number, now: number): void {
    const rates = this.#rates;
    const roundTrip = this.#roundTripMin;
    const oldest = now - Math.min(RATE_ROUNDS * (roundTrip + this.#queue), RATE_MEMORY + roundTrip);
    while ((rates[0]?.at ?? Infinity) < oldest) rates.shift();
    // What is older and lower will never be the highest again.
    while ((rates.at(-1)?.rate ?? Infinity) <= rate) rates.pop();
    rates.push({ at: now, rate });
    this.#rate = (rates[0] as { rate: number }).rate;
  }

  #grow(bytes: number, sample: number, newRound: boolean, limited: boolean): void {
    if (limited) return;
    const waited = sample - this.#roundTripMin;
    if (waited <= this.#queue + ACK_DELAY) this.#window = this.#clamp(this.#window + bytes);
    if (!newRound) return;
    if (this.#rate >= this.#fullRate * GROWTH) {
      this.#fullRate = this.#rate;
      this.#fullRounds = 0;
      return;
    }
    this.#fullRounds++;
    if (this.#fullRounds >= ROUNDS_WITHOUT_GROWTH || waited > 2 * this.#queue) this.#startup = false;
  }

  /** Let the queue run dry when the shortest round trip is an old one. */
  #probe(stamp: Stamp, inFlight: number, now: number): void {
    if (this.#probeFrom === undefined) {
      if (this.#startup || stamp.limited || now - this.#roundTripMinAt <= ROUND_TRIP_MEMORY) return;
      // A round trip counts when it is that of a frame that was sent with little before it: on a slow line the smallest window is a queue itself.
      this.#probeFrom = this.#delivered + Math.max(0, inFlight - this.#minWindow / 2);
    } else if (stamp.delivered >= this.#probeFrom) {
      this.#probeFrom = undefined;
      this.#roundTripMin = now - stamp.sentAt;
      this.#roundTripMinAt = now;
    }
  }
}
