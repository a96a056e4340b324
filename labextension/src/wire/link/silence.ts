/** Tells from what is heard of the other end, and when, whether it is asked for a sign of life, counts as silent, or is given up. */

import type { Limits } from '../limits.js';

/** What is to be done. */
export type Verdict = 'fine' | 'ask' | 'silent' | 'expired' | 'idle';

/** The longest time between two looks, ms. */
const LONGEST_CHECK = 10_000;

type SilenceLimits = Pick<Limits, 'pingAfter' | 'silenceAfter' | 'expireAfter' | 'idleAfter'>;

/**
 * The silence of one link. It has no clock: every call says what time it is, in ms.
 *
 * Two kinds of time are counted. What the clock shows says how long nothing was heard. But a machine that was asleep or a tab that was frozen sees time
 * pass in which nobody could answer; so what follows from a question that is not answered counts only time in which this end was awake: from one look
 * to the next, and no more than two looks should be apart.
 */
export class Silence {
  /** How often to look, ms. */
  readonly checkEvery: number;
  readonly #limits: SilenceLimits;
  #heardAt: number;
  #usedAt: number;
  #lookedAt: number;
  /** Awake time for which an answer has been owed; and since the first and the last question, while they are unanswered. */
  #owedFor = 0;
  #askedFor: number | undefined;
  #askedAgainFor = 0;
  #silent = false;

  constructor(limits: SilenceLimits, now: number) {
    this.#limits = limits;
    this.checkEvery = Math.max(1, Math.min(LONGEST_CHECK, Math.floor(Math.min(limits.silenceAfter / 2, limits.pingAfter / 3))));
    this.#heardAt = this.#usedAt = this.#lookedAt = now;
  }

  /** Milliseconds for which nothing was heard. */
  since(now: number): number {
    return now - this.#heardAt;
  }

  /** Something has come: of a port's doings, or a sign of life only. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#owedFor = 0;
    this.#askedFor = undefined;
    this.#silent = false;
  }

  /** A port was used, here or there. */
  used(now: number): void {
    this.#usedAt = now;
  }

  /** Whether something was asked for and not answered for so long that the carrier counts as silent. */
  get silent(): boolean {
    return this.#silent;
  }

  /**
   * Look.
   *
   * @param owed - whether something that was sent waits for its acknowledgement.
   */
  look(owed: boolean, now: number): Verdict {
    const awake = Math.min(now - this.#lookedAt, 2 * this.checkEvery);
    this.#lookedAt = now;
    const { pingAfter, silenceAfter, expireAfter, idleAfter } = this.#limits;
    if (now - this.#usedAt >= idleAfter) return 'idle';
    if (this.#askedFor !== undefined) {
      this.#askedFor += awake;
      this.#askedAgainFor += awake;
    }
    this.#owedFor = owed || this.#askedFor !== undefined ? this.#owedFor + awake : 0;
    if (this.#askedFor !== undefined && this.#askedFor >= pingAfter && this.since(now) >= expireAfter) return 'expired';
    if (!this.#silent && this.#owedFor >= silenceAfter) {
      this.#silent = true;
      return this.#ask('silent');
    }
    const due = this.#askedFor === undefined ? this.since(now) >= pingAfter : this.#askedAgainFor >= pingAfter;
    return due ? this.#ask('ask') : 'fine';
  }

  #ask(verdict: Verdict): Verdict {
    this.#askedFor ??= 0;
    this.#askedAgainFor = 0;
    return verdict;
  }
}
