/** The opener's search for a carrier: HELLO over one road after the other until the other end answers (`docs/protocol.md`, section 2). */

import { LinkError, linkErrorOf } from '../../errors.js';
import type { Carrier, Packet, ReceivedPacket, Road } from '../carriers/base.js';
import { decodePacket, endBody, type Frame, FrameType, tokenOf, type Welcome } from '../frame.js';
import { parseRefuse, parseWelcome } from './handshake.js';

/** When HELLO is repeated on a carrier, ms after the first, and every how many from then on. */
const HELLO_AGAIN = [300, 600, 1_000];
const HELLO_EVERY = 500;
/** Silence after which the next road is tried as well, ms. */
const SILENCE = 300;
/** For so long after the first answer a better road may answer, ms. */
const BETTER_WITHIN = 10_000;
/** When roads that failed are tried once more, ms after the time before; from then on at the last interval. */
const REDIAL_AFTER = [500, 1_000, 2_000, 4_000];

/** What a dialler works for. */
export interface DialHost {
  readonly link: string;
  /** The packet that asks for the link. */
  hello(): Packet;
  /** A carrier has answered, so many ms after it was last asked; what comes over it goes to `receive` from now on. Called again if a better one answers. */
  welcomed(carrier: Carrier, road: number, welcome: Welcome, roundTrip: number): void;
  /** Take a packet of a carrier that has answered. */
  receive(packet: ReceivedPacket, carrier: Carrier): void;
  /** A carrier that has answered is gone. */
  closed(carrier: Carrier, error?: Error): void;
  /** The other end has said no; or, of a link that was open, a carrier has said that it is over for good. */
  refused(error: LinkError): void;
  /** No road is left that could be tried. */
  failed(failures: readonly Error[]): void;
}

/** How to dial. */
export interface Dialling {
  /** Whether the link has been open: roads are then tried time and again, and an end for good of any carrier is the link's. */
  readonly resume: boolean;
  /** The road that is in use, but silent: the others are tried beside it, once. */
  readonly beside?: number;
}

interface Attempt {
  readonly road: number;
  readonly carrier: Carrier;
  again: ReturnType<typeof setTimeout> | undefined;
  saidAt: number;
}

/** Dials the roads of one link, best first. */
export class Dialler {
  /** What became of the carriers that ended without an answer. */
  readonly failures: Error[] = [];
  readonly #roads: readonly Road[];
  readonly #host: DialHost;
  readonly #attempts = new Set<Attempt>();
  #dialling: Dialling | undefined;
  #next = 0;
  #rounds = 0;
  /** Whether a road of this round could be travelled. */
  #travelled = false;
  #step: ReturnType<typeof setTimeout> | undefined;

  constructor(roads: readonly Road[], host: DialHost) {
    this.#roads = roads;
    this.#host = host;
  }

