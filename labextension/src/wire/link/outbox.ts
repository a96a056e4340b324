/** The sending half of a link: cuts messages into frames, keeps them until they are acknowledged, and sends again what was lost. */

import { ProtocolError } from '../../errors.js';
import { type Bytes, exact } from '../bytes.js';
import { type Ack, bodySize, FIRST, type Frame, FrameType, LAST, pingFrame, segmentsOf } from '../frame.js';
import type { Limits } from '../limits.js';
import { reclaim } from '../snapshot.js';
import { ACK_BYTES, ACK_FRAMES } from './inbox.js';
import { Pacer, type Stamp } from './pacer.js';

/** How long no acknowledgement may advance before the oldest frame is sent again, ms: before a round trip was measured, and the bounds from then on. */
const INITIAL_TIMEOUT = 1_000;
const MIN_TIMEOUT = 250;
const MAX_TIMEOUT = 10_000;
/** Waiting for the same frame time and again, the timeout grows up to this only, ms: losses are no sign of a full road. */
const MAX_BACKED_OFF = 1_000;
/** An acknowledgement is asked for when none has advanced for two round trips and this, ms; then after twice as long. */
const PROBE_DELAY = 50;
/** Pieces of a body smaller than this are joined, so that a message of many small buffers does not make many segments. */
const SMALL_PIECE = 4096;
/** What a packet may exceed the carrier's fragment by, so that a message's head does not cost a packet of its own. */
const PACKET_SLACK = 64 * 1024;
const MAX_PACKET_SEGMENTS = 512;

/** What an outbox stands on: its figures are those of the carrier in use, and may change at any time. */
export interface OutboxHost {
  readonly maxFrames: number;
  readonly fragmentSize: number;
  /** Send the frames as one packet, in any case with an ACK if `announce`: it says up to where frames were sent. */
  transmit(frames: readonly Frame[], announce?: boolean): void;
}

type Job =
  | {
      readonly kind: 'message';
      readonly parts: readonly Bytes[];
      readonly sent: (() => void) | undefined;
      part: number;
      offset: number;
      first: boolean;
    }
  | { readonly kind: 'close' };

interface Sent {
  readonly frame: Frame;
  readonly size: number;
  readonly stamp: Stamp;
  /** When it was sent last, how many times it was, and what is known of it: `out` counts as in flight. */
  at: number;
  times: number;
  state: 'out' | 'lost' | 'there' | 'unknown';
}

type OutboxLimits = Pick<Limits, 'minWindow' | 'minFragment' | 'maxFrames'>;

export class Outbox {
  /** The last sequence number that was sent. */
  last = 0;
  /** The last sequence number given out: a frame of the packet being made, perhaps. */
  #assigned = 0;
  readonly #host: OutboxHost;
  readonly #limits: OutboxLimits;
  /** Jobs by port; the first port is the next whose turn it is. */
  readonly #jobs = new Map<number, Job[]>();
  readonly #held = new Set<number>();
  /** All that is not acknowledged, and its bytes: the peer may have to keep them. */
  readonly #kept = new Map<number, Sent>();
  #keptBytes = 0;
  /** What of it is on its way. */
  #flightFrames = 0;
  #flightBytes = 0;
  /** What of it the peer has missed, to be sent again before anything else. */
  readonly #lost = new Map<number, Sent>();
  #pacer: Pacer;
  #window: number;
  #acknowledged = 0;
  #advancedAt = 0;
  #backoff = 1;
  /** How often an acknowledgement was asked for since, and when last. */
  #probes = 0;
  #askedAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #suspended = false;

  /**
   * @param window - bytes that the peer accepts.
   */
  constructor(host: OutboxHost, window: number, limits: OutboxLimits) {
    this.#host = host;
    this.#limits = limits;
    this.#window = window;
    this.#pacer = this.#newPacer();
  }

  /** Bytes of bodies the peer accepts. */
  set window(bytes: number) {
    this.#window = bytes;
  }

  /** Whether all that was sent is acknowledged. */
  get idle(): boolean {
    return this.#kept.size === 0;
  }

  /**
   * Queue a message.
   *
   * @param sent - called when its last fragment has been sent for the first time.
   */
  message(port: number, parts: readonly Bytes[], sent?: () => void): void {
    this.#add(port, { kind: 'message', parts: parts.filter(part => part.byteLength > 0), sent, part: 0, offset: 0, first: true });
  }

