/** The carrier *comm*: an ordinary JupyterLab comm, out on the shell channel, back on iopub. */

import type { Carrier, Packet, ReceivedPacket } from './base.js';
import { CarrierError } from './ended.js';
import { type CommLike, exactBuffers, type KernelLike, type MessageLike, OPEN_DATA, watchKernel } from './kernel.js';

/** How long a comm waits for the subshell that JupyterLab may be starting for it; without subshells the promise never resolves. */
const SUBSHELL_WAIT_MS = 400;

/** Packets that may wait for the subshell: HELLO and its repetitions, nothing else is sent before an answer. */
const MAX_WAITING = 8;

/**
 * Packets as buffers of a comm's messages (`docs/protocol.md`, section 5).
 *
 * JupyterLab moves comms to a subshell of the kernel, which answers while a cell runs; a `comm_open` that is sent before the subshell has
 * started would wait behind the running cell.
 */
export class CommCarrier implements Carrier {
  readonly name = 'comm';
  readonly maxFrames = 64;
  readonly fragmentSize = 256 * 1024;

  private comm: CommLike | null = null;
  private waiting: Packet[] | null = [];
  private opened = false;
  private answered = false;
  private ended = false;
  private receive: (packet: ReceivedPacket) => void = () => undefined;
  private closed: (error?: Error) => void = () => undefined;
  private stopWatching: () => void = () => undefined;

  constructor(
    private readonly kernel: KernelLike,
    private readonly target: string
  ) {}

  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void {
    this.receive = receive;
    this.closed = closed;
    this.stopWatching = watchKernel(this.kernel, state => this.end(CarrierError.ofKernel(this.kernel, state)));
    try {
      this.comm = this.kernel.createComm(this.target);
    } catch (error) {
      queueMicrotask(() => this.end(CarrierError.ofSend(this.kernel, error)));
      return;
    }
    // Both callbacks must stay synchronous: JupyterLab handles no further kernel message until a returned promise resolves.
    this.comm.onMsg = message => {
      this.answered = true;
      this.receive((message as MessageLike).buffers ?? []);
    };
    this.comm.onClose = () => this.end(CarrierError.closedByKernel(this.kernel, this.target, this.answered));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<void>(resolve => {
      timer = setTimeout(resolve, SUBSHELL_WAIT_MS);
    });
    const flush = (): void => {
      clearTimeout(timer);
      const packets = this.waiting ?? [];
      this.waiting = null;
      for (const packet of packets) this.send(packet);
    };
    // A subshell that could not be started leaves the main shell, which is what there would be without subshells.
    Promise.race([this.comm.subshellStarted ?? Promise.resolve(), limit]).then(flush, flush);
  }

  send(packet: Packet): void {
    if (this.ended || !this.comm) return;
    if (this.waiting) {
      if (this.waiting.length < MAX_WAITING) this.waiting.push(packet);
      return;
    }
    try {
      if (this.opened) {
        this.comm.send({} as never, undefined, exactBuffers(packet));
      } else {
        this.opened = true;
        this.comm.open(OPEN_DATA as never, undefined, exactBuffers(packet));
      }
    } catch (error) {
      this.end(CarrierError.ofSend(this.kernel, error));
    }
  }

  close(): void {
    if (this.ended) return;
    const comm = this.stop();
    if (!comm) return;
    if (this.opened && this.kernel.status !== 'dead') comm.close();
    else comm.dispose();
  }

  private end(error: Error): void {
    if (this.ended) return;
    this.stop()?.dispose();
    this.closed(error);
  }

  /** Let go of everything but the comm, which is returned if anything can still be done with it. */
  private stop(): CommLike | null {
    this.ended = true;
    this.waiting = null;
    this.stopWatching();
    const comm = this.comm;
    if (!comm || comm.isDisposed || this.kernel.isDisposed) return null;
    comm.onClose = () => undefined;
    comm.onMsg = () => undefined;
    return comm;
  }
}