  /** Names of the roads, best first. */
  get names(): string[] {
    return [...new Set(this.#roads.map(({ name }) => name))];
  }

  /** Whether roads are being tried. */
  get active(): boolean {
    return this.#dialling !== undefined;
  }

  /** Begin to dial; what is tried already goes on. */
  dial(dialling: Dialling): void {
    this.#dialling = dialling;
    this.#rounds = 0;
    this.failures.length = 0;
    this.#round();
  }

  /** Give up what is being tried. */
  stop(): void {
    this.#rest();
    for (const attempt of [...this.#attempts]) this.#drop(attempt);
  }

  #rest(): void {
    clearTimeout(this.#step);
    this.#step = undefined;
    this.#dialling = undefined;
  }

  #round(): void {
    this.#next = 0;
    this.#travelled = this.#attempts.size > 0;
    this.#advance();
  }

  /** Try the next road. */
  #advance(): void {
    clearTimeout(this.#step);
    while (this.#dialling !== undefined && this.#next < this.#roads.length) {
      const at = this.#next++;
      if (at === this.#dialling.beside || [...this.#attempts].some(({ road }) => road === at)) continue;
      const road = this.#roads[at] as Road;
      const carrier = road.dial();
      if (carrier === null) continue;
      this.#travelled = true;
      if (this.#next < this.#roads.length) this.#step = setTimeout(() => this.#advance(), road.silence ?? SILENCE);
      this.#try(at, carrier);
      if (this.#next < this.#roads.length) return;
    }
    this.#roundIsOver();
  }

  #roundIsOver(): void {
    const dialling = this.#dialling;
    if (dialling === undefined || dialling.beside !== undefined) return;
    if (!this.#travelled || (!dialling.resume && this.#attempts.size === 0)) {
      this.#rest();
      return this.#host.failed(this.failures);
    }
    if (!dialling.resume) return;
    const wait = REDIAL_AFTER[this.#rounds] ?? REDIAL_AFTER.at(-1);
    this.#rounds++;
    this.#step = setTimeout(() => this.#round(), wait);
  }

  #try(road: number, carrier: Carrier): void {
    const attempt: Attempt = { road, carrier, again: undefined, saidAt: 0 };
    this.#attempts.add(attempt);
    carrier.start(
      packet => {
        if (this.#attempts.has(attempt)) this.#take(attempt, packet);
        else this.#host.receive(packet, carrier);
      },
      error => {
        if (this.#attempts.has(attempt)) this.#ended(attempt, error);
        else this.#host.closed(carrier, error);
      }
    );
    const started = performance.now();
    let times = 0;
    const say = (): void => {
      if (!this.#attempts.has(attempt)) return;
      const due = HELLO_AGAIN[times] ?? performance.now() - started + HELLO_EVERY;
      times++;
      attempt.again = setTimeout(say, Math.max(0, started + due - performance.now()));
      attempt.saidAt = performance.now();
      carrier.send(this.#host.hello());
    };
    say();
  }

  /** Take what comes before the answer: anything else than an answer overtook it, and comes again. */
  #take(attempt: Attempt, packet: ReceivedPacket): void {
    const token = tokenOf(packet);
    if (token !== null && token.byteLength > 0) return;
    try {
      for (const frame of decodePacket(packet).frames) if (this.#answered(attempt, frame)) return;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.#host.refused(error);
    }
  }

  #answered(attempt: Attempt, frame: Frame): boolean {
    switch (frame.type) {
      case FrameType.WELCOME: {
        this.#won(attempt, parseWelcome(frame, this.#host.link));
        return true;
      }
      case FrameType.REFUSE:
        return this.#refused(attempt, parseRefuse(frame));
      case FrameType.END: {
        const { code, message } = endBody(frame);
        return this.#refused(attempt, linkErrorOf(code, message));
      }
      default:
        return false;
    }
  }

  #refused(attempt: Attempt, error: LinkError): true {
    // A road that might only have been a better one may be closed to this link.
    if (this.#dialling === undefined) this.#drop(attempt);
    else this.#host.refused(error);
    return true;
  }

  #won(attempt: Attempt, welcome: Welcome): void {
    this.#rest();
    clearTimeout(attempt.again);
    this.#attempts.delete(attempt);
    for (const other of [...this.#attempts]) if (other.road > attempt.road) this.#drop(other);
    if (this.#attempts.size > 0) this.#step = setTimeout(() => this.stop(), BETTER_WITHIN);
    this.#host.welcomed(attempt.carrier, attempt.road, welcome, performance.now() - attempt.saidAt);
  }

  #drop(attempt: Attempt): void {
    clearTimeout(attempt.again);
    this.#attempts.delete(attempt);
    attempt.carrier.close();
  }

  #ended(attempt: Attempt, error?: Error): void {
    clearTimeout(attempt.again);
    this.#attempts.delete(attempt);
    attempt.carrier.close();
    const dialling = this.#dialling;
    if (dialling === undefined) return;
    if (dialling.resume && dialling.beside === undefined && error instanceof LinkError) return this.#host.refused(error);
    this.failures.push(error ?? new LinkError(`the carrier ${attempt.carrier.name} was closed`));
    // Only a round that waits for this road is hurried; the next round has its time.
    if (this.#next < this.#roads.length) this.#advance();
    else if (!dialling.resume) this.#roundIsOver();
  }
}