  /** Queue the closing of a port, after its messages. */
  close(port: number): void {
    this.#add(port, { kind: 'close' });
  }

  /** Send nothing for the port until it is released. */
  hold(port: number): void {
    this.#held.add(port);
  }

  release(port: number): void {
    this.#held.delete(port);
  }

  #add(port: number, job: Job): void {
    const jobs = this.#jobs.get(port);
    if (jobs === undefined) this.#jobs.set(port, [job]);
    else jobs.push(job);
  }

  /** The carrier is gone: nothing is sent until there is another. */
  suspend(): void {
    this.#suspended = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Frames go over another carrier from now on: nothing is known of what was on its way over the last one.
   *
   * @param roundTrip - what the carrier needed to answer HELLO, ms.
   */
  resume(roundTrip?: number): void {
    this.#suspended = false;
    this.#pacer = this.#newPacer(roundTrip);
    this.#backoff = 1;
    this.#forgetFlight();
    this.#advancedAt = performance.now();
    this.#watch();
  }

  /** Send what windows and carrier allow. */
  pump(): void {
    if (this.#suspended) return;
    const now = performance.now();
    this.#sendLost(now);
    let packet: Frame[] = [];
    let bytes = 0;
    let segments = 0;
    const flush = (): void => {
      const newest = packet.at(-1);
      if (newest === undefined) return;
      this.last = newest.seq;
      this.#host.transmit(packet);
      packet = [];
      bytes = 0;
      segments = 0;
    };
    // A packet arrives as a whole: on a slow road one of many fragments would be one large fragment.
    const fragmentSize = this.#pacer.fragment(this.#host.fragmentSize);
    const most = fragmentSize + Math.min(PACKET_SLACK, fragmentSize / 4);
    let waiting = true;
    while (this.#lost.size === 0 && this.#room()) {
      const frame = this.#next();
      if (frame === null) {
        waiting = false;
        break;
      }
      const size = bodySize(frame);
      const pieces = segmentsOf(frame);
      if (packet.length > 0 && (bytes + size > most || segments + pieces > MAX_PACKET_SEGMENTS)) flush();
      const stamp = this.#pacer.sent(now, this.#flightFrames === 0, frame.port);
      this.#kept.set(frame.seq, { frame, size, stamp, at: now, times: 1, state: 'out' });
      this.#keptBytes += size;
      this.#flightFrames++;
      this.#flightBytes += size;
      packet.push(frame);
      bytes += size;
      segments += pieces;
    }
    if (!waiting) this.#pacer.drained(this.#flightBytes);
    // The receiver would wait for more before it acknowledges so little, and this end waits for that.
    else if (packet.length > 0 && this.#flightFrames < ACK_FRAMES && this.#flightBytes < ACK_BYTES) {
      packet.push(pingFrame((packet.at(-1) as Frame).seq));
    }
    flush();
    this.#watch();
  }

  /** Take the peer's acknowledgement. */
  acknowledge(ack: Ack): void {
    if (ack.cumulative > this.last) throw new ProtocolError(`frame ${ack.cumulative} acknowledged of ${this.last} sent`);
    const now = performance.now();
    this.#window = ack.window;
    if (ack.cumulative > this.#acknowledged) {
      let bytes = 0;
      let stamp: Stamp | undefined;
      for (const [seq, sent] of this.#kept) {
        if (seq > ack.cumulative) break;
        // Of a frame that was sent again nobody knows which copy got through, nor whether the timeout was too short for the first.
        if (sent.times === 1) {
          this.#backoff = 1;
          stamp = sent.stamp;
        }
        this.#settle(sent, 'there');
        reclaim(sent.frame.body);
        this.#kept.delete(seq);
        this.#keptBytes -= sent.size;
        bytes += sent.size;
      }
      this.#acknowledged = ack.cumulative;
      this.#advancedAt = now;
      this.#probes = 0;
      this.#pacer.acknowledged(bytes, stamp, this.#flightBytes, now, this.#askedAt);
    }
    if (ack.missing.length > 0 && this.#takeMissing(ack.missing, now)) {
      this.#advancedAt = now;
      this.#probes = 0;
    }
    this.pump();
  }

  /** Ask for an acknowledgement that is late, or send the oldest frame again if its time is over; timers of a page that is hidden come late. */
  overdue(now: number): void {
    const [oldest] = this.#kept.values();
    if (oldest === undefined || this.#suspended) return;
    if (now >= this.#deadline(oldest)) {
      this.#backoff *= 2;
      this.#advancedAt = now;
      this.#probes = 0;
      this.#askedAt = now;
      this.#pacer.timedOut();
      this.#forgetFlight();
      // On a slow link the rest is only waiting its turn. ACK says how far it goes, and the answer names what was lost of it.
      this.#again(oldest, now, true);
    } else if (now >= this.#probeAt(oldest)) {
      this.#probes++;
      this.#askedAt = now;
      this.#host.transmit([pingFrame(this.last)]);
    }
  }

  stop(): void {
    this.suspend();
    this.#jobs.clear();
    this.#kept.clear();
    this.#lost.clear();
    this.#keptBytes = 0;
    this.#flightFrames = 0;
    this.#flightBytes = 0;
  }

  #newPacer(roundTrip?: number): Pacer {
    return new Pacer(this.#limits.minWindow, this.#limits.minFragment, roundTrip);
  }

  /** What is known of a frame has changed. */
  #settle(sent: Sent, state: Sent['state']): void {
    if (sent.state === state) return;
    if (sent.state === 'out') {
      this.#flightFrames--;
      this.#flightBytes -= sent.size;
    } else if (sent.state === 'lost') this.#lost.delete(sent.frame.seq);
    if (state === 'out') {
      this.#flightFrames++;
      this.#flightBytes += sent.size;
    } else if (state === 'lost') this.#lost.set(sent.frame.seq, sent);
    sent.state = state;
  }

  #forgetFlight(): void {
    for (const sent of this.#kept.values()) {
      if (sent.state === 'out' || sent.state === 'there') this.#settle(sent, 'unknown');
    }
  }

  /** Bytes that may still go, by the pacer. */
  get #free(): number {
    return this.#pacer.window - this.#flightBytes;
  }

  #room(): boolean {
    if (this.#kept.size === 0) return true;
    const { maxFrames } = this.#host;
    if (this.#flightFrames >= Math.min(maxFrames, this.#limits.maxFrames)) return false;
    // A sliver of a window would make slivers of frames.
    const fragment = this.#pacer.fragment(this.#host.fragmentSize);
    if (this.#flightFrames > 0 && this.#free < Math.min(fragment, this.#pacer.window / 4)) return false;
    return this.#window - this.#keptBytes >= Math.min(fragment, this.#window / 4);
  }

  /** The next frame, of the port whose turn it is. */
  #next(): Frame | null {
    for (const [port, jobs] of this.#jobs) {
      if (this.#held.has(port)) continue;
      const job = jobs[0] as Job;
      const frame = job.kind === 'close' ? this.#closing(port) : this.#cut(port, job, this.#fragment());
      if (frame.type === FrameType.CLOSE || (frame.flags & LAST) !== 0) jobs.shift();
      // To the end of the line.
      this.#jobs.delete(port);
      if (jobs.length > 0) this.#jobs.set(port, jobs);
      if (job.kind === 'message' && (frame.flags & LAST) !== 0) job.sent?.();
      return frame;
    }
    return null;
  }

  /** Bytes that the next frame may have. */
  #fragment(): number {
    const fragment = this.#pacer.fragment(this.#host.fragmentSize);
    const paced = this.#flightFrames === 0 ? fragment : Math.min(fragment, this.#free);
    return this.#kept.size === 0 ? paced : Math.min(paced, this.#window - this.#keptBytes);
  }

  #closing(port: number): Frame {
    return { type: FrameType.CLOSE, flags: 0, seq: ++this.#assigned, port, body: [] };
  }

  #cut(port: number, job: Job & { kind: 'message' }, max: number): Frame {
    const body: Bytes[] = [];
    let room = max;
    while (room > 0) {
      const part = job.parts[job.part];
      if (part === undefined) break;
      const left = part.byteLength - job.offset;
      if (left <= room) {
        body.push(job.offset === 0 ? part : part.subarray(job.offset));
        job.part++;
        job.offset = 0;
        room -= left;
      } else {
        // A piece that fits the next fragment whole is not split here: it then travels and arrives without a copy.
        if (body.length > 0 && left >= SMALL_PIECE && left <= max) break;
        body.push(part.subarray(job.offset, job.offset + room));
        job.offset += room;
        room = 0;
      }
    }
    const flags = (job.first ? FIRST : 0) | (job.part >= job.parts.length ? LAST : 0);
    job.first = false;
    return { type: FrameType.DATA, flags, seq: ++this.#assigned, port, body: segmentsFrom(body) };
  }

  /**
   * The ranges name what the peer misses; the rest up to their end has come.
   *
   * @returns whether that was news.
   */
  #takeMissing(missing: Ack['missing'], now: number): boolean {
    let range = 0;
    let news = false;
    for (const [seq, sent] of this.#kept) {
      while (range < missing.length && seq > (missing[range]?.[1] ?? 0)) range++;
      const within = missing[range];
      if (within === undefined) break;
      if (seq < within[0]) {
        news ||= sent.state !== 'there';
        this.#settle(sent, 'there');
      }
      // What was sent again less than a round trip ago may still be on its way; what is known to be there is missed by an ACK that was overtaken.
      else if (sent.state === 'unknown' || (sent.state === 'out' && (sent.times === 1 || now - sent.at >= this.#pacer.roundTrip))) {
        news = true;
        this.#settle(sent, 'lost');
      }
    }
    return news;
  }

  #sendLost(now: number): void {
    if (this.#lost.size === 0) return;
    const most = Math.min(this.#host.maxFrames, this.#limits.maxFrames);
    for (const sent of this.#lost.values()) {
      if (this.#flightFrames > 0 && (this.#flightFrames >= most || this.#free < sent.size)) break;
      this.#again(sent, now);
    }
    this.#host.transmit([pingFrame(this.last)]);
  }

  #again(sent: Sent, now: number, announce = false): void {
    this.#settle(sent, 'out');
    sent.at = now;
    sent.times++;
    this.#host.transmit([sent.frame], announce);
  }

  /** When the oldest frame is sent again, unless an acknowledgement advances before. */
  #deadline(oldest: Sent): number {
    const { measured, patience } = this.#pacer;
    const timeout = measured ? Math.min(MAX_TIMEOUT, Math.max(MIN_TIMEOUT, patience)) : INITIAL_TIMEOUT;
    this.#backoff = Math.min(this.#backoff, MAX_TIMEOUT / MIN_TIMEOUT);
    const delay = Math.max(timeout, Math.min(MAX_BACKED_OFF, timeout * this.#backoff));
    return Math.max(this.#advancedAt, oldest.at) + delay;
  }

  /** When an acknowledgement is asked for: where the last packet of many is lost, nothing that follows tells of it. */
  #probeAt(oldest: Sent): number {
    const since = this.#probes === 0 ? Math.max(this.#advancedAt, oldest.at) : this.#askedAt;
    return since + (2 * this.#pacer.roundTrip + PROBE_DELAY) * 2 ** this.#probes;
  }

  /** Wait for an acknowledgement that advances. */
  #watch(): void {
    const [oldest] = this.#kept.values();
    if (oldest === undefined || this.#timer !== undefined || this.#suspended) return;
    // The deadline moves with every acknowledgement; a timer that finds itself too early waits for the rest.
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.overdue(performance.now());
        this.#watch();
      },
      Math.max(1, Math.min(this.#deadline(oldest), this.#probeAt(oldest)) - performance.now())
    );
  }
}

/** Whole ArrayBuffers for the pieces of a body, small neighbours in one. */
function segmentsFrom(body: readonly Bytes[]): Bytes[] {
  const segments: Bytes[] = [];
  let small: Bytes[] = [];
  let smallSize = 0;
  const flush = (): void => {
    const [only] = small;
    if (small.length === 1 && only !== undefined) segments.push(exact(only));
    else if (small.length > 1) {
      const joined = new Uint8Array(smallSize);
      let at = 0;
      for (const piece of small) {
        joined.set(piece, at);
        at += piece.byteLength;
      }
      segments.push(joined);
    }
    small = [];
    smallSize = 0;
  };
  for (const piece of body) {
    if (piece.byteLength < SMALL_PIECE) {
      small.push(piece);
      smallSize += piece.byteLength;
    } else {
      flush();
      segments.push(exact(piece));
    }
  }
  flush();
  return segments;
}
