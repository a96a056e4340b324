/** Two ends in one process, with faults on request: the carrier of tests. */

import { LinkError } from '../../errors.js';
import { bytesOf } from '../bytes.js';
import { task } from '../port/task.js';
import type { Carrier, Packet, ReceivedPacket, Road } from './base.js';

/** What goes wrong: each of the first five a probability per packet. */
export interface Faults {
  readonly drop?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  readonly corrupt?: number;
  readonly truncate?: number;
  /** Up to so many ms late, in order. */
  readonly delay?: number;
  /** Packets after which the carrier is lost, at both ends. */
  readonly cut?: number;
  /** Ms for which another carries nothing. */
  readonly cut_ms?: number;
  /** How many times that happens, each after `cut` packets more; once where not given. */
  readonly cuts?: number;
  /** Makes the faults the same every time. */
  readonly seed?: number;
}

const FRAGMENT_SIZE = 256 * 1024;
const MAX_FRAMES = 256;
/** A packet that is overtaken waits for others so long, ms. */
const OVERTAKEN_FOR = 5;

interface Parcel {
  readonly packet: readonly Uint8Array<ArrayBuffer>[];
  /** Of the packet as it was sent, where faults may change it: a carrier must not. */
  readonly checksum: number | undefined;
}

/** The two ends of a memory carrier. */
export function memoryCarriers(faults: Faults = {}): [Carrier, Carrier] {
  return new Medium(faults).carriers();
}

/** A road whose carriers lead, with the same faults, to `accept`, which is given the other end of each. */
export function memoryRoad(faults: Faults, accept: (carrier: Carrier) => void): Road {
  const medium = new Medium(faults);
  return {
    name: 'memory',
    dial: () => {
      const [one, other] = medium.carriers();
      accept(other);
      return one;
    }
  };
}

class MemoryCarrier implements Carrier {
  readonly name = 'memory';
  readonly maxFrames = MAX_FRAMES;
  readonly fragmentSize = FRAGMENT_SIZE;
  readonly tellsClose: boolean;
  peer!: MemoryCarrier;
  readonly #medium: Medium;
  #receive: ((packet: ReceivedPacket) => void) | undefined;
  #closed: ((error?: Error) => void) | undefined;
  /** What came before the start. */
  #early: Parcel[] = [];
  #over = false;
  #arriving: (() => void)[] = [];

