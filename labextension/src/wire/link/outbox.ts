/** The sending half of a link: cuts messages into frames, keeps them until they are acknowledged, and sends again what was lost. */

import { ProtocolError } from '../../errors.js';
import { type Bytes, exact } from '../bytes.js';
import { type Ack, bodySize, FIRST, type Frame, FrameType, LAST, segmentsOf } from '../frame.js';

/** Round trip assumed before one was measured, ms. */
const INITIAL_ROUND_TRIP = 100;
/** How long no acknowledgement may advance before the oldest frame is sent again, ms: before a round trip was measured, and the bounds from then on. */
const INITIAL_TIMEOUT = 1_000;
const MIN_TIMEOUT = 250;
const MAX_TIMEOUT = 10_000;
/** Pieces of a body smaller than this are joined, so that a message of many small buffers does not make many segments. */
const SMALL_PIECE = 4096;
/** What a packet may exceed the carrier's fragment by, so that a message's head does not cost a packet of its own. */
const PACKET_SLACK = 64 * 1024;
const MAX_PACKET_SEGMENTS = 512;

/** What an outbox stands on. */
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
  at: number;
  times: number;
}

export class Outbox {
  /** The last sequence number that was sent. */
  last = 0;
  /** The last sequence number given out: a frame of the packet being made, perhaps. */
  #assigned = 0;
  readonly #host: OutboxHost;
  /** Jobs by port; the first port is the next whose turn it is. */
  readonly #jobs = new Map<number, Job[]>();
  readonly #held = new Set<number>();
  readonly #flight = new Map<number, Sent>();
  #flightBytes = 0;
  #window: number;
  #acknowledged = 0;
  #roundTrip: number | undefined;
  #backoff = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: OutboxHost, window: number) {
    this.#host = host;
    this.#window = window;
  }

  /** Bytes of bodies the peer accepts. */
  set window(bytes: number) {
    this.#window = bytes;
  }

  /** Measured round trip, ms. */
  get roundTrip(): number {
    return this.#roundTrip ?? INITIAL_ROUND_TRIP;
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

  /** Send what window and carrier allow. */
  pump(): void {
    const now = performance.now();
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
    while (this.#room()) {
      const frame = this.#next();
      if (frame === null) break;
      const size = bodySize(frame);
      const pieces = segmentsOf(frame);
      if (packet.length > 0 && (bytes + size > this.#host.fragmentSize + PACKET_SLACK || segments + pieces > MAX_PACKET_SEGMENTS)) flush();
      this.#flight.set(frame.seq, { frame, size, at: now, times: 1 });
      this.#flightBytes += size;
      packet.push(frame);
      bytes += size;
      segments += pieces;
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
      const newest = this.#flight.get(ack.cumulative);
      if (newest?.times === 1) this.#measured(now - newest.at);
      for (const [seq, sent] of this.#flight) {
        if (seq > ack.cumulative) break;
        // Of a frame that was sent again nobody knows which copy got through, nor whether the timeout was too short for the first.
        if (sent.times === 1) this.#backoff = 1;
        this.#flight.delete(seq);
        this.#flightBytes -= sent.size;
      }
      this.#acknowledged = ack.cumulative;
      this.#restart();
    }
    if (ack.missing.length > 0) this.#resend(ack.missing, now);
    this.pump();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#jobs.clear();
    this.#flight.clear();
    this.#flightBytes = 0;
  }

  #room(): boolean {
    if (this.#flight.size === 0) return true;
    // A sliver of the window would make slivers of frames.
    const useful = Math.min(this.#host.fragmentSize, this.#window / 4);
    return this.#flight.size < this.#host.maxFrames && this.#window - this.#flightBytes >= useful;
  }

  /** The next frame, of the port whose turn it is. */
  #next(): Frame | null {
    for (const [port, jobs] of this.#jobs) {
      if (this.#held.has(port)) continue;
      const job = jobs[0] as Job;
      const left = this.#flight.size === 0 ? Infinity : this.#window - this.#flightBytes;
      const frame = job.kind === 'close' ? this.#closing(port) : this.#cut(port, job, Math.min(this.#host.fragmentSize, left));
      if (frame.type === FrameType.CLOSE || (frame.flags & LAST) !== 0) jobs.shift();
      // To the end of the line.
      this.#jobs.delete(port);
      if (jobs.length > 0) this.#jobs.set(port, jobs);
      if (job.kind === 'message' && (frame.flags & LAST) !== 0) job.sent?.();
      return frame;
    }
    return null;
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
        if (body.length > 0 && left >= SMALL_PIECE && left <= this.#host.fragmentSize) break;
        body.push(part.subarray(job.offset, job.offset + room));
        job.offset += room;
        room = 0;
      }
    }
    const flags = (job.first ? FIRST : 0) | (job.part >= job.parts.length ? LAST : 0);
    job.first = false;
    return { type: FrameType.DATA, flags, seq: ++this.#assigned, port, body: segmentsFrom(body) };
  }

  #resend(missing: Ack['missing'], now: number): void {
    const due: Sent[] = [];
    let range = 0;
    for (const [seq, sent] of this.#flight) {
      while (range < missing.length && seq > (missing[range]?.[1] ?? 0)) range++;
      const within = missing[range];
      if (within === undefined) break;
      // What was sent again less than a round trip ago may still be on its way.
      if (seq >= within[0] && (sent.times === 1 || now - sent.at >= this.roundTrip)) due.push(sent);
    }
    for (const sent of due) this.#host.transmit([again(sent, now)]);
  }

  #measured(time: number): void {
    this.#roundTrip = this.#roundTrip === undefined ? time : this.#roundTrip + (time - this.#roundTrip) / 8;
  }

  #restart(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#watch();
  }

  /** Wait for an acknowledgement that advances. */
  #watch(): void {
    if (this.#flight.size === 0 || this.#timer !== undefined) return;
    const timeout = this.#roundTrip === undefined ? INITIAL_TIMEOUT : Math.max(MIN_TIMEOUT, 4 * this.#roundTrip);
    const delay = Math.min(MAX_TIMEOUT, timeout * this.#backoff);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#backoff = Math.min(this.#backoff * 2, MAX_TIMEOUT / MIN_TIMEOUT);
      const [oldest] = this.#flight.values();
      // On a slow link the rest is only waiting its turn. ACK says how far it goes, and the answer names what was lost of it.
      if (oldest !== undefined) this.#host.transmit([again(oldest, performance.now())], true);
      this.#watch();
    }, delay);
  }
}

/** The frame, about to be sent once more. */
function again(sent: Sent, now: number): Frame {
  sent.at = now;
  sent.times++;
  return sent.frame;
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
