/** Every limit of a link, with its default; `docs/protocol.md` has them as a table. Sizes in bytes, times in ms. */

import { InvalidInputError } from '../errors.js';

/** What bounds a link, all of it settable. */
export interface Limits {
  /** Bytes that may be in flight towards this end. */
  readonly window: number;
  /** Bytes that may always be in flight from this end, however slow the road. */
  readonly minWindow: number;
  /** The smallest fragment that a message is cut into. */
  readonly minFragment: number;
  /** Frames in flight from this end, beside what the carrier allows. */
  readonly maxFrames: number;
  /** Links that an acceptor has open at a time. */
  readonly maxLinks: number;
  /** Ports that may be open on one link. */
  readonly maxPorts: number;
  /** Bytes of one message. */
  readonly maxMessage: number;
  /** Bytes of a message's meta. */
  readonly maxMeta: number;
  /** Bytes of messages, over all ports of a link, of which only a part has come. */
  readonly maxUnfinished: number;
  /** Silence after which the peer is asked for a sign of life. */
  readonly pingAfter: number;
  /** Time without an answer after which a carrier counts as silent, and others are tried beside it. */
  readonly silenceAfter: number;
  /** Silence after which a link is given up. */
  readonly expireAfter: number;
  /** Time that a link lives on without a carrier. */
  readonly resumeWithin: number;
  /** Time after which a link ends that nobody used. */
  readonly idleAfter: number;
  /** Time that opening a link may take. */
  readonly openTimeout: number;
  /** Time that an acceptor waits for HELLO on a carrier. */
  readonly helloWithin: number;
}

const MIB = 1024 * 1024;

/** What holds unless it is set. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  window: 64 * MIB,
  minWindow: 64 * 1024,
  minFragment: 16 * 1024,
  maxFrames: 256,
  maxLinks: 64,
  maxPorts: 65_536,
  maxMessage: 2 ** 31,
  maxMeta: 256 * MIB,
  maxUnfinished: 2 ** 32,
  pingAfter: 30_000,
  silenceAfter: 5_000,
  expireAfter: 120_000,
  resumeWithin: 60_000,
  idleAfter: 86_400_000,
  openTimeout: 5_000,
  helloWithin: 30_000
});

/** Least and most that a limit may be; times are what a timer takes. */
const BOUNDS: Readonly<Record<keyof Limits, readonly [number, number]>> = {
  window: [16 * 1024, 2 ** 32 - 1],
  minWindow: [1024, 64 * MIB],
  minFragment: [1024, MIB],
  maxFrames: [1, 4096],
  maxLinks: [0, 65_536],
  maxPorts: [1, 2 ** 20],
  maxMessage: [1024, 2 ** 31],
  maxMeta: [1024, 256 * MIB],
  maxUnfinished: [1024, 2 ** 40],
  pingAfter: [1, 2 ** 31 - 1],
  silenceAfter: [1, 2 ** 31 - 1],
  expireAfter: [1, 2 ** 31 - 1],
  resumeWithin: [0, 2 ** 31 - 1],
  idleAfter: [1, 2 ** 31 - 1],
  openTimeout: [1, 2 ** 31 - 1],
  helloWithin: [1, 2 ** 31 - 1]
};

/**
 * All limits, from those that are set.
 *
 * @throws InvalidInputError that names a limit that is none or is out of range.
 */
export function limitsOf(set: Partial<Limits> = {}): Limits {
  const limits: Record<string, number> = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(set)) {
    if (!Object.hasOwn(BOUNDS, name)) {
      throw new InvalidInputError(`there is no limit named ${JSON.stringify(name)}; there are ${Object.keys(BOUNDS).join(', ')}`);
    }
    if (value === undefined) continue;
    const [least, most] = BOUNDS[name as keyof Limits];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidInputError(`the limit ${name} is ${String(value)}: it must be a whole number from ${least} to ${most}`, {
        detail: { limit: name, value, least, most }
      });
    }
    limits[name] = value;
  }
  return Object.freeze(limits) as unknown as Limits;
}
