/** The receiving half of a link: puts frames in order, drops what it has had, and says what is missing. */

import { type Ack, bodySize, type Frame, MAX_NAKS } from '../frame.js';

/** A receiver acknowledges at the latest after so many frames, bytes and milliseconds. */
export const ACK_FRAMES = 64;
export const ACK_BYTES = 1024 * 1024;
export const ACK_DELAY = 25;
/**
 * After so many milliseconds it does here. Jupyter's server leaves Nagle's algorithm on: what the kernel sends behind a small message waits there until the
 * page's host has acknowledged that one, which it does with whatever the page sends next, or after 40 ms.
 */
const ACK_SOON = 4;
/** How far ahead of the next expected frame one is kept. */
const MAX_AHEAD = 4096;

/** What an inbox stands on. */
export interface InboxHost {
  /** Take the next frame in order. */
  deliver(frame: Frame): void;
  /** Send an acknowledgement now. */
  acknowledge(): void;
}

export class Inbox {
  readonly #host: InboxHost;
  readonly #window: number;
  #next = 1;
  readonly #early = new Map<number, Frame>();
  #earlyBytes = 0;
  /** The highest sequence number that is known to exist. */
  #highest = 0;
  #unackedFrames = 0;
  #unackedBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedAt = -Infinity;

  constructor(host: InboxHost, window: number) {
    this.#host = host;
    this.#window = window;
  }

  /** Whether an acknowledgement is owed, so that it may ride on a packet that goes out anyway. */
  get owes(): boolean {
    return this.#unackedFrames > 0;
  }

  /** What the next acknowledgement says; it counts as sent. */
  take(): Ack {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unackedFrames = 0;
    this.#unackedBytes = 0;
    return { cumulative: this.#next - 1, window: this.#window, missing: this.#missing() };
  }

  /** Take a numbered frame. */
  receive(frame: Frame): void {
    const { seq } = frame;
    if (seq < this.#next || this.#early.has(seq)) return this.#host.acknowledge();
    const size = bodySize(frame);
    if (seq !== this.#next) {
      if (seq - this.#next > MAX_AHEAD || this.#earlyBytes + size > this.#window) return;
      const opensGap = seq > this.#highest + 1;
      this.#early.set(seq, frame);
      this.#earlyBytes += size;
      this.#highest = Math.max(this.#highest, seq);
      if (opensGap) this.#host.acknowledge();
      else this.#count(size);
      return;
    }
    this.#highest = Math.max(this.#highest, seq);
    let frameInTurn: Frame | undefined = frame;
    while (frameInTurn !== undefined) {
      this.#next++;
      this.#host.deliver(frameInTurn);
      frameInTurn = this.#early.get(this.#next);
      if (frameInTurn !== undefined) {
        this.#early.delete(this.#next);
        this.#earlyBytes -= bodySize(frameInTurn);
      }
    }
    this.#count(size);
  }

  /** The peer says that it has sent frames up to `seq`: what is missing of them is asked for, at once if it wants an answer. */
  announced(seq: number, answer = false): void {
    const now = performance.now();
    if (!answer && (seq < this.#next || now - this.#askedAt < ACK_DELAY)) return;
    this.#askedAt = now;
    this.#highest = Math.max(this.#highest, Math.min(seq, this.#next + MAX_AHEAD));
    this.#host.acknowledge();
  }

  /** All of a packet is taken. A hidden page acknowledges now, since its timers come a second or a minute late. */
  settled(): void {
    if (this.#unackedFrames > 0 && hidden()) this.#host.acknowledge();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#early.clear();
  }

  #count(size: number): void {
    this.#unackedFrames++;
    this.#unackedBytes += size;
    if (this.#unackedFrames >= ACK_FRAMES || this.#unackedBytes >= Math.min(ACK_BYTES, this.#window / 4)) this.#host.acknowledge();
    else this.#timer ??= setTimeout(() => this.#host.acknowledge(), ACK_SOON);
  }

  #missing(): [number, number][] {
    if (this.#highest < this.#next) return [];
    const ranges: [number, number][] = [];
    let from = this.#next;
    for (const seq of [...this.#early.keys()].sort((a, b) => a - b)) {
      if (seq > from) ranges.push([from, seq - 1]);
      from = seq + 1;
      if (ranges.length === MAX_NAKS) return ranges;
    }
    if (from <= this.#highest) ranges.push([from, this.#highest]);
    return ranges;
  }
}

/** Whether this is a page that nobody sees. */
function hidden(): boolean {
  return (globalThis as { document?: { readonly hidden?: boolean } }).document?.hidden === true;
}
