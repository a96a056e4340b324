/**
 * From slots, entries, bytes and ports to a value: StructuredDeserializeWithTransfer of the HTML Standard.
 *
 * Entries come from outside: each is checked before it is used. First every entry gets its object, then objects get their members, so cycles
 * need no care and depth costs no stack.
 */

import { ProtocolError } from '../../errors.js';
import { join } from '../bytes.js';
import { dataCloneError } from './transfer.js';
import { type Entry, ERROR_NAMES, type Serialized, type Slot, VIEW_NAMES } from './types.js';

/** Where the ports and Blobs of a value come from, by the index in their entry. */
export interface Resources {
  port(index: number): object;
  blob(index: number): Blob;
}

/** A value, with the ArrayBuffers in it, which nobody else holds. */
export interface Deserialized {
  readonly value: unknown;
  readonly buffers: readonly ArrayBuffer[];
}

/**
 * Build the value.
 *
 * @throws ProtocolError if an entry is malformed, DataCloneError if this runtime has no such object (a regular expression of newer syntax, say).
 */
export function deserialize(serialized: Serialized, resources: Resources): Deserialized {
  return new Reader(serialized, resources).read();
}

/** How many members an entry of fixed size has, tag included. */
const sizes: ReadonlyMap<unknown, readonly number[]> = new Map([
  ['d', [2]],
  ['r', [3]],
  ['w', [2]],
  ['e', [3]],
  ['D', [3]],
  ['x', [2, 3]],
  ['v', [5]],
  ['p', [2]],
  ['B', [4]],
  ['F', [6]],
  ['i', [5]]
]);

/** Properties of an Error, in the order in which they stand. */
const errorProperties = ['message', 'stack', 'cause'];

const LAST_TIME = 8.64e15;

/** Characters that the name of an image's color space may have. */
const MAX_COLOR_SPACE = 64;

/** Length from which on an array with holes is kept as a table. */
const SPARSE_LENGTH = 10_000;

type View = new (buffer: ArrayBuffer, offset: number, length?: number) => ArrayBufferView;

class Reader {
  readonly #objects: object[];
  readonly #entries: readonly Entry[];
  readonly #buffers: ArrayBuffer[] = [];
  readonly #taken = new Set<unknown>();
  readonly #resources: Resources;
  readonly #serialized: Serialized;

  constructor(serialized: Serialized, resources: Resources) {
    this.#serialized = serialized;
    this.#entries = serialized.entries;
    this.#objects = new Array<object>(this.#entries.length);
    this.#resources = resources;
  }

