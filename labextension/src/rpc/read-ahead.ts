/**
 * Read-ahead on an iterable: how many items are asked for before they are wanted, and those that came. State only, without ports and clocks.
 *
 * Pulled one by one, a stream costs a round trip an item. So items are asked for ahead, under a credit that begins small and doubles when the
 * consumer had to wait for an item. A wait has two causes. If the credit was too small for the round trip, the item came about as fast as any can,
 * and more credit helps. If the road or the producer is slower than the consumer, items queue and each takes longer than the fastest did; more credit
 * would only lengthen that queue, which an early return cannot take back. So credit grows while items take not much more than the least time.
 */

import { LinkError, ProtocolError } from '../errors.js';

/** Items of the first credit. */
export const FIRST_CREDIT = 2;
/** The most that is asked for ahead or kept, a stream: items, and bytes as the items seen let expect. */
export const MAX_CREDIT = 4096;
export const MAX_CREDIT_BYTES = 16 * 1024 * 1024;
/** The most that may be kept: items may turn out to be much larger than those before them. */
export const MAX_KEPT_BYTES = 256 * 1024 * 1024;
/** An item that takes longer than the least time by this factor and by so many ms more has stood in a queue. */
const QUEUED_FACTOR = 1.5;
const QUEUED_MS = 30;

interface Kept<T> {
  readonly item: T;
  readonly size: number;
}

export class ReadAhead<T> {
  readonly #ahead: boolean;
  readonly #kept: Kept<T>[] = [];
  #keptBytes = 0;
  /** When each item that has not come was asked for. */
  readonly #asked: number[] = [];
  #wanted = 0;
  #credit = FIRST_CREDIT;
  /** Items that came since the credit grew. */
  #sinceGrowth = Infinity;
  #least = Infinity;
  #itemSize = 0;
  #ended = false;

  /** @param ahead - whether the producer can be asked for several items; if not, none is asked for before it is wanted. */
  constructor(ahead: boolean) {
    this.#ahead = ahead;
  }

  /** Whether nothing more comes. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether nothing more comes and all that came is taken. */
  get over(): boolean {
    return this.#ended && this.#kept.length === 0;
  }

  /** Bytes of the items that wait to be taken. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** How many items may be on their way or kept. */
  get limit(): number {
    if (!this.#ahead) return 0;
    return Math.max(1, Math.min(this.#credit, Math.floor(MAX_CREDIT_BYTES / Math.max(1, this.#itemSize))));
  }

  /** The consumer wants one more item. */
  want(): void {
    this.#wanted++;
  }

  /** How many items to ask for now, at the time `now` (ms); they count as asked for. */
  ask(now: number): number {
    if (this.#ended) return 0;
    const { limit } = this;
    const coming = this.#asked.length + this.#kept.length;
    const due = Math.max(limit, this.#wanted) - coming;
    // In lots, so that not every item taken costs a packet.
    if (due <= 0 || (due < limit / 4 && coming >= this.#wanted)) return 0;
    for (let at = 0; at < due; at++) this.#asked.push(now);
    return due;
  }

  /**
   * An item came.
   *
   * @param size - its bytes.
   * @param last - nothing comes after it.
   * @returns null, or why the item is not kept: nobody asked for it, or there is no room.
   */
  arrive(item: T, size: number, last: boolean, now: number): Error | null {
    const asked = this.#asked.shift();
    if (!last) {
      if (asked === undefined) return new ProtocolError('a stream brought an item that nobody asked for');
      if (this.#kept.length > 0 && this.#keptBytes + size > MAX_KEPT_BYTES)
        return new LinkError(`a stream brought more than ${MAX_KEPT_BYTES} bytes before they were wanted`, { code: 'ERR_LIMIT' });
      this.#learn(now - asked, size);
    }
    this.#kept.push({ item, size });
    this.#keptBytes += size;
    this.#ended = last;
    return null;
  }

  /** The next item, if the consumer wants one and one is here. */
  take(): T | undefined {
    if (this.#wanted === 0) return undefined;
    const kept = this.#kept.shift();
    if (kept === undefined) return undefined;
    this.#wanted--;
    this.#keptBytes -= kept.size;
    return kept.item;
  }

  /** Nothing more will come, but what the consumer is to get in the end. */
  end(last?: T): void {
    this.#ended = true;
    if (last !== undefined) this.#kept.push({ item: last, size: 0 });
  }

  /**
   * Nothing more will come, and what has not been taken is not wanted.
   *
   * @param last - what the consumer is to get in the end.
   * @returns the items that were kept, to be let go of.
   */
  stop(last?: T): T[] {
    const dropped = this.#kept.splice(0).map(({ item }) => item);
    this.#keptBytes = 0;
    this.end(last);
    return dropped;
  }

  #learn(took: number, size: number): void {
    this.#itemSize = Math.max(size, this.#itemSize - (this.#itemSize - size) / 8);
    this.#least = Math.min(this.#least, took);
    this.#sinceGrowth++;
    const waited = this.#wanted > this.#kept.length;
    if (!waited || this.#sinceGrowth < this.#credit / 2 || took > QUEUED_FACTOR * this.#least + QUEUED_MS) return;
    this.#credit = Math.min(2 * this.#credit, MAX_CREDIT);
    this.#sinceGrowth = 0;
  }
}
