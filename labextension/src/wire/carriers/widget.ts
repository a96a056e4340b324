/** The carrier *widget*: custom messages of an anywidget model, which reach furthest among frontends. */

import { LinkError } from '../../errors.js';
import type { Carrier, Packet, ReceivedPacket } from './base.js';
import { exactBuffers, OPEN_DATA } from './kernel.js';

/** An anywidget model, as far as it is used here. */
export interface ModelLike {
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback?: ((...args: never[]) => void) | null): void;
}

/** Packets as buffers of custom messages with the content `{"ipfs_comm": 1}` (`docs/protocol.md`, section 5). */
export class WidgetCarrier implements Carrier {
  readonly name = 'widget';
  readonly maxFrames = 64;
  readonly fragmentSize = 256 * 1024;
  readonly tellsClose = false;

  private ended = false;
  private receive: (packet: ReceivedPacket) => void = () => undefined;
  private closed: (error?: Error) => void = () => undefined;

  constructor(private readonly model: ModelLike) {}

  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void {
    this.receive = receive;
    this.closed = closed;
    this.model.on('msg:custom', this.onMessage);
  }

  send(packet: Packet): void {
    if (this.ended) return;
    try {
      this.model.send(OPEN_DATA, undefined, exactBuffers(packet));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.close();
      this.closed(new LinkError(`the widget's model is gone, as after a restart of the kernel: ${text}`, { cause: error }));
    }
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    this.model.off('msg:custom', this.onMessage);
  }

  private readonly onMessage = (content: unknown, buffers: (ArrayBuffer | ArrayBufferView)[] | undefined): void => {
    if ((content as { ipfs_comm?: unknown } | null)?.ipfs_comm !== OPEN_DATA.ipfs_comm) return;
    this.receive(buffers ?? []);
  };
}