  constructor(medium: Medium) {
    this.#medium = medium;
    this.tellsClose = medium.isReliable;
  }

  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void {
    this.#receive = receive;
    this.#closed = closed;
    for (const parcel of this.#early.splice(0)) this.peer.#later(() => this.#arrive(parcel));
  }

  send(packet: Packet): void {
    if (this.#over) return;
    for (const { parcel, delay } of this.#medium.pass(packet, this)) {
      const arrive = (): void => this.peer.#arrive(parcel);
      if (delay === 0) this.#later(arrive);
      else setTimeout(arrive, delay);
    }
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    // Who loses packets loses this one as well, where it matters that nobody relies on it.
    if (!this.tellsClose) return;
    const hangUp = (): void => this.#later(() => this.peer.#hangUp(new LinkError('the other end closed the carrier')));
    const delay = this.#medium.longestDelay;
    if (delay === 0) hangUp();
    else setTimeout(hangUp, delay);
  }

  /** Nothing comes or goes any more, for no reason that this end would know. */
  lose(): void {
    this.#later(() => this.#hangUp(new Error('the carrier was cut')));
  }

  /** Run in a task of its own, in order; packets of one turn share one. */
  #later(action: () => void): void {
    this.#arriving.push(action);
    if (this.#arriving.length > 1) return;
    task(() => {
      for (const act of this.#arriving.splice(0)) act();
    });
  }

  #arrive(parcel: Parcel): void {
    if (this.#over) return;
    if (this.#receive === undefined) this.#early.push(parcel);
    else if (parcel.checksum === undefined || parcel.checksum === checksum(parcel.packet)) this.#receive(parcel.packet);
  }

  #hangUp(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#closed?.(error);
  }
}

/** What lies between the two: copies packets, as every real carrier does, and does the damage. */
class Medium {
  readonly #faults: Faults;
  readonly #random: () => number;
  /** Packets since the last cut, and what is left of cuts. */
  #count = 0;
  #cuts: number;
  #cutUntil = -Infinity;
  #due = 0;

  constructor(faults: Faults) {
    this.#faults = faults;
    this.#random = randomFrom(faults.seed ?? 1);
    this.#cuts = faults.cut === undefined ? 0 : (faults.cuts ?? 1);
  }

  /** Two carriers that are each other's other ends. */
  carriers(): [MemoryCarrier, MemoryCarrier] {
    const [one, other] = [new MemoryCarrier(this), new MemoryCarrier(this)];
    one.peer = other;
    other.peer = one;
    return [one, other];
  }

  /** Whether whatever is sent arrives. */
  get isReliable(): boolean {
    const { drop = 0, corrupt = 0, truncate = 0 } = this.#faults;
    return drop === 0 && corrupt === 0 && truncate === 0;
  }

  /** After so many ms all that was sent has arrived. */
  get longestDelay(): number {
    const { delay = 0, reorder = 0 } = this.#faults;
    return delay + (reorder > 0 ? OVERTAKEN_FOR : 0);
  }

  pass(packet: Packet, by: MemoryCarrier): { parcel: Parcel; delay: number }[] {
    const { drop = 0, duplicate = 0, reorder = 0, corrupt = 0, truncate = 0, delay = 0 } = this.#faults;
    if (this.#isCut(by) || this.#hits(drop)) return [];
    const copy = packet.map(buffer => bytesOf(buffer).slice());
    const sealed = corrupt > 0 || truncate > 0 ? checksum(copy) : undefined;
    if (this.#hits(corrupt)) this.#corrupt(copy);
    if (this.#hits(truncate)) this.#truncate(copy);
    const parcel: Parcel = { packet: copy, checksum: sealed };
    const late = this.#hits(reorder) ? OVERTAKEN_FOR : 0;
    const parcels = [{ parcel, delay: this.#delay(delay) + late }];
    if (this.#hits(duplicate)) {
      const again = { packet: copy.map(buffer => buffer.slice()), checksum: sealed };
      parcels.push({ parcel: again, delay: this.#delay(delay) });
    }
    return parcels;
  }

  #hits(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }

  #isCut(by: MemoryCarrier): boolean {
    const { cut = 0, cut_ms = 1_000 } = this.#faults;
    const now = performance.now();
    if (now < this.#cutUntil) return true;
    if (this.#cuts === 0 || ++this.#count <= cut) return false;
    this.#cuts--;
    this.#count = 0;
    this.#cutUntil = now + cut_ms;
    by.lose();
    by.peer.lose();
    return true;
  }

  /** Late, but not before what was sent before. */
  #delay(upTo: number): number {
    if (upTo === 0) return 0;
    const now = performance.now();
    this.#due = Math.max(this.#due, now + this.#random() * upTo);
    return this.#due - now;
  }

  #corrupt(packet: Uint8Array[]): void {
    const buffer = packet[Math.floor(this.#random() * packet.length)];
    if (buffer === undefined || buffer.byteLength === 0) return;
    const at = Math.floor(this.#random() * buffer.byteLength);
    buffer[at] = (buffer[at] as number) ^ (1 + Math.floor(this.#random() * 255));
  }

  #truncate(packet: Uint8Array<ArrayBuffer>[]): void {
    const at = Math.floor(this.#random() * packet.length);
    const buffer = packet[at];
    if (buffer !== undefined) packet[at] = buffer.slice(0, Math.floor(this.#random() * buffer.byteLength));
  }
}

/** Numbers in [0, 1) that a seed determines (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 of the packet's buffers, one after the other, and of their number. */
function checksum(packet: readonly Uint8Array[]): number {
  let crc = ~packet.length;
  for (const buffer of packet) {
    for (const byte of buffer) crc = (crcTable[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
