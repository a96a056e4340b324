/** A link: many ports to one other end, with order and nothing lost, over carriers that come and go (`docs/protocol.md`, sections 2 to 4). */

import { linkErrorOf, LinkError, ProtocolError } from '../../errors.js';
import type { Bytes } from '../bytes.js';
import { type Carrier, type ReceivedPacket, type Road, roadOf } from '../carriers/base.js';
import {
  ackBody,
  ackFrame,
  decodePacket,
  encodePacket,
  endBody,
  type Frame,
  FrameType,
  type Hello,
  jsonFrame,
  pingFrame,
  tokenOf,
  VERSIONS,
  type Welcome
} from '../frame.js';
import { type Limits, limitsOf } from '../limits.js';
import { Port } from '../port/port.js';
import { Seat } from '../port/seat.js';
import { afterTasks } from '../port/task.js';
import { Dialler } from './dial.js';
import { Farewell } from './farewell.js';
import { AGENT, linkName, randomBytes } from './handshake.js';
import { Inbox } from './inbox.js';
import { Outbox } from './outbox.js';
import { Ports } from './ports.js';
import { Silence } from './silence.js';

/** Carriers of one link that an acceptor keeps; the oldest gives way. */
const MAX_ATTACHED = 8;
/** What a link without a carrier stands on: it sends nothing. */
const NO_CARRIER = { maxFrames: 1, fragmentSize: 16 * 1024 } as const;

/** What a link may be opened with. */
export interface OpenOptions {
  /** Service wanted on the main port. */
  readonly service?: string;
  /** Parameters for the service. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Aborts the opening; no use later. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which opening fails; `limits.openTimeout` where not given. */
  readonly timeout?: number;
  /** Limits that are not the default ones. */
  readonly limits?: Partial<Limits>;
  /** Puts into words why no road led to the other end: `failures` is what became of those that ended. */
  readonly explain?: (failures: readonly Error[]) => Error;
}

/** What an acceptor has agreed on with the opener. */
export interface Accepted {
  readonly hello: Hello;
  readonly welcome: Omit<Welcome, 'carrier'>;
  readonly token: Bytes;
  readonly limits: Limits;
}

/** A link, opened or accepted. */
export class Link {
  /** Random name, the same at both ends. */
  readonly name: string;
  /** The main port, not started. */
  readonly port: Port;
  /** Resolves, never rejects, when the link is over: with the reason. */
  readonly ended: Promise<LinkError>;
  /** Told once when the link is over. `error.code` is ERR_CLOSED when it ended in order. */
  onend: ((error: LinkError) => void) | null = null;

  readonly #role: 'opener' | 'acceptor';
  readonly #token: Bytes;
  readonly #limits: Limits;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #ports: Ports;
  readonly #silence: Silence;
  /** The carrier in use; null while there is none. */
  #carrier: Carrier | null = null;
  /** Those over which the other end may be heard, and the opener's lost ones until another has taken over; the newest last. */
  readonly #attached = new Set<Carrier>();
  #dialler: Dialler | undefined;
  #road = 0;
  /** Why the last carrier was lost. */
  #loss: Error | undefined;
  #state: 'opening' | 'open' | 'over' = 'opening';
  #agent = '';
  #welcome: Omit<Welcome, 'carrier'> | undefined;
  #carrierName = '';
  #pumping = false;
  #receiving = false;
  #looking: ReturnType<typeof setInterval> | undefined;
  /** Runs while there is no carrier. */
  #givingUp: ReturnType<typeof setTimeout> | undefined;
  #farewell: { readonly carrier: Carrier; readonly words: Farewell } | undefined;
  #finish!: (error: LinkError) => void;
  #opened: { resolve(): void; reject(error: Error): void } | undefined;

  /**
   * Open a link.
   *
   * @param roads - to the other end, best first; or a carrier, which this call starts.
   * @returns the link once the other end has accepted it.
   * @throws LinkError with the other end's reason, ERR_TIMEOUT if there is no answer, ERR_CARRIER if no carrier holds; what `explain` says instead of
   * the latter two; InvalidInputError for a limit out of range; the reason of `signal`.
   */
  static async open(roads: Carrier | readonly Road[], options: OpenOptions = {}): Promise<Link> {
    options.signal?.throwIfAborted();
    const link = new Link('opener', linkName(), randomBytes(32), limitsOf(options.limits));
    await link.#open('send' in roads ? [roadOf(roads)] : roads, options);
    return link;
  }

  /**
   * The acceptor's end of a link whose HELLO has been agreed to; `attach` gives it its carriers.
   *
   * @internal
   */
  static accepted({ hello, welcome, token, limits }: Accepted): Link {
    const link = new Link('acceptor', hello.link, token, limits);
    link.#welcome = welcome;
    link.#start(hello.agent, hello.window);
    return link;
  }

