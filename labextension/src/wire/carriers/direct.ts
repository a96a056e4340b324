/** The carrier *direct*: comm messages on the control channel, answered to this client alone. */

import type { Carrier, Packet, ReceivedPacket } from './base.js';
import { CarrierError, CarrierLost } from './ended.js';
import {
  exactBuffers,
  freshId,
  isConnected,
  type KernelLike,
  type MessageLike,
  OPEN_DATA,
  type SignalLike,
  unusable,
  watchConnection,
  watchKernel
} from './kernel.js';

interface AnyMessage {
  readonly msg: MessageLike;
  readonly direction: 'send' | 'recv';
}

/**
 * Packets as buffers of `comm_msg` on the control channel (`docs/protocol.md`, section 5).
 *
 * JupyterLab hands only iopub messages to comms, so what arrives is read off `anyMessage`; that also works on a page's second connection
 * to a kernel, whose comms JupyterLab disables. While the connection is down JupyterLab would keep whatever is sent, so nothing is: a carrier that was
 * in use is lost then, and one that has no answer yet waits with its HELLO.
 */
export class DirectCarrier implements Carrier {
  readonly name = 'direct';
  readonly maxFrames = 256;
  readonly fragmentSize = 1024 * 1024;
  readonly tellsClose = true;

  private readonly commId = freshId();
  private opened = false;
  private answered = false;
  private ended = false;
  private closing = false;
  /** HELLO that waits for the connection. */
  private first: Packet | null = null;
  private receive: (packet: ReceivedPacket) => void = () => undefined;
  private closed: (error?: Error) => void = () => undefined;
  private readonly watches: (() => void)[] = [];

  constructor(
    private readonly kernel: KernelLike,
    private readonly target: string
  ) {}

  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void {
    this.receive = receive;
    this.closed = closed;
    this.messages.connect(this.onMessage);
    this.watches.push(
      watchKernel(this.kernel, state => this.end(CarrierError.ofKernel(this.kernel, state))),
      watchConnection(this.kernel, connected => {
        if (!connected && this.answered) this.end(CarrierLost.ofConnection(this.kernel));
        else if (connected && this.first !== null) this.send(this.first);
      })
    );
  }

  /** The first packet opens the comm, and so does each repetition of it until the kernel has answered: its hook may come later. */
  send(packet: Packet): void {
    if (this.ended) return;
    if (!isConnected(this.kernel)) {
      if (!this.answered) this.first = packet;
      return;
    }
    this.first = null;
    if (this.answered) {
      this.post('comm_msg', { comm_id: this.commId, data: {} }, packet);
    } else {
      this.opened = true;
      this.post('comm_open', { comm_id: this.commId, target_name: this.target, data: OPEN_DATA }, packet);
    }
  }

  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.stop();
    // Also without an answer: the kernel may have one on its way, and would hold what was asked for until it notices the silence.
    if (this.opened && unusable(this.kernel) === null) this.post('comm_close', { comm_id: this.commId, data: {} }, []);
  }

  private get messages(): SignalLike<AnyMessage> {
    return this.kernel.anyMessage as SignalLike<AnyMessage>;
  }

  private readonly onMessage = (_: unknown, { msg, direction }: AnyMessage): void => {
    if (direction !== 'recv' || msg.channel !== 'control') return;
    if ((msg.content as { comm_id?: unknown }).comm_id !== this.commId) return;
    if (msg.header.msg_type === 'comm_msg') {
      this.answered = true;
      this.receive(msg.buffers ?? []);
    } else if (msg.header.msg_type === 'comm_close') {
      this.opened = false;
      this.end(CarrierError.closedByKernel(this.kernel, this.target, this.answered));
    }
  };

  private post(type: string, content: object, packet: Packet): void {
    const message = {
      channel: 'control',
      header: {
        date: new Date().toISOString(),
        msg_id: freshId(),
        msg_type: type,
        session: this.kernel.clientId,
        username: this.kernel.username,
        version: '5.3'
      },
      parent_header: {},
      metadata: {},
      content,
      buffers: exactBuffers(packet)
    };
    try {
      // No reply ever comes: an undisposed future would stay in the connection's table for good.
      this.kernel.sendControlMessage(message as never, false, true).dispose();
    } catch (error) {
      this.end(CarrierLost.ofSend(this.kernel, error));
    }
  }

  private end(error: Error): void {
    if (this.ended) return;
    // A kernel that is over knows of no comm that could be closed.
    if (error instanceof CarrierError) this.opened = false;
    this.stop();
    this.closed(error);
  }

  private stop(): void {
    this.ended = true;
    this.first = null;
    this.messages.disconnect(this.onMessage);
    for (const stop of this.watches.splice(0)) stop();
  }
}
