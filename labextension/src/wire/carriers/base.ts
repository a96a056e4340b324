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
  /** How many frames a sender may have in flight over it; may change at any time. */
  readonly maxFrames: number;
  /** How many bytes of bodies a packet should carry. */
  readonly fragmentSize: number;
  /** Whether the other end learns of `close()` for sure. */
  readonly tellsClose: boolean;

  /**
   * Begin to receive; called once, before anything is sent.
   *
   * @param receive - takes each packet; must not be called from inside `send`.
   * @param closed - told once when nothing can come or go any more. A `LinkError` means that the carrier is over for good, and its link with it: the
   * other end closed it in order, or is gone. Anything else, or nothing, means that it is lost: the link may go on over another one. Not called
   * after `close()`.
   */
  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void;

  /**
   * Send one packet. Its buffers hold these bytes until the other end has acknowledged them, and may hold others then. A failure to send is reported to `closed`,
   * or is a loss.
   */
  send(packet: Packet): void;

  /** Stop, and let go of what the carrier holds, also of one that is lost. What was sent before still goes out if it can. */
  close(): void;
}

/** A way to the other end, on which a carrier can be made when one is needed. */
export interface Road {
  /** Name of its carriers. */
  readonly name: string;
  /** Silence after which the next road is tried beside this one, ms. */
  readonly silence?: number;
  /** A new carrier, not started; null if the road cannot be travelled any more. */
  dial(): Carrier | null;
}

/** The road of a carrier that is there already: it can be travelled once. */
export function roadOf(carrier: Carrier): Road {
  let ready: Carrier | null = carrier;
  return {
    name: carrier.name,
    dial: () => {
      const taken = ready;
      ready = null;
      return taken;
    }
  };
}
