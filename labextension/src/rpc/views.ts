/**
 * Views that cost their own bytes: a structured clone takes along the whole buffer that a view is on, of which a query rarely means more than the view.
 *
 * What the views on a buffer cover is copied, and they become views on the copies. Views that overlap stay on one buffer, as the bytes and the digest
 * of a CID do; a buffer that the message holds itself, or that is transferred, stays whole.
 */

import { bytesOf, type Bytes, type Chunked } from '../wire/bytes.js';
import { kindOf } from '../wire/clone/kinds.js';
import { isDetached } from '../wire/clone/transfer.js';
import type { Entry } from '../wire/clone/types.js';
import { isOutOfBounds, viewBuffer, viewLength, viewName, viewOffset } from '../wire/clone/views.js';
import type { Message } from '../wire/port/seat.js';
import { reference } from './serialized.js';

/** A part of a buffer. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Elements of views are aligned to at most this, and stay so. */
const ALIGNMENT = 8;

/** What the parts of a buffer of `size` bytes cover, ascending and apart; null if that is all of it. */
function covered(parts: readonly Range[], size: number): Range[] | null {
  const ranges: { start: number; end: number }[] = [];
  const aligned = parts.map(({ start, end }) => ({ start: start - (start % ALIGNMENT), end }));
  for (const { start, end } of aligned.sort((one, other) => one.start - other.start)) {
    const last = ranges.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else ranges.push({ start, end });
  }
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0) < size ? ranges : null;
}

