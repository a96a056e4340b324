/** What a carrier is: something that moves packets between two ends, and may lose, repeat and reorder them. */

import type { Bytes } from '../bytes.js';

/** A packet on its way out: the head and its segments. Every buffer covers the whole of its ArrayBuffer. */
export type Packet = readonly Bytes[];

/** A packet as a carrier hands it over: any views or buffers. */
export type ReceivedPacket = readonly (ArrayBufferView | ArrayBufferLike)[];

/** Moves packets. Which carriers there are, and how each wraps a packet, is section 5 of `docs/protocol.md`. */
export interface Carrier {
  /** Its name in HELLO and WELCOME. */
  readonly name: string;
  /** How many frames a sender may have in flight over it. */
  readonly maxFrames: number;
  /** How many bytes of bodies a packet should carry. */
  readonly fragmentSize: number;

  /**
   * Begin to receive; called once, before anything is sent.
   *
   * @param receive - takes each packet; must not be called from inside `send`.
   * @param closed - told once when nothing can come or go any more, with the reason if it was not in order. Not called after `close()`.
   */
  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void;

  /** Send one packet. The buffers must not be changed afterwards. A failure to send is reported to `closed`, or is a loss. */
  send(packet: Packet): void;

  /** Stop, and let go of what the carrier holds. What was sent before still goes out if it can. */
  close(): void;
}
