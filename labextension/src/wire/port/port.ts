/** MessagePort of the HTML Standard, as a class that can stand on anything. */

import { serialize, transferList } from '../clone/index.js';
import { isNativePort, nativeTransfer } from './native.js';
import { gather, open } from './open.js';
import { discard, entangle, type Message, Seat } from './seat.js';
import { task } from './task.js';

/** What may look at the messages of a port, and change them. */
export interface Interceptor {
  /** What is posted instead. */
  outgoing?(message: unknown, transfer: readonly object[]): { readonly message: unknown; readonly transfer: readonly object[] };
  /** The event that listeners get; null if they get none. */
  incoming?(event: MessageEvent): MessageEvent | null;
}

type Handler<E extends Event> = ((this: Port, event: E) => unknown) | null;

/** Event of a port whose other end is gone. */
export interface CloseEvent extends Event {
  /** Why, if it was not in order. */
  readonly error?: Error;
}

/** The events of a port. */
export interface PortEventMap {
  message: MessageEvent;
  messageerror: MessageEvent;
  close: CloseEvent;
}

/** The name of a method that every copy of this package knows; see `Port`. */
export const WHEN_LEFT: unique symbol = Symbol.for('ipfs-comm.port.whenLeft') as never;

let takeSeat: (port: Port) => Seat | null;

/** Seats of ports that nobody has any more: nobody will ever read from them. */
const abandoned = new FinalizationRegistry<Seat>(seat => seat.close());

/**
 * One end of a channel of messages.
 *
 * Messages arrive in order, each once, when the port has been started: by `start()` or by setting `onmessage`. Each event is dispatched in a task of
 * its own. A `close` event tells that the other end is gone, after the last message.
 *
 * A port that has been started and ever had a listener is kept for as long as something may come for it. Any other is closed when it is collected:
 * what comes for it can reach nobody.
 *
 * HTML Standard, Message ports. It cannot be a `MessagePort`, since a runtime lets nobody else make one; `bridge()` gives one that is.
 */
export class Port extends EventTarget {
  /** A place for one who looks at what passes. */
  interceptor: Interceptor | null = null;
  #seat: Seat | null;
  #started = false;
  /** Whether anybody ever listened: to anything, and to the end in particular, of which a port tells that was not started. */
  #listened = false;
  #watched = false;
  #gathering = false;
  #closed = false;
  #error: Error | undefined;
  /** Told when this end is let go of. */
  readonly #leaving: (() => void)[] = [];
  readonly #handlers = new Map<string, { listener: EventListener; handler: (this: Port, event: never) => unknown }>();

  static {
    takeSeat = port => {
      const seat = port.#seat;
      if (seat !== null) {
        seat.onarrival = null;
        abandoned.unregister(seat);
      }
      port.#seat = null;
      port.#closed = true;
      port.#left();
      return seat;
    };
  }

  /** Ports come from `connect`, from messages and from channels; a seat is not for users to make. */
  constructor(seat: Seat) {
    super();
    this.#seat = seat;
    abandoned.register(this, seat, seat);
  }

  /** Whether this port is closed, was transferred, or its other end is gone and all its messages are dispatched. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Why the port was closed, if it was not in order. */
  get error(): Error | undefined {
    return this.#error;
  }

  get onmessage(): Handler<MessageEvent> {
    return this.#handler('message');
  }

  set onmessage(handler: Handler<MessageEvent>) {
    this.#setHandler('message', handler);
    this.start();
  }

  get onmessageerror(): Handler<MessageEvent> {
    return this.#handler('messageerror');
  }

  set onmessageerror(handler: Handler<MessageEvent>) {
    this.#setHandler('messageerror', handler);
  }

  get onclose(): Handler<CloseEvent> {
    return this.#handler('close');
  }

  set onclose(handler: Handler<CloseEvent>) {
    this.#setHandler('close', handler);
  }

