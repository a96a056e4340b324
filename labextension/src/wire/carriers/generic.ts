/** The carrier *generic*: ordinary comms of a frontend of which nothing else is known, out on the shell channel, back on iopub. */

import type { Carrier, Packet, ReceivedPacket } from './base.js';
import { CarrierError, CarrierLost } from './ended.js';
import { type CommFrontend, type CommLike, exactBuffers, type MessageLike, OPEN_DATA } from './kernel.js';

/**
 * Packets as buffers of a comm's messages (`docs/protocol.md`, section 5).
 *
 * The first packet opens the comm; what is repeated before it can go out replaces it, so nothing piles up here.
 */
export class GenericCarrier implements Carrier {
  readonly name: string = 'generic';
  readonly maxFrames = 64;
  readonly fragmentSize = 256 * 1024;
  readonly tellsClose = true;

  protected answered = false;
  private comm: CommLike | null = null;
  private first: Packet | null = null;
  private opened = false;
  private ended = false;
  private receive: (packet: ReceivedPacket) => void = () => undefined;
  private closed: (error?: Error) => void = () => undefined;

  constructor(
    protected readonly frontend: CommFrontend,
    protected readonly target: string
  ) {}

  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void {
    this.receive = receive;
    this.closed = closed;
    this.watch();
    try {
      this.comm = this.frontend.createComm(this.target);
    } catch (error) {
      queueMicrotask(() => this.end(CarrierLost.ofSend(this.frontend, error)));
      return;
    }
    // Both callbacks must stay synchronous: JupyterLab handles no further kernel message until a returned promise resolves.
    this.comm.onMsg = message => {
      this.answered = true;
      this.receive((message as MessageLike).buffers ?? []);
    };
    this.comm.onClose = () => this.end(CarrierError.closedByKernel(this.frontend, this.target, this.answered));
    this.prepare(this.comm);
  }

  send(packet: Packet): void {
    if (this.ended || !this.comm) return;
    if (!this.ready()) {
      if (!this.answered) this.first = packet;
      return;
    }
    try {
      if (this.opened) this.let(this.comm.send({} as never, undefined, exactBuffers(packet)));
      else {
        this.opened = true;
        this.let(this.comm.open(OPEN_DATA as never, undefined, exactBuffers(packet)));
      }
    } catch (error) {
      this.end(CarrierLost.ofSend(this.frontend, error));
    }
  }

  close(): void {
    const { comm, opened } = this;
    this.stop();
    this.comm = null;
    if (!comm || comm.isDisposed === true || this.frontend.isDisposed === true) return;
    if (!opened || this.frontend.status === 'dead') comm.dispose?.();
    else {
      try {
        this.let(comm.close());
      } catch {
        // What cannot be told any more is found out by the silence.
        comm.dispose?.();
      }
    }
  }

  /** Send what waited for the comm to be ready. */
  protected flush(): void {
    const { first } = this;
    if (first === null || this.ended || !this.ready()) return;
    this.first = null;
    this.send(first);
  }

  /** Whether packets can go out now; what else is sent meanwhile is lost. */
  protected ready(): boolean {
    return true;
  }

  /** Look out for what else ends or loses the carrier. */
  protected watch(): void {
    // Of an unknown frontend only the comm itself tells.
  }

  protected unwatch(): void {
    // As above.
  }

  /** See to what the comm needs before it can be opened. */
  protected prepare(_comm: CommLike): void {
    // Nothing is known of it.
  }

  /** Nothing comes or goes any more. */
  protected end(error: Error): void {
    if (this.ended) return;
    // What the kernel has closed need not be closed here.
    if (error instanceof CarrierError) this.opened = false;
    this.stop();
    this.closed(error);
  }

  /** No reply ever comes to a message of a comm: the future of one that was lost would stay in the connection's table for good. */
  private let(future: unknown): void {
    (future as { dispose?(): void } | undefined)?.dispose?.();
  }

  private stop(): void {
    this.ended = true;
    this.first = null;
    this.unwatch();
    if (!this.comm) return;
    this.comm.onClose = () => undefined;
    this.comm.onMsg = () => undefined;
  }
}
