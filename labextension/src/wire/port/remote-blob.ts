/**
 * Blobs across a link: a handle with a port behind it, from which the bytes are read in ranges (`docs/protocol.md`, section 4, Blobs).
 */

import { LinkError } from '../../errors.js';
import { deserialize, serialize } from '../clone/index.js';
import { blobSize } from '../clone/slots.js';
import { Queue } from './queue.js';
import { type End, entangle, type Message, Seat } from './seat.js';

/** Bytes asked for at a time, and how many such requests are on their way. */
const RANGE_SIZE = 1024 * 1024;
const RANGES_IN_FLIGHT = 4;
/** The most that one request may ask for, and how many may wait for their answer. */
const MAX_RANGE_SIZE = 16 * 1024 * 1024;
const MAX_WAITING = 64;
/** Bytes that are gathered before they become a Blob, which a browser keeps outside of the page and on disk if it is large. */
const PIECE_SIZE = 16 * 1024 * 1024;

const noPorts = { refuse: () => 'ports do not travel here', detached: () => false, take: (): never => notHere() };
const noResources = { port: (): never => notHere(), blob: (): never => notHere() };

function notHere(): never {
  throw new LinkError('a port or Blob in a message about a Blob', { code: 'ERR_PROTOCOL' });
}

function messageOf(value: unknown): Message {
  const { root, entries, buffers } = serialize(value, [], noPorts, true);
  return { root, entries, buffers, resources: [] };
}

/** A Blob at the other side of a link. */
export class RemoteBlob {
  #fetched: Promise<Blob> | undefined;

  constructor(
    readonly seat: Seat,
    readonly size: number,
    readonly type: string
  ) {}

  /**
   * All its bytes.
   *
   * @throws LinkError if the other side lets go of the Blob before all bytes are here.
   */
  fetch(): Promise<Blob> {
    return (this.#fetched ??= this.#fetch());
  }

  /** The port to read from, for one who passes the Blob on. */
  forward(): Seat {
    return this.#fetched === undefined ? this.seat : serveBlob(this.#fetched);
  }

  async #fetch(): Promise<Blob> {
    const { seat, size } = this;
    const blobs: Blob[] = [];
    let pieces: Uint8Array<ArrayBuffer>[] = [];
    let asked = 0;
    let got = 0;
    const ask = (): void => {
      const end = Math.min(size, asked + RANGE_SIZE);
      seat.partner?.accept(messageOf([asked, end]));
      asked = end;
    };
    try {
      while (asked < size && asked < RANGE_SIZE * RANGES_IN_FLIGHT) ask();
      while (got < size) {
        const message = await arrival(seat);
        const { value } = deserialize(message, noResources);
        const expected = Math.min(RANGE_SIZE, size - got);
        if (!(value instanceof Uint8Array) || value.byteLength !== expected) throw failure(value, got, expected);
        pieces.push(value as Uint8Array<ArrayBuffer>);
        got += expected;
        if (asked < size) ask();
        if (got % PIECE_SIZE === 0) {
          blobs.push(new Blob(pieces));
          pieces = [];
        }
      }
    } finally {
      seat.close();
    }
    return new Blob([...blobs, ...pieces], { type: this.type });
  }
}

function failure(value: unknown, at: number, expected: number): Error {
  const reason: unknown = (value as { error?: unknown } | null)?.error;
  if (reason instanceof Error)
    return new LinkError(`reading ${expected} bytes at ${at} of a Blob at the other end: ${reason.message}`, { cause: reason });
  return new LinkError(`reading ${expected} bytes at ${at} of a Blob at the other end: the answer is no such range`, {
    code: 'ERR_PROTOCOL'
  });
}

function arrival(seat: Seat): Promise<Message> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const message = seat.queue.shift();
      if (message !== undefined) resolve(message);
      else if (seat.ended !== null) reject(seat.ended.error ?? new LinkError('the other end let go of a Blob', { code: 'ERR_CLOSED' }));
      else return;
      seat.onarrival = null;
    };
    seat.onarrival = look;
    look();
  });
}

/** A port from which the Blob can be read. */
export function serveBlob(source: Blob | Promise<Blob>): Seat {
  const seat = new Seat();
  entangle(new BlobEnd(source), seat);
  return seat;
}

/** Answers requests for ranges in their order. While one range leaves the next is read, and no more are held. */
class BlobEnd implements End {
  partner: End | null = null;
  readonly #requests = new Queue<Message>();
  #source: Blob | Promise<Blob> | null;
  #answering = false;

  constructor(source: Blob | Promise<Blob>) {
    this.#source = source;
  }

  accept(message: Message): void {
    if (this.#source === null) return;
    if (this.#requests.length >= MAX_WAITING) return this.#leave(tooManyRequests());
    this.#requests.push(message);
    if (!this.#answering) void this.#answerAll();
  }

  acceptClose(): void {
    this.#leave();
  }

  #leave(error?: Error): void {
    const { partner } = this;
    this.partner = null;
    this.#source = null;
    this.#requests.drain();
    if (error !== undefined) partner?.acceptClose(error);
  }

  async #answerAll(): Promise<void> {
    this.#answering = true;
    let leaving = Promise.resolve();
    for (let request = this.#requests.first; request !== undefined; request = this.#requests.first) {
      const reply = messageOf(await this.#read(request));
      await leaving;
      const { partner } = this;
      if (partner === null) break;
      this.#requests.shift();
      leaving = new Promise<void>(sent => partner.accept({ ...reply, sent }));
    }
    this.#answering = false;
  }

  async #read(request: Message): Promise<unknown> {
    try {
      const [start, end] = rangeOf(deserialize(request, noResources).value);
      const blob = await this.#source;
      if (blob === null) return undefined;
      // Node ends on a position beyond 32 bits.
      const size = blobSize(blob);
      return new Uint8Array(await blob.slice(Math.min(start, size), Math.min(end, size)).arrayBuffer());
    } catch (error) {
      return { error };
    }
  }
}

function tooManyRequests(): LinkError {
  return new LinkError(`more than ${MAX_WAITING} requests for bytes of a Blob wait for their answer`, { code: 'ERR_LIMIT' });
}

function rangeOf(value: unknown): readonly [number, number] {
  const [start, end] = Array.isArray(value) ? (value as unknown[]) : [];
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || (start as number) < 0 || (end as number) < (start as number)) {
    throw new RangeError('a request for bytes of a Blob is [start, end]');
  }
  if ((end as number) - (start as number) > MAX_RANGE_SIZE) throw new RangeError(`at most ${MAX_RANGE_SIZE} bytes of a Blob at a time`);
  return [start as number, end as number];
}
