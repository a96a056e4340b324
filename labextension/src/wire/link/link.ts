/** A link: many ports over one carrier, with order and nothing lost (`docs/protocol.md`, sections 2 to 4). */

import { linkErrorOf, LinkError, ProtocolError } from '../../errors.js';
import type { Bytes } from '../bytes.js';
import type { Carrier, ReceivedPacket } from '../carriers/base.js';
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
import { Port } from '../port/port.js';
import { Seat } from '../port/seat.js';
import { AGENT, DEFAULT_WINDOW, linkName, parseRefuse, parseWelcome, randomBytes } from './handshake.js';
import { Inbox } from './inbox.js';
import { Outbox } from './outbox.js';
import { Ports } from './ports.js';

/** Silence after which the peer is asked for a sign of life, and after which it is taken for gone, ms. */
const PING_AFTER = 30_000;
const DEAD_AFTER = 120_000;
/** How often silence is looked at, and how many times at least between a PING and what follows from its not being answered. */
const CHECK_EVERY = 10_000;
const CHECKS_PER_PING = PING_AFTER / CHECK_EVERY;
/** When HELLO is repeated, ms after the first; from then on at the last interval. */
const HELLO_AGAIN = [300, 1_000, 2_000];
const OPEN_TIMEOUT = 5_000;

/** What a link may be opened with. */
export interface OpenOptions {
  /** Service wanted on the main port. */
  readonly service?: string;
  /** Parameters for the service. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Aborts the opening; no use later. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which opening fails. */
  readonly timeout?: number;
  /** Bytes that may be in flight towards this end. */
  readonly window?: number;
}

/** What an acceptor has agreed on with the opener. */
export interface Accepted {
  readonly hello: Hello;
  readonly welcome: Welcome;
  readonly token: Bytes;
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

  readonly #carrier: Carrier;
  readonly #role: 'opener' | 'acceptor';
  readonly #token: Bytes;
  readonly #window: number;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #ports: Ports;
  #state: 'opening' | 'open' | 'over' = 'opening';
  #agent = '';
  #welcome: Frame | undefined;
  #pumping = false;
  #receiving = false;
  #heardAt = performance.now();
  /** Checks of silence since the last PING, while it is unanswered. */
  #unanswered: number | undefined;
  #pings: ReturnType<typeof setInterval> | undefined;
  #finish!: (error: LinkError) => void;
  #opened: { resolve(): void; reject(error: Error): void } | undefined;

  /**
   * Open a link.
   *
   * @param carrier - started by this call.
   * @returns the link once the other end has accepted it.
   * @throws LinkError with the other end's reason, ERR_TIMEOUT if there is no answer, ERR_CARRIER if the carrier fails; the reason of `signal`.
   */
  static async open(carrier: Carrier, options: OpenOptions = {}): Promise<Link> {
    options.signal?.throwIfAborted();
    const link = new Link(carrier, 'opener', linkName(), randomBytes(16), options.window);
    await link.#open(options);
    return link;
  }

  /**
   * The acceptor's end of a link whose HELLO has been agreed to; the acceptor hands packets on by `receive`.
   *
   * @internal
   */
  static accepted(carrier: Carrier, { hello, welcome, token }: Accepted): Link {
    const link = new Link(carrier, 'acceptor', hello.link, token, welcome.window);
    link.#welcome = jsonFrame(FrameType.WELCOME, welcome);
    link.#start(hello.agent, hello.window);
    link.#transmit([link.#welcome]);
    return link;
  }