  read(): Deserialized {
    const views: number[] = [];
    const composed: number[] = [];
    this.#entries.forEach((entry, at) => {
      if (!Array.isArray(entry)) throw new ProtocolError(`entry ${at} is no list`);
      const size = sizes.get(entry[0]);
      if (size !== undefined && !size.includes(entry.length)) throw new ProtocolError(`entry ${at} has ${entry.length} members`);
      if (entry[0] === 'v') views.push(at);
      else if (entry[0] === 'i' || entry[0] === 'l') composed.push(at);
      else this.#objects[at] = this.#create(entry, at);
    });
    for (const at of views) this.#objects[at] = this.#view(this.#entries[at] as Entry, at);
    for (const at of composed) this.#objects[at] = this.#compose(this.#entries[at] as Entry, at);
    this.#entries.forEach((entry, at) => this.#fill(entry, at));
    return { value: this.#value(this.#serialized.root), buffers: this.#buffers };
  }

  #create(entry: Entry, at: number): object {
    switch (entry[0]) {
      case 'o':
        return {};
      case 'a':
      case 'A':
        return [];
      case 'm':
        return new Map();
      case 's':
        return new Set();
      case 'd':
        return new Date(this.#time(entry, 1, at));
      case 'r':
        return regexp(text(entry, 1, at), text(entry, 2, at));
      case 'w':
        return this.#wrapper(entry, at);
      case 'e':
        return errorOf(text(entry, 1, at), at);
      case 'D':
        return new DOMException(text(entry, 2, at), text(entry, 1, at));
      case 'x':
        return this.#buffer(entry, at);
      case 'p':
        return this.#resources.port(this.#take('port', index(entry, 1, at), at));
      case 'B':
        return this.#resources.blob(this.#take('port', index(entry, 3, at), at));
      case 'F':
        return this.#file(entry, at);
      default:
        throw new ProtocolError(`entry ${at} has the unknown tag ${JSON.stringify(entry[0])?.slice(0, 40)}`);
    }
  }

  #wrapper(entry: Entry, at: number): object {
    const value = this.#value(entry[1] as Slot);
    if (value === null || !['boolean', 'number', 'string', 'bigint'].includes(typeof value))
      throw new ProtocolError(`entry ${at} wraps no primitive`);
    return Object(value) as object;
  }

  #buffer(entry: Entry, at: number): ArrayBuffer {
    const which = this.#take('buffer', index(entry, 1, at), at);
    const source = this.#serialized.buffers[which];
    if (source === undefined) throw new ProtocolError(`entry ${at} names buffer ${which} of ${this.#serialized.buffers.length}`);
    const { buffer } = join(source.chunks, source.size);
    this.#buffers.push(buffer);
    if (entry.length < 3) return buffer;
    const maxByteLength = index(entry, 2, at);
    if (maxByteLength < source.size) throw new ProtocolError(`entry ${at} is a buffer larger than its maximum`);
    if (!('resize' in ArrayBuffer.prototype)) return buffer;
    const resizable = allocate(source.size, maxByteLength);
    new Uint8Array(resizable).set(new Uint8Array(buffer));
    this.#buffers[this.#buffers.length - 1] = resizable;
    return resizable;
  }

  #view(entry: Entry, at: number): ArrayBufferView {
    const name = text(entry, 1, at);
    const slot = entry[2];
    const target = this.#entryAt(slot) && this.#objects[(slot as number[])[0] as number];
    if (!(VIEW_NAMES as readonly string[]).includes(name) || !(target instanceof ArrayBuffer))
      throw new ProtocolError(`entry ${at} is no view on an ArrayBuffer`);
    const type = (globalThis as Record<string, unknown>)[name] as (View & { BYTES_PER_ELEMENT?: number }) | undefined;
    if (type === undefined) throw dataCloneError(`this runtime has no ${name}`);
    const offset = index(entry, 3, at);
    const length = entry[4] === null ? undefined : index(entry, 4, at);
    const unit = type.BYTES_PER_ELEMENT ?? 1;
    if (offset % unit !== 0 || offset + (length ?? 0) * unit > target.byteLength)
      throw new ProtocolError(`entry ${at} is a view outside its ArrayBuffer`);
    if (length === undefined && !this.#isResizable(slot)) throw new ProtocolError(`entry ${at} follows a buffer of fixed size`);
    return new type(target, offset, length);
  }

  #file(entry: Entry, at: number): Blob {
    const blob = this.#resources.blob(this.#take('port', index(entry, 3, at), at));
    const lastModified = this.#number(entry, 5, at);
    if (typeof File === 'undefined') throw dataCloneError('this runtime has no File');
    return new File([blob], text(entry, 4, at), { type: text(entry, 1, at), lastModified });
  }

  #compose(entry: Entry, at: number): object {
    return entry[0] === 'i' ? this.#image(entry, at) : this.#fileList(entry, at);
  }

  #image(entry: Entry, at: number): object {
    const pixels = this.#entryAt(entry[1]);
    const name = pixels?.[0] === 'v' ? pixels[1] : undefined;
    const [width, height] = [index(entry, 2, at), index(entry, 3, at)];
    const colorSpace = text(entry, 4, at);
    const view = this.#objects[(entry[1] as number[])[0] as number] as Uint8ClampedArray<ArrayBuffer>;
    if ((name !== 'Uint8ClampedArray' && name !== 'Float16Array') || width === 0 || height === 0 || view.length !== 4 * width * height)
      throw new ProtocolError(`entry ${at} is an image without its pixels`);
    if (colorSpace.length > MAX_COLOR_SPACE) throw new ProtocolError(`entry ${at} is an image of a color space that is no name`);
    if (typeof ImageData === 'undefined') throw dataCloneError('this runtime has no ImageData');
    const settings = { colorSpace, ...(name === 'Float16Array' && { pixelFormat: 'rgba-float16' }) };
    try {
      return new ImageData(view, width, height, settings as ImageDataSettings);
    } catch (error) {
      throw dataCloneError(`this runtime has no such ImageData: ${(error as Error).message}`);
    }
  }

  #fileList(entry: Entry, at: number): object {
    const files = entry.slice(1).map(slot => {
      if (this.#entryAt(slot)?.[0] !== 'F') throw new ProtocolError(`entry ${at} is a list of what is no File`);
      return this.#value(slot as Slot) as File;
    });
    // Nothing else makes a FileList, and a worker cannot do even this.
    if (typeof DataTransfer === 'undefined') throw dataCloneError('this runtime cannot make a FileList');
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    return transfer.files;
  }

  /** The entry that a slot refers to. */
  #entryAt(slot: unknown): Entry | undefined {
    return Array.isArray(slot) && slot.length === 1 && typeof slot[0] === 'number' ? this.#entries[slot[0]] : undefined;
  }

  #fill(entry: Entry, at: number): void {
    const target = this.#objects[at] as object;
    switch (entry[0]) {
      case 'o':
        this.#members(target, entry, 1, at);
        break;
      case 'a':
        for (let i = 1; i < entry.length; i++) (target as unknown[]).push(this.#value(entry[i] as Slot));
        break;
      case 'A': {
        const length = index(entry, 1, at);
        indicesFirst(entry, at);
        this.#members(target, entry, 2, at);
        if ((target as unknown[]).length > length || length > 2 ** 32 - 1)
          throw new ProtocolError(`entry ${at} is an array with an index beyond its length`);
        // A length that is merely large would be given memory at once; this one makes the runtime keep a table of what is there.
        if (length > SPARSE_LENGTH) (target as unknown[]).length = 2 ** 32 - 1;
        (target as unknown[]).length = length;
        break;
      }
      case 'm': {
        const map = target as Map<unknown, unknown>;
        pairs(entry, 1, at);
        for (let i = 1; i < entry.length; i += 2) map.set(this.#value(entry[i] as Slot), this.#value(entry[i + 1] as Slot));
        if (map.size !== (entry.length - 1) / 2) throw new ProtocolError(`entry ${at} is a Map with a key twice`);
        break;
      }
      case 's': {
        const set = target as Set<unknown>;
        for (let i = 1; i < entry.length; i++) set.add(this.#value(entry[i] as Slot));
        if (set.size !== entry.length - 1) throw new ProtocolError(`entry ${at} is a Set with an item twice`);
        break;
      }
      case 'e':
        this.#properties(target as Error, entry, at);
        break;
    }
  }

  #members(target: object, entry: Entry, from: number, at: number): void {
    pairs(entry, from, at);
    for (let i = from; i < entry.length; i += 2) {
      const key = text(entry, i, at);
      const value = this.#value(entry[i + 1] as Slot);
      if (!(key in target)) (target as Record<string, unknown>)[key] = value;
      else if (Object.hasOwn(target, key)) throw new ProtocolError(`entry ${at} has the key ${JSON.stringify(key)} twice`);
      // An inherited setter, like __proto__'s, must not run.
      else Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
    }
  }

  #properties(target: Error, entry: Entry, at: number): void {
    const list: unknown = entry[2];
    if (!Array.isArray(list)) throw new ProtocolError(`entry ${at} is an Error without a list of properties`);
    pairs(list, 0, at);
    let next = 0;
    for (let i = 0; i < list.length; i += 2) {
      const key = text(list, i, at);
      const place = errorProperties.indexOf(key);
      if (place < next) throw new ProtocolError(`entry ${at} is an Error with the property ${key} out of place`);
      next = place + 1;
      const value = key === 'cause' ? this.#value(list[i + 1] as Slot) : text(list, i + 1, at);
      Object.defineProperty(target, key, { value, writable: true, enumerable: false, configurable: true });
    }
  }

  #value(slot: Slot): unknown {
    if (!Array.isArray(slot)) {
      if (slot !== null && typeof slot === 'object') throw new ProtocolError('a slot that is an object');
      if (typeof slot === 'number' && !Number.isFinite(slot)) throw new ProtocolError('a number too large for a double');
      return slot;
    }
    const [head, body] = slot as unknown[];
    if (slot.length === 0) return undefined;
    if (slot.length === 1 && typeof head === 'number') {
      const object = this.#objects[head];
      if (object === undefined) throw new ProtocolError(`a slot for entry ${head} of ${this.#entries.length}`);
      return object;
    }
    if (slot.length === 2 && typeof body === 'string') {
      if (head === 'n' && ['NaN', 'Infinity', '-Infinity', '-0'].includes(body)) return Number(body);
      if (head === 'b' && /^(0|-?[1-9a-f][0-9a-f]*)$/.test(body)) return bigint(body);
    }
    throw new ProtocolError('a malformed slot');
  }

  #number(entry: Entry, i: number, at: number): number {
    const value = this.#value(entry[i] as Slot);
    if (typeof value !== 'number') throw new ProtocolError(`entry ${at} has no number at ${i}`);
    return value;
  }

  #time(entry: Entry, i: number, at: number): number {
    const time = this.#number(entry, i, at);
    if (!Number.isNaN(time) && !(Number.isInteger(time) && Math.abs(time) <= LAST_TIME)) throw new ProtocolError(`entry ${at} is no time`);
    return time;
  }

  #isResizable(slot: unknown): boolean {
    return this.#entryAt(slot)?.length === 3;
  }

  #take(what: string, index: number, at: number): number {
    const key = `${what} ${index}`;
    if (this.#taken.has(key)) throw new ProtocolError(`entry ${at} uses ${key} a second time`);
    this.#taken.add(key);
    return index;
  }
}

