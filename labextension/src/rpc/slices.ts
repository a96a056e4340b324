/**
 * A large array in a query as a stream: the node works on its beginning while its end is on its way, and neither side ever needs room for all of it
 * a second time.
 *
 * The bytes are those of the moment at which the query was posted, as with any message; they leave in the pieces in which the clone has them.
 */

import type { Bytes, Chunked } from '../wire/bytes.js';
import type { Entry } from '../wire/clone/types.js';
import { discard, type End, entangle, type Message, Seat } from '../wire/port/seat.js';
import { CHUNK_SIZE } from '../wire/snapshot.js';
import { memberOf, messageOf, reference, slotOf } from './serialized.js';

/** Bytes from which an array goes as a stream; below, a round trip more would cost as much as it saves. */
export const STREAMED_FROM = 2 * 1024 * 1024;
/** Pieces that the other end may ask for at once, since they are here. */
const AT_HAND = 64;

/** Which methods take content, and as which member of their input. */
const CONTENT: Readonly<Record<string, Readonly<Record<string, string>>>> = { core: { add: 'input' }, files: { write: 'content' } };

/** The query with its content as a RemoteIterable if it is a large array by itself; the message as it is if not. */
export function streamContent(query: Message): Message {
  if (!query.buffers.some(({ size }) => size >= STREAMED_FROM)) return query;
  const member = CONTENT[String(memberOf(query, 'namespace'))]?.[String(memberOf(query, 'method'))];
  const input = member === undefined ? null : reference(memberOf(query, 'input'));
  if (member === undefined || input === null) return query;
  const given = reference(slotOf(query.entries[input], member));
  if (given === null) return query;
  const described = reference(slotOf(query.entries[given], 'content'));
  return streamed(query, described ?? given);
}

/** The message with a RemoteIterable in the place of the array that an entry is. */
function streamed(message: Message, at: number): Message {
  const { entries, buffers, resources } = message;
  const entry = entries[at];
  if (!Array.isArray(entry)) return message;
  const [tag, , slot, start, length] = entry as Entry;
  const place = tag === 'v' ? reference(slot) : at;
  const [what, number] = (place === null ? undefined : entries[place]) ?? [];
  const bytes = what === 'x' ? buffers[number as number] : undefined;
  if (place === null || bytes === undefined || bytes.size < STREAMED_FROM) return message;
  // Of a part of a buffer the rest would have to be left out, and what others refer to has to stay what it is.
  const all = tag === 'x' || (entry[1] === 'Uint8Array' && start === 0 && length === bytes.size);
  if (!all || references(entries, at) > 1 || (place !== at && references(entries, place) > 1)) return message;
  const ahead = Math.min(AT_HAND, Math.ceil(bytes.size / CHUNK_SIZE));
  const port = place === at ? entries.length : place;
  const changed: Entry[] = entries.map(each =>
    each[0] === 'x' && (each[1] as number) > (number as number) ? ['x', (each[1] as number) - 1] : each
  );
  changed[at] = ['o', 'type', 'RemoteIterable', 'port', [port], 'ahead', ahead];
  changed[port] = ['p', resources.length];
  return {
    ...message,
    entries: changed,
    buffers: buffers.filter((_, index) => index !== number),
    resources: [...resources, new Slices(bytes).place()]
  };
}

/** How often an entry is referred to. */
function references(entries: readonly Entry[], at: number): number {
  let count = 0;
  const look = (part: unknown): void => {
    if (reference(part) === at) count++;
    // Entries hold lists of slots.
    else if (Array.isArray(part)) part.forEach(look);
  };
  for (const entry of entries) entry.forEach(look);
  return count;
}

/** Answers whoever asks for the next piece. */
class Slices {
  readonly #pieces: Iterator<Bytes, undefined>;
  #left: number;

  readonly #consumer: End = {
    partner: null,
    accept: message => {
      const method = memberOf(message, 'method');
      discard(message);
      if (method === 'next') this.#answer();
      else if (method === 'return') this.#leave();
    },
    acceptClose: () => this.#leave()
  };

  constructor(bytes: Chunked) {
    this.#pieces = pieces(bytes);
    this.#left = bytes.size;
  }

  /** Where the consumer's port is to be. */
  place(): Seat {
    const place = new Seat();
    entangle(this.#consumer, place);
    return place;
  }

  #answer(): void {
    const { value } = this.#pieces.next();
    if (value === undefined) return;
    this.#left -= value.byteLength;
    const last = this.#left === 0;
    const { partner } = this.#consumer;
    partner?.accept(itemOf(value, last));
    if (last) this.#leave();
  }

  #leave(): void {
    const { partner } = this.#consumer;
    this.#consumer.partner = null;
    partner?.acceptClose();
  }
}

function* pieces({ chunks }: Chunked): Generator<Bytes, undefined> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += CHUNK_SIZE) {
      yield chunk.byteLength <= CHUNK_SIZE ? chunk : chunk.subarray(at, at + CHUNK_SIZE);
    }
  }
  return undefined;
}

/** What a producer answers, with a piece that stays where it is. */
function itemOf(piece: Bytes, last: boolean): Message {
  const size = piece.byteLength;
  const message = messageOf({ type: 'next', done: last, value: new Uint8Array(0) });
  const entries = message.entries.map(entry => (entry[0] === 'v' ? ([...entry.slice(0, 4), size] as Entry) : entry));
  return { ...message, entries, buffers: [{ size, chunks: [piece] }] };
}