/** Which range a part lies in. */
function rangeOf(ranges: readonly Range[], part: Range): number {
  let [low, high] = [0, ranges.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((ranges[middle] as Range).start <= part.start) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A value to post, and what moves with it. */
interface Posted {
  readonly message: unknown;
  readonly transfer: readonly object[];
}

/**
 * The same value with its views cut, before it is cloned, and so without a copy of the bytes beside them.
 *
 * Its objects are copied as the clone would, so each getter runs once; what is no plain object or array stays as it is.
 */
export function cutViews(message: unknown, transfer: readonly object[]): Posted {
  const walk = new Walk(transfer);
  const copy = walk.copy(message);
  return copy === null ? { message, transfer } : { message: copy.message, transfer: [...transfer, ...walk.cut()] };
}

/** An object that is being copied. */
interface Open {
  readonly source: Readonly<Record<string, unknown>>;
  readonly copy: Record<string, unknown>;
  readonly keys: readonly string[];
  at: number;
}

class Walk {
  readonly #copies = new Map<object, Record<string, unknown>>();
  readonly #open: Open[] = [];
  readonly #whole: Set<unknown>;
  /** Where each view stands. */
  readonly #places = new Map<ArrayBufferView, [holder: Record<string, unknown>, key: string][]>();

  constructor(transfer: readonly object[]) {
    this.#whole = new Set(transfer);
  }

  /** A copy of the value's objects; null if they are referred to from where none can be made. */
  copy(message: unknown): { readonly message: unknown } | null {
    const box = { message: undefined };
    if (!this.#place(box, 'message', message)) return null;
    for (let open = this.#open.at(-1); open !== undefined; open = this.#open.at(-1)) {
      const key = open.keys[open.at++];
      if (key === undefined) this.#open.pop();
      // A getter that ran before may have deleted it.
      else if (Object.hasOwn(open.source, key) && !this.#place(open.copy, key, open.source[key])) return null;
    }
    return box;
  }

  /**
   * Put views on parts of their buffers in the place of those on larger ones.
   *
   * @returns those parts, which nobody else holds.
   */
  cut(): ArrayBuffer[] {
    const views = new Map<ArrayBuffer, ArrayBufferView[]>();
    for (const view of this.#places.keys()) {
      const buffer = viewBuffer(view);
      if (this.#whole.has(buffer) || !isPlain(buffer) || isOutOfBounds(view)) continue;
      const others = views.get(buffer);
      if (others === undefined) views.set(buffer, [view]);
      else others.push(view);
    }
    const cut: ArrayBuffer[] = [];
    for (const [buffer, on] of views) {
      const ranges = covered(on.map(part), buffer.byteLength);
      if (ranges === null) continue;
      const parts = ranges.map(({ start, end }) => buffer.slice(start, end));
      cut.push(...parts);
      for (const view of on) {
        const at = rangeOf(ranges, part(view));
        const moved = viewOn(parts[at] as ArrayBuffer, view, viewOffset(view) - (ranges[at] as Range).start);
        for (const [holder, key] of this.#places.get(view) ?? []) put(holder, key, moved);
      }
    }
    return cut;
  }

  /** Give a copy its member; false where the member cannot be copied and may refer to what is. */
  #place(holder: Record<string, unknown>, key: string, value: unknown): boolean {
    if (typeof value !== 'object' || value === null || this.#whole.has(value)) {
      put(holder, key, value);
      return true;
    }
    const copied = this.#copies.get(value);
    put(holder, key, copied ?? value);
    if (copied !== undefined) return true;
    const kind = kindOf(value);
    switch (kind) {
      case 'object':
        this.#enter(holder, key, value, Object.create(null) as Record<string, unknown>);
        return true;
      case 'array':
        this.#enter(holder, key, value, new Array((value as unknown[]).length) as never);
        return true;
      case 'view': {
        const places = this.#places.get(value as ArrayBufferView);
        if (places === undefined) this.#places.set(value as ArrayBufferView, [[holder, key]]);
        else places.push([holder, key]);
        return true;
      }
      case 'buffer':
        this.#whole.add(value);
        return true;
      case 'map':
      case 'set': {
        let kept = true;
        const keep = (item: unknown, name: unknown): void => void (kept &&= this.#keep(item) && this.#keep(name));
        if (kind === 'map') Map.prototype.forEach.call(value as Map<unknown, unknown>, keep);
        else Set.prototype.forEach.call(value as Set<unknown>, keep);
        return kept;
      }
      case 'error':
        return this.#keep(Object.getOwnPropertyDescriptor(value, 'cause')?.value);
      case 'image data':
        return false;
      default:
        return true;
    }
  }

  #enter(holder: Record<string, unknown>, key: string, source: object, copy: Record<string, unknown>): void {
    this.#copies.set(source, copy);
    this.#open.push({ source: source as Record<string, unknown>, copy, keys: Object.keys(source), at: 0 });
    put(holder, key, copy);
  }

  /** Leave a value as it is, with the buffer that it is on; false if it may refer to more. */
  #keep(value: unknown): boolean {
    if (typeof value !== 'object' || value === null || this.#whole.has(value)) return true;
    switch (kindOf(value)) {
      case 'view':
        this.#whole.add(viewBuffer(value as ArrayBufferView));
        return true;
      case 'buffer':
        this.#whole.add(value);
        return true;
      case 'object':
      case 'array':
      case 'map':
      case 'set':
      case 'error':
      case 'image data':
        return false;
      default:
        return true;
    }
  }
}

function put(holder: Record<string, unknown>, key: string, value: unknown): void {
  // Assigned, __proto__ would set the prototype of an array.
  if (key === '__proto__') Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
  else holder[key] = value;
}

function isPlain(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return kindOf(buffer) === 'buffer' && !(buffer as ArrayBuffer).resizable && !isDetached(buffer as ArrayBuffer);
}

function part(view: ArrayBufferView): Range {
  const start = viewOffset(view);
  return { start, end: start + viewLength(view) * unitOf(viewType(viewName(view))) };
}

type ViewType = (new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView) & { readonly BYTES_PER_ELEMENT?: number };

function viewType(name: string): ViewType | undefined {
  return (globalThis as Record<string, unknown>)[name] as ViewType | undefined;
}

/** Bytes of an element. */
function unitOf(type: ViewType | undefined): number {
  return type?.BYTES_PER_ELEMENT ?? 1;
}

function viewOn(buffer: ArrayBuffer, view: ArrayBufferView, offset: number): ArrayBufferView {
  return new (viewType(viewName(view)) as ViewType)(buffer, offset, viewLength(view));
}

/** A view in a serialized message. */
interface ViewEntry extends Range {
  readonly at: number;
}

/** The same message with its views cut, for one that has been cloned already. */
export function cutBuffers(message: Message): Message {
  const views = viewsByBuffer(message);
  if (views.size === 0) return message;
  const entries: Entry[] = [...message.entries];
  const buffers: Chunked[] = [...message.buffers];
  for (const [at, on] of views) {
    const number = (entries[at] as Entry)[1] as number;
    const bytes = buffers[number] as Chunked;
    const ranges = covered(on, bytes.size);
    if (ranges === null) continue;
    const places = ranges.map(({ start, end }, index) => {
      const piece = cutOut(bytes, start, end);
      if (index === 0) {
        buffers[number] = piece;
        return at;
      }
      return entries.push(['x', buffers.push(piece) - 1]) - 1;
    });
    for (const view of on) {
      const index = rangeOf(ranges, view);
      const [tag, name, , offset, length] = entries[view.at] as Entry;
      entries[view.at] = [tag, name, [places[index]], (offset as number) - (ranges[index] as Range).start, length];
    }
  }
  return { ...message, entries, buffers };
}

/** The views of a message by the entry of their buffer, where all that refers to that buffer is views. */
function viewsByBuffer({ root, entries, buffers }: Message): Map<number, ViewEntry[]> {
  const views = new Map<number, ViewEntry[]>();
  const whole = new Set<number>();
  const keep = (slot: unknown): void => {
    const index = reference(slot);
    if (index !== null) whole.add(index);
  };
  keep(root);
  for (const [at, entry] of entries.entries()) {
    if (!Array.isArray(entry)) continue;
    if (entry[0] !== 'v') {
      for (const slot of entry as readonly unknown[]) {
        keep(slot);
        // The properties of an Error are a list of their own.
        if (entry[0] === 'e' && Array.isArray(slot)) slot.forEach(keep);
      }
      continue;
    }
    const [, name, slot, start, length] = entry as Entry;
    const buffer = reference(slot);
    const type = typeof name === 'string' ? viewType(name) : undefined;
    if (buffer === null) continue;
    if (type === undefined || typeof start !== 'number' || typeof length !== 'number') {
      whole.add(buffer);
      continue;
    }
    const view = { at, start, end: start + length * unitOf(type) };
    const others = views.get(buffer);
    if (others === undefined) views.set(buffer, [view]);
    else others.push(view);
  }
  for (const at of views.keys()) {
    const entry = entries[at];
    const number: unknown = Array.isArray(entry) && entry[0] === 'x' && entry.length === 2 ? entry[1] : undefined;
    if (whole.has(at) || typeof number !== 'number' || buffers[number] === undefined) views.delete(at);
  }
  return views;
}

/** A copy of a part of some bytes. */
function cutOut({ chunks }: Chunked, start: number, end: number): Chunked {
  const pieces: Bytes[] = [];
  let at = 0;
  for (const chunk of chunks) {
    const [from, to] = [Math.max(start - at, 0), Math.min(end - at, chunk.byteLength)];
    if (from < to) pieces.push(bytesOf(chunk).slice(from, to));
    at += chunk.byteLength;
  }
  return { size: end - start, chunks: pieces };
}
