/**
 * Messages of the protocol as they are between serialization and deserialization, so that what passes through a port need not be built and taken
 * apart again. Entries come from outside and are only looked at here: whoever builds the value checks them.
 */

import { serialize } from '../wire/clone/index.js';
import type { Entry } from '../wire/clone/types.js';
import { type Message, Seat } from '../wire/port/seat.js';

/** What an entry is taken to cost, beside its texts. */
const ENTRY_SIZE = 64;

const noPorts = {
  refuse: (): string => 'no port belongs into this message',
  detached: (): boolean => false,
  take: (): never => {
    throw new TypeError('no port belongs into this message');
  }
};

/** A message with that value, which holds no ports. */
export function messageOf(value: unknown): Message {
  const { root, entries, buffers } = serialize(value, [], noPorts, true);
  return { root, entries, buffers, resources: [] };
}

/** A member of the message's value, as a slot; undefined where there is none, or it is undefined. */
export function memberOf(message: Message, key: string): unknown {
  const index = reference(message.root);
  return index === null ? undefined : slotOf(message.entries[index], key);
}

/** Whether an answer of a producer ends its stream. */
export function isLast(answer: Message): boolean {
  const error = memberOf(answer, 'error');
  return memberOf(answer, 'done') === true || memberOf(answer, 'type') === 'throw' || (error !== undefined && error !== null);
}

/** About how many bytes the message holds. */
export function sizeOf({ entries, buffers }: Message): number {
  let size = ENTRY_SIZE * entries.length;
  for (const buffer of buffers) size += buffer.size;
  for (const entry of entries) {
    if (Array.isArray(entry)) for (const part of entry as readonly unknown[]) if (typeof part === 'string') size += part.length;
  }
  return size;
}

/**
 * The message with other ports in its RemoteIterables, wherever they stand.
 *
 * @param replace - gives the other port for the one there, and is told whether its producer can be asked for several items; null leaves it as it is.
 * @param ahead - whether those replaced are to say that they can be asked for several items.
 */
export function replaceIterables(message: Message, replace: (seat: Seat, ahead: boolean) => Seat | null, ahead: boolean): Message {
  const { entries, resources } = message;
  if (!resources.some(resource => resource instanceof Seat)) return message;
  let changed: Entry[] | undefined;
  const seen = new Set<number>();
  for (const [at, entry] of entries.entries()) {
    if (slotOf(entry, 'type') !== 'RemoteIterable') continue;
    const port = reference(slotOf(entry, 'port'));
    const target = port === null ? undefined : entries[port];
    const index: unknown = Array.isArray(target) && target[0] === 'p' ? target[1] : undefined;
    const seat = typeof index === 'number' ? resources[index] : undefined;
    if (!(seat instanceof Seat) || seen.has(index as number)) continue;
    seen.add(index as number);
    const said = slotOf(entry, 'ahead');
    const other = replace(seat, typeof said === 'number' && said >= 1);
    if (other === null) continue;
    resources[index as number] = other;
    if (ahead || said !== undefined) (changed ??= [...entries])[at] = [...without(entry, 'ahead'), ...(ahead ? ['ahead', 1] : [])];
  }
  return changed === undefined ? message : { ...message, entries: changed };
}

function without(entry: Entry, key: string): Entry {
  const at = entry.findIndex((part, index) => index % 2 === 1 && part === key);
  return at < 0 ? entry : [...entry.slice(0, at), ...entry.slice(at + 2)];
}

/** A member of an object's entry, as a slot; undefined where there is none, or it is undefined. */
export function slotOf(entry: Entry | undefined, key: string): unknown {
  if (!Array.isArray(entry) || entry[0] !== 'o') return undefined;
  for (let at = 1; at + 1 < entry.length; at += 2) {
    if (entry[at] !== key) continue;
    const slot: unknown = entry[at + 1];
    return Array.isArray(slot) && slot.length === 0 ? undefined : slot;
  }
  return undefined;
}

/** The index of the object that a slot refers to. */
export function reference(slot: unknown): number | null {
  return Array.isArray(slot) && slot.length === 1 && typeof slot[0] === 'number' ? slot[0] : null;
}