  /**
   * Send a clone of the message to the other end.
   *
   * @param message - anything that structured clone knows.
   * @param transfer - ArrayBuffers and ports (also native MessagePorts) that move instead of being copied: an iterable, or `{transfer}`.
   * @throws DataCloneError that names the path to a value that cannot be cloned; TypeError for a transfer list that is none.
   */
  postMessage(message: unknown, transfer?: Iterable<object> | { transfer?: Iterable<object> } | null): void;
  postMessage(...args: [message?: unknown, transfer?: unknown]): void {
    if (args.length === 0) throw new TypeError('postMessage needs a message');
    let [message, list] = [args[0], transferList(args[1]) as readonly object[]];
    if (this.interceptor?.outgoing) ({ message, transfer: list } = this.interceptor.outgoing(message, list));
    const serialized = serialize<Seat>(message, list, {
      refuse: value => this.#refuse(value),
      detached: value => value instanceof Port && (value.#seat === null || value.#closed),
      take: value => (value instanceof Port ? (takeSeat(value) as Seat) : nativeTransfer(value as MessagePort)),
      release: seat => seat.close()
    });
    const { root, entries, buffers, ports, blobs } = serialized;
    const sent: Message = { root, entries, buffers, resources: [...ports, ...(blobs as Blob[])] };
    const partner = this.#seat?.partner;
    if (partner) partner.accept(sent);
    else discard(sent);
  }

  /** Let messages be dispatched. */
  start(): void {
    const seat = this.#seat;
    if (this.#started || seat === null || this.#closed) return;
    this.#started = true;
    this.#watch(seat);
    this.#scheduleAll(seat);
  }

  /** Let go of the other end, which learns of it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leave()?.close();
    this.#left();
  }

  override addEventListener<K extends keyof PortEventMap>(
    type: K,
    listener: ((this: Port, event: PortEventMap[K]) => unknown) | { handleEvent(event: PortEventMap[K]): unknown } | null,
    options?: boolean | AddEventListenerOptions
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions
  ): void;
  override addEventListener(type: string, listener: unknown, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener as EventListener, options);
    if (listener !== null && listener !== undefined) this.#listen(type);
  }

  override removeEventListener<K extends keyof PortEventMap>(
    type: K,
    listener: ((this: Port, event: PortEventMap[K]) => unknown) | { handleEvent(event: PortEventMap[K]): unknown } | null,
    options?: boolean | EventListenerOptions
  ): void;
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions
  ): void;
  override removeEventListener(type: string, listener: unknown, options?: boolean | EventListenerOptions): void {
    super.removeEventListener(type, listener as EventListener, options);
  }

  #refuse(value: object): string | null {
    if (value === this) return 'a port cannot be sent through itself';
    if (value instanceof Port || isNativePort(value)) return null;
    return `${Object.prototype.toString.call(value)} cannot be transferred: only ArrayBuffers and ports can`;
  }

  /** Somebody listens, from now on. */
  #listen(type: string): void {
    if (type !== 'message' && type !== 'messageerror' && type !== 'close') return;
    const first = !this.#listened;
    this.#listened = true;
    const seat = this.#seat;
    if (seat === null || this.#closed) return;
    if (type === 'close' && !this.#started && !this.#watched) {
      this.#watch(seat);
      if (seat.ended !== null) task(this.#turn);
    } else if (first && this.#started) this.#watch(seat);
  }

  /** Have arrivals noticed. The seat keeps the port for that, or else does not if nobody would hear of them. */
  #watch(seat: Seat): void {
    this.#watched = true;
    seat.onarrival = this.#listened ? () => task(this.#turn) : Port.#weakly(new WeakRef(this));
  }

  // A closure made beside one that holds the port would hold it too.
  static #weakly(reference: WeakRef<Port>): () => void {
    return () => {
      const port = reference.deref();
      if (port !== undefined) task(port.#turn);
    };
  }

  /** Be told when this end is closed or transferred, of which it dispatches no event; at once where it is closed already. */
  [WHEN_LEFT](listener: () => void): void {
    if (this.#closed) listener();
    else this.#leaving.push(listener);
  }

  #left(): void {
    for (const listener of this.#leaving.splice(0)) listener();
  }

  /** Leave the seat, which is not for the collector to close any more. */
  #leave(): Seat | null {
    const seat = this.#seat;
    if (seat !== null) abandoned.unregister(seat);
    return seat;
  }

  /** Give everything that has arrived a task of its own. */
  #scheduleAll({ queue, ended }: Seat): void {
    for (let count = queue.length + (ended === null ? 0 : 1); count > 0; count--) task(this.#turn);
  }

  /**
   * Dispatch the next event.
   *
   * Each arrival asks for a turn, so what arrives for several ports is dispatched in the order of its arrival.
   */
  readonly #turn = (): void => {
    const seat = this.#seat;
    if (seat === null || this.#closed || this.#gathering) return;
    const message = seat.queue.first;
    if (message === undefined) {
      if (seat.ended !== null) this.#finish(seat.ended.error);
      return;
    }
    // Only the end is told of without a start, and only when no message is before it.
    if (!this.#started) return;
    const gathering = gather(message);
    if (gathering !== null) return this.#waitFor(gathering, seat, message);
    seat.queue.shift();
    this.#dispatch(message);
  };

  /** Go on when the Blobs of the next message are here, or cannot be had. */
  #waitFor(gathering: Promise<void>, seat: Seat, message: Message): void {
    this.#gathering = true;
    const resume = (failure?: unknown): void => {
      this.#gathering = false;
      if (this.#seat !== seat || seat.queue.first !== message) return;
      if (failure !== undefined) {
        seat.queue.shift();
        discard(message);
        this.dispatchEvent(new MessageEvent('messageerror', { data: failure }));
      }
      this.#scheduleAll(seat);
    };
    gathering.then(() => resume(), resume);
  }

  #dispatch(message: Message): void {
    let event: MessageEvent;
    try {
      const { value, ports } = open(message, seat => new Port(seat));
      event = messageEvent(value, ports);
    } catch (error) {
      event = new MessageEvent('messageerror', { data: error });
    }
    const seen = event.type === 'message' ? this.#intercept(event) : event;
    if (seen !== null) this.dispatchEvent(seen);
  }

  #intercept(event: MessageEvent): MessageEvent | null {
    try {
      return this.interceptor?.incoming ? this.interceptor.incoming(event) : event;
    } catch (error) {
      // Nobody will have these.
      for (const port of event.ports) port.close();
      throw error;
    }
  }

  #finish(error: Error | undefined): void {
    this.#closed = true;
    this.#error = error;
    this.#leave();
    const event = new Event('close');
    if (error !== undefined) Object.defineProperty(event, 'error', { value: error, enumerable: true });
    this.dispatchEvent(event);
  }

  #handler(type: string): never {
    return (this.#handlers.get(type)?.handler ?? null) as never;
  }

  /** An event handler attribute: one listener, whose place in the order is kept when the handler is replaced. */
  #setHandler(type: string, handler: unknown): void {
    const current = this.#handlers.get(type);
    if (typeof handler !== 'function') {
      if (current !== undefined) super.removeEventListener(type, current.listener);
      this.#handlers.delete(type);
    } else if (current !== undefined) {
      current.handler = handler as typeof current.handler;
    } else {
      const slot = {
        handler: handler as (event: never) => unknown,
        listener: (event: Event): void => void slot.handler.call(this, event as never)
      };
      this.#handlers.set(type, slot);
      super.addEventListener(type, slot.listener);
      this.#listen(type);
    }
  }
}

/**
 * An event as a native port would dispatch it.
 *
 * The constructor of MessageEvent takes only native ports, so these are put on the event.
 */
function messageEvent(data: unknown, ports: readonly Port[]): MessageEvent {
  const event = new MessageEvent('message', { data });
  // The constructor's default for data is null.
  if (data === undefined) Object.defineProperty(event, 'data', { value: undefined, enumerable: true, configurable: true });
  Object.defineProperty(event, 'ports', { value: Object.freeze([...ports]), enumerable: true, configurable: true });
  return event;
}

/** Take the seat out of a port, which is dead from then on: a transfer to another kind of end. */
export function unseat(port: Port): Seat | null {
  return port.closed ? null : takeSeat(port);
}

/** A pair of entangled ports in this process. */
export function channel(): { readonly port1: Port; readonly port2: Port } {
  const [one, other] = [new Seat(), new Seat()];
  entangle(one, other);
  return { port1: new Port(one), port2: new Port(other) };
}