  private constructor(role: 'opener' | 'acceptor', name: string, token: Bytes, limits: Limits) {
    this.name = name;
    this.#role = role;
    this.#token = token;
    this.#limits = limits;
    this.ended = new Promise(resolve => (this.#finish = resolve));
    this.#inbox = new Inbox({ deliver: frame => this.#ports.deliver(frame), acknowledge: () => this.#acknowledge() }, limits.window);
    const inUse = (): Pick<Carrier, 'maxFrames' | 'fragmentSize'> => this.#carrier ?? NO_CARRIER;
    this.#outbox = new Outbox(
      {
        get maxFrames() {
          return inUse().maxFrames;
        },
        get fragmentSize() {
          return inUse().fragmentSize;
        },
        transmit: (frames, announce) => this.#transmit(frames, announce)
      },
      limits.window,
      limits
    );
    this.#outbox.suspend();
    this.#silence = new Silence(limits, performance.now());
    this.#ports = new Ports(
      {
        link: name,
        limits,
        outbox: this.#outbox,
        pump: () => this.#pump(),
        idle: () => queueMicrotask(() => this.#ports.size === 0 && this.end()),
        fail: error => this.#fail(error)
      },
      role === 'opener' ? 2 : 1
    );
    const seat = new Seat();
    this.#ports.main(seat);
    this.port = new Port(seat);
  }

  /** What the other end calls itself. */
  get agent(): string {
    return this.#agent;
  }

  /** Name of the carrier in use, or of the last one. */
  get carrier(): string {
    return this.#carrierName;
  }

  /** End the link: all its ports close at both ends, with the error if one is given. */
  end(error?: LinkError): void {
    if (this.#state === 'over') return;
    if (this.#state === 'open') this.#outbox.pump();
    this.#over(error ?? new LinkError('the link was closed', { code: 'ERR_CLOSED' }), 'ask');
  }

  /** @internal Whether the token is this link's. */
  knows(token: Uint8Array | null): boolean {
    return token !== null && sameBytes(token, this.#token);
  }

  /** @internal HELLO with this link's token has come over the carrier; for the acceptor. */
  attach(carrier: Carrier): void {
    if (this.#state !== 'open' || this.#welcome === undefined) return;
    const first = this.#attached.size === 0 && this.#carrierName === '';
    const known = this.#attached.delete(carrier);
    this.#attached.add(carrier);
    if (!known) {
      for (const oldest of this.#attached) {
        if (this.#attached.size <= MAX_ATTACHED) break;
        this.#attached.delete(oldest);
        oldest.close();
      }
    }
    carrier.send(this.#packet([jsonFrame(FrameType.WELCOME, { ...this.#welcome, carrier: carrier.name })]));
    if (carrier !== this.#carrier) this.#use(carrier, !first);
  }

  /** @internal Take a packet; for the acceptor, which has started the carrier. */
  receive(packet: ReceivedPacket, carrier: Carrier): void {
    // Before anything else is read, or anybody could end a link by sending rubbish.
    const token = tokenOf(packet);
    if (this.#role === 'acceptor' ? !this.knows(token) : token !== null && token.byteLength > 0) return;
    if (this.#state === 'over') return this.#takeLate(packet, carrier);
    if (!this.#attached.has(carrier)) return;
    const now = performance.now();
    this.#receiving = true;
    try {
      const { frames } = decodePacket(packet);
      const [first] = frames;
      if (this.#role === 'acceptor') {
        if (first?.type === FrameType.HELLO) this.attach(carrier);
        else if (carrier !== this.#carrier) this.#use(carrier, true);
      }
      const wasSilent = this.#silence.silent;
      this.#silence.heard(now);
      if (wasSilent) this.#dialler?.stop();
      for (const frame of frames) this.#take(frame, now);
    } catch (error) {
      // Only what the peer sent can be at fault here; anything else is this end's own mistake and must be seen.
      if (!(error instanceof LinkError)) throw error;
      this.#fail(error);
    } finally {
      this.#receiving = false;
    }
    if (this.#state !== 'open') return;
    this.#inbox.settled();
    this.#outbox.overdue(now);
    this.#outbox.pump();
  }

  /** @internal A carrier is gone. */
  carrierClosed(carrier: Carrier, error?: Error): void {
    if (this.#farewell?.carrier === carrier) return this.#farewell.words.close();
    if (this.#state === 'over' || !this.#attached.has(carrier)) return;
    // The opener's closing, when another has taken over, tells the other end what to let go of.
    if (this.#role === 'acceptor') this.#attached.delete(carrier);
    if (carrier !== this.#carrier) return;
    const other = [...this.#attached].at(-1);
    if (this.#role === 'acceptor' && other !== undefined) return this.#use(other, true);
    if (error instanceof LinkError) return this.#over(error, 'none');
    this.#lost(carrier, error);
  }

  async #open(roads: readonly Road[], options: OpenOptions): Promise<void> {
    const { service = 'ipfs', params = {}, signal, timeout = this.#limits.openTimeout, explain } = options;
    let resume = false;
    const dialler = new Dialler(roads, {
      link: this.name,
      hello: () => this.#packet([jsonFrame(FrameType.HELLO, { ...hello, ...(resume && { resume }) })]),
      welcomed: (carrier, road, welcome, roundTrip) => {
        resume = true;
        this.#welcomed(carrier, road, welcome, roundTrip);
      },
      receive: (packet, carrier) => this.receive(packet, carrier),
      closed: (carrier, error) => this.carrierClosed(carrier, error),
      refused: error => (this.#opened === undefined ? this.#over(error, 'none') : this.#opened.reject(error)),
      failed: failures => {
        if (this.#opened !== undefined) this.#opened.reject(explain?.(failures) ?? noCarrier(failures));
        else if (this.#carrier === null) this.#over(noCarrier(this.#loss === undefined ? failures : [this.#loss]), 'none');
      }
    });
    this.#dialler = dialler;
    const hello: Hello = {
      versions: VERSIONS,
      link: this.name,
      carriers: dialler.names,
      service,
      params,
      agent: AGENT,
      window: this.#limits.window
    };
    const onAbort = (): void => this.#opened?.reject(signal?.reason as Error);
    const deadline = setTimeout(() => {
      const over = dialler.names.join(', ');
      const silence = new LinkError(`no answer to HELLO over ${over} within ${timeout / 1000} s`, { code: 'ERR_TIMEOUT' });
      this.#opened?.reject(explain?.(dialler.failures) ?? silence);
    }, timeout);
    signal?.addEventListener('abort', onAbort);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#opened = { resolve, reject };
        dialler.dial({ resume: false });
      });
    } catch (error) {
      this.#opened = undefined;
      const reason =
        error instanceof LinkError ? error : new LinkError(`opening was given up: ${String(error)}`, { code: 'ERR_CLOSED', cause: error });
      this.#over(reason, 'none');
      throw error;
    } finally {
      this.#opened = undefined;
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #welcomed(carrier: Carrier, road: number, { agent, window }: Welcome, roundTrip: number): void {
    const first = this.#state === 'opening';
    const former = [...this.#attached];
    this.#attached.clear();
    this.#attached.add(carrier);
    this.#road = road;
    if (first) this.#start(agent, window);
    this.#use(carrier, !first, roundTrip);
    for (const old of former) old.close();
    this.#opened?.resolve();
  }

  #start(agent: string, window: number): void {
    this.#state = 'open';
    this.#agent = agent;
    this.#outbox.window = window;
    this.#looking = setInterval(() => this.#look(), this.#silence.checkEvery);
    // A page needs no such manners; in Node a link alone shall not keep the process.
    (this.#looking as { unref?(): void }).unref?.();
  }

  /** Send over this carrier from now on; if it is not the first, both ends say what they have so that what was lost is named. */
  #use(carrier: Carrier, compare: boolean, roundTrip?: number): void {
    clearTimeout(this.#givingUp);
    this.#givingUp = undefined;
    this.#carrier = carrier;
    this.#carrierName = carrier.name;
    this.#silence.heard(performance.now());
    this.#outbox.resume(roundTrip);
    if (compare) this.#transmit([pingFrame(this.#outbox.last)], true);
    this.#pump();
  }

  /** The carrier in use is gone, and the link looks for another, or waits for one. */
  #lost(carrier: Carrier, error?: Error): void {
    if (this.#role === 'acceptor') carrier.close();
    this.#carrier = null;
    this.#outbox.suspend();
    this.#loss = error ?? new Error(`the carrier ${carrier.name} was closed`);
    const { resumeWithin } = this.#limits;
    this.#givingUp = setTimeout(() => {
      const what = `the carrier ${carrier.name} was lost, and none came within ${resumeWithin / 1000} s (resumeWithin)`;
      this.#over(new LinkError(`${what}: ${this.#loss?.message}`, { code: 'ERR_CARRIER', cause: this.#loss }), 'none');
    }, resumeWithin);
    if (this.#role === 'acceptor') (this.#givingUp as { unref?(): void }).unref?.();
    this.#dialler?.dial({ resume: true });
  }

  #take(frame: Frame, now: number): void {
    if (this.#state !== 'open') return;
    switch (frame.type) {
      case FrameType.DATA:
      case FrameType.CLOSE:
        this.#silence.used(now);
        return this.#inbox.receive(frame);
      case FrameType.ACK: {
        const ack = ackBody(frame);
        this.#outbox.acknowledge(ack);
        return this.#inbox.announced(frame.seq);
      }
      case FrameType.PING:
        return this.#inbox.announced(frame.seq, true);
      case FrameType.END: {
        const { code, message } = endBody(frame);
        return this.#over(linkErrorOf(code, message), 'answer');
      }
      case FrameType.HELLO:
        if (this.#role === 'acceptor') return;
        throw new ProtocolError('HELLO from the acceptor');
      default:
        // A second WELCOME answers a repeated HELLO.
        if (this.#role === 'acceptor') throw new ProtocolError(`a frame of type ${frame.type} from the opener`);
    }
  }

  /** The link is over; the other end may not have heard of it. */
  #takeLate(packet: ReceivedPacket, carrier: Carrier): void {
    if (this.#farewell?.carrier !== carrier) return;
    try {
      if (decodePacket(packet).frames.some(({ type }) => type === FrameType.END)) this.#farewell.words.heard();
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
  }

  #pump(): void {
    // While a packet is taken apart, one call at its end does for all of it.
    if (this.#pumping || this.#receiving || this.#state !== 'open') return;
    this.#pumping = true;
    // What the messages of one packet are answered with goes into one packet, too: it costs far more than what is in it.
    afterTasks(() => {
      this.#pumping = false;
      if (this.#state === 'open') this.#outbox.pump();
    });
  }

  #acknowledge(): void {
    if (this.#state === 'open') this.#transmit([], true);
  }

  #transmit(frames: readonly Frame[], announce = false): void {
    if (this.#state !== 'open' || this.#carrier === null) return;
    const withAck = announce || this.#inbox.owes ? [...frames, ackFrame(this.#inbox.take(), this.#outbox.last)] : frames;
    if (!this.#outbox.idle) this.#silence.used(performance.now());
    this.#carrier.send(this.#packet(withAck));
  }

  #packet(frames: readonly Frame[]): Bytes[] {
    return encodePacket(this.#role === 'opener' ? this.#token : new Uint8Array(0), frames);
  }

  #look(): void {
    if (this.#carrier === null) return;
    const now = performance.now();
    switch (this.#silence.look(!this.#outbox.idle, now)) {
      case 'fine':
        return;
      case 'ask':
        return this.#transmit([pingFrame(this.#outbox.last)]);
      case 'silent':
        this.#transmit([pingFrame(this.#outbox.last)]);
        if (this.#state === 'open' && this.#carrier !== null) this.#dialler?.dial({ resume: true, beside: this.#road });
        return;
      case 'expired': {
        const seconds = Math.round(this.#silence.since(now) / 1000);
        return this.end(new LinkError(`nothing was heard of the other end for ${seconds} s (expireAfter)`, { code: 'ERR_TIMEOUT' }));
      }
      case 'idle': {
        const seconds = this.#limits.idleAfter / 1000;
        return this.end(new LinkError(`nobody has used the link for ${seconds} s (idleAfter)`, { code: 'ERR_TIMEOUT' }));
      }
    }
  }

  #fail(error: Error): void {
    this.end(error instanceof LinkError ? error : new ProtocolError(error.message, { cause: error }));
  }

  /** The link is over: this end tells the other one, answers it, or has nobody to tell. */
  #over(error: LinkError, farewell: 'ask' | 'answer' | 'none'): void {
    if (this.#state === 'over') return;
    const carrier = this.#state === 'open' ? this.#carrier : null;
    this.#state = 'over';
    clearInterval(this.#looking);
    clearTimeout(this.#givingUp);
    this.#inbox.stop();
    const { last } = this.#outbox;
    this.#outbox.stop();
    this.#dialler?.stop();
    this.#opened?.reject(error);
    if (carrier !== null && farewell !== 'none') {
      const end = this.#packet([jsonFrame(FrameType.END, { code: error.code, message: error.message }, last)]);
      carrier.send(end);
      if (!carrier.tellsClose) this.#farewell = { carrier, words: new Farewell(carrier, end, farewell === 'ask') };
    }
    for (const attached of this.#attached) if (attached !== this.#farewell?.carrier) attached.close();
    this.#attached.clear();
    this.#ports.over(error.code === 'ERR_CLOSED' ? undefined : error);
    this.#finish(error);
    this.onend?.(error);
  }
}

/** That no carrier is left, with what became of those that were tried. */
function noCarrier([first]: readonly Error[]): LinkError {
  if (first instanceof LinkError) return first;
  const what = 'no carrier is left to the other end';
  return new LinkError(first === undefined ? what : `${what}: ${first.message}`, { code: 'ERR_CARRIER', cause: first });
}

/** Compare in a time that does not tell where they differ. */
function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.byteLength ^ other.byteLength;
  for (let at = 0; at < other.byteLength; at++) difference |= (one[at] ?? 0) ^ (other[at] as number);
  return difference === 0;
}