function text(entry: Entry, i: number, at: number): string {
  const value = entry[i];
  if (typeof value !== 'string') throw new ProtocolError(`entry ${at} has no string at ${i}`);
  return value;
}

function index(entry: Entry, i: number, at: number): number {
  const value = entry[i];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new ProtocolError(`entry ${at} has no count at ${i}`);
  return value;
}

/** Index strings stand before names. */
function indicesFirst(entry: Entry, at: number): void {
  let named = false;
  for (let i = 2; i < entry.length; i += 2) {
    const isIndex = /^(0|[1-9]\d{0,9})$/.test(String(entry[i])) && Number(entry[i]) < 2 ** 32 - 1;
    if (isIndex && named) throw new ProtocolError(`entry ${at} is an array with an index after a name`);
    named ||= !isIndex;
  }
}

function pairs(entry: Entry, from: number, at: number): void {
  if ((entry.length - from) % 2 !== 0) throw new ProtocolError(`entry ${at} has a key without a value`);
}

function bigint(hex: string): bigint {
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`);
}

function regexp(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw dataCloneError(`this runtime has no such regular expression: ${(error as Error).message}`);
  }
}

function errorOf(name: string, at: number): Error {
  if (!(ERROR_NAMES as readonly string[]).includes(name)) throw new ProtocolError(`entry ${at} is an Error of name ${name}`);
  const error = new (globalThis as unknown as Record<(typeof ERROR_NAMES)[number], ErrorConstructor>)[name as 'Error']();
  // The stack of this function would say nothing of where the error came from.
  Object.defineProperty(error, 'stack', { value: name, writable: true, enumerable: false, configurable: true });
  return error;
}

function allocate(size: number, maxByteLength: number): ArrayBuffer {
  try {
    return new ArrayBuffer(size, { maxByteLength });
  } catch (error) {
    throw dataCloneError(`an ArrayBuffer of up to ${maxByteLength} bytes: ${(error as Error).message}`);
  }
}