  private constructor(carrier: Carrier, role: 'opener' | 'acceptor', name: string, token: Bytes, window = DEFAULT_WINDOW) {
    this.name = name;
    this.#carrier = carrier;
    this.#role = role;
    this.#token = token;
    this.#window = window;
    this.ended = new Promise(resolve => (this.#finish = resolve));
    this.#inbox = new Inbox({ deliver: frame => this.#ports.deliver(frame), acknowledge: () => this.#acknowledge() }, window);
    this.#outbox = new Outbox(
      {
        maxFrames: carrier.maxFrames,
        fragmentSize: carrier.fragmentSize,
        transmit: (frames, announce) => this.#transmit(frames, announce)
      },
      window
    );
    this.#ports = new Ports(
      {
        link: name,
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

  /** Name of the carrier. */
  get carrier(): string {
    return this.#carrier.name;
  }

  /** End the link: all its ports close at both ends, with the error if one is given. */
  end(error?: LinkError): void {
    const reason = error ?? new LinkError('the link was closed', { code: 'ERR_CLOSED' });
    if (this.#state === 'over') return;
    if (this.#state === 'open') {
      this.#outbox.pump();
      this.#transmit([jsonFrame(FrameType.END, { code: reason.code, message: reason.message }, this.#outbox.last)]);
    }
    this.#over(reason);
  }

  /** @internal Take a packet; for the acceptor, which has started the carrier. */
  receive(packet: ReceivedPacket): void {
    if (this.#state === 'over') return;
    this.#receiving = true;
    try {
      // Before anything else is read, or anybody could end a link by sending rubbish.
      const token = tokenOf(packet);
      if (this.#role === 'acceptor' ? token === null || !sameBytes(token, this.#token) : token !== null && token.byteLength > 0) return;
      const { frames } = decodePacket(packet);
      this.#heardAt = performance.now();
      this.#unanswered = undefined;
      for (const frame of frames) this.#take(frame);
    } catch (error) {
      // Only what the peer sent can be at fault here; anything else is this end's own mistake and must be seen.
      if (!(error instanceof LinkError)) throw error;
      this.#fail(error);
    } finally {
      this.#receiving = false;
    }
    this.#pump();
  }

  /** @internal The carrier is gone; for the acceptor. */
  carrierClosed(error?: Error): void {
    if (error instanceof LinkError) return this.#over(error);
    const reason = error === undefined ? 'the carrier was closed' : `the carrier failed: ${error.message}`;
    this.#over(new LinkError(reason, { code: 'ERR_CARRIER', cause: error }));
  }

  async #open({ service = 'ipfs', params = {}, signal, timeout = OPEN_TIMEOUT }: OpenOptions): Promise<void> {
    const hello = jsonFrame(FrameType.HELLO, {
      versions: VERSIONS,
      link: this.name,
      carriers: [this.#carrier.name],
      service,
      params,
      agent: AGENT,
      window: this.#window
    });
    const started = performance.now();
    let again: ReturnType<typeof setTimeout> | undefined;
    let times = 0;
    const say = (): void => {
      this.#transmit([hello]);
      const due = HELLO_AGAIN[times] ?? performance.now() - started + (HELLO_AGAIN.at(-1) as number);
      times++;
      again = setTimeout(say, Math.max(0, started + due - performance.now()));
    };
    const onAbort = (): void => this.#opened?.reject(signal?.reason as Error);
    const deadline = setTimeout(() => {
      const seconds = timeout / 1000;
      this.#opened?.reject(new LinkError(`no answer to HELLO over ${this.#carrier.name} within ${seconds} s`, { code: 'ERR_TIMEOUT' }));
    }, timeout);
    signal?.addEventListener('abort', onAbort);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#opened = { resolve, reject };
        this.#carrier.start(
          packet => this.receive(packet),
          error => this.carrierClosed(error)
        );
        if (this.#state === 'opening') say();
      });
    } catch (error) {
      this.#over(
        error instanceof LinkError ? error : new LinkError(`opening was given up: ${String(error)}`, { code: 'ERR_CLOSED', cause: error })
      );
      throw error;
    } finally {
      this.#opened = undefined;
      clearTimeout(again);
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #start(agent: string, window: number): void {
    this.#state = 'open';
    this.#agent = agent;
    this.#outbox.window = window;
    this.#pings = setInterval(() => this.#checkSilence(), CHECK_EVERY);
    // A page needs no such manners; in Node a link alone shall not keep the process.
    (this.#pings as { unref?(): void }).unref?.();
    this.#pump();
  }

  #take(frame: Frame): void {
    if (this.#state === 'over') return;
    if (this.#state === 'opening') return this.#takeAnswer(frame);
    switch (frame.type) {
      case FrameType.DATA:
      case FrameType.CLOSE:
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
        return this.#over(linkErrorOf(code, message));
      }
      case FrameType.HELLO:
        // The answer was lost.
        if (this.#welcome !== undefined) this.#transmit([this.#welcome]);
        return;
      default:
        // A second WELCOME answers a repeated HELLO.
        if (this.#role === 'acceptor') throw new ProtocolError(`a frame of type ${frame.type} from the opener`);
    }
  }

  #takeAnswer(frame: Frame): void {
    if (frame.type === FrameType.WELCOME) {
      const { agent, window } = parseWelcome(frame, this.name);
      this.#start(agent, window);
      this.#opened?.resolve();
    } else if (frame.type === FrameType.REFUSE) {
      this.#opened?.reject(parseRefuse(frame));
    }
    // Whatever overtook WELCOME comes again.
  }

  #pump(): void {
    // While a packet is taken apart, one call at its end does for all of it.
    if (this.#pumping || this.#receiving || this.#state !== 'open') return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      if (this.#state === 'open') this.#outbox.pump();
    });
  }

  #acknowledge(): void {
    if (this.#state === 'open') this.#transmit([ackFrame(this.#inbox.take(), this.#outbox.last)]);
  }

  #transmit(frames: readonly Frame[], announce = false): void {
    if (this.#state === 'over') return;
    const withAck =
      (announce || this.#inbox.owes) && this.#state === 'open' ? [...frames, ackFrame(this.#inbox.take(), this.#outbox.last)] : frames;
    this.#carrier.send(encodePacket(this.#role === 'opener' ? this.#token : new Uint8Array(0), withAck));
  }

  #checkSilence(): void {
    const silence = performance.now() - this.#heardAt;
    if (silence < PING_AFTER) return;
    // Checks are counted, since a machine that was asleep or a tab that was frozen sees time pass in which nobody could answer.
    if (this.#unanswered !== undefined && ++this.#unanswered < CHECKS_PER_PING) return;
    if (this.#unanswered !== undefined && silence >= DEAD_AFTER) {
      return this.end(new LinkError(`nothing was heard of the other end for ${Math.round(silence / 1000)} s`, { code: 'ERR_TIMEOUT' }));
    }
    this.#unanswered = 0;
    this.#transmit([pingFrame(this.#outbox.last)]);
  }

  #fail(error: Error): void {
    if (this.#opened !== undefined) this.#opened.reject(error);
    else this.end(error instanceof LinkError ? error : new ProtocolError(error.message, { cause: error }));
  }

  #over(error: LinkError): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    clearInterval(this.#pings);
    this.#inbox.stop();
    this.#outbox.stop();
    this.#opened?.reject(error);
    this.#carrier.close();
    this.#ports.over(error.code === 'ERR_CLOSED' ? undefined : error);
    this.#finish(error);
    this.onend?.(error);
  }
}

/** Compare in a time that does not tell where they differ. */
function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.byteLength ^ other.byteLength;
  for (let at = 0; at < other.byteLength; at++) difference |= (one[at] ?? 0) ^ (other[at] as number);
  return difference === 0;
}
