/**
 * From a value to slots, entries, bytes and ports: StructuredSerializeWithTransfer of the HTML Standard.
 *
 * The standard's algorithm recurses; this one keeps its own stack, so that depth costs no stack of the runtime, and visits in the same order,
 * so that getters run once and when they should.
 */

import { type Chunked, whole } from '../bytes.js';
import { snapshot } from '../snapshot.js';
import { type Kind, kindOf } from './kinds.js';
import { MAX_ENTRIES, MAX_MESSAGE_BUFFERS, MAX_MESSAGE_SIZE, MAX_META_SIZE, MAX_PORTS } from './limits.js';
import * as slots from './slots.js';
import { type BlobSource, ERROR_NAMES, type Serialized, type Slot } from './types.js';
import { isOutOfBounds, tracksLength, viewBuffer, viewLength, viewName, viewOffset } from './views.js';
import { checkAttached, dataCloneError, detachBuffer, isDetached } from './transfer.js';

/** What transfers that are not ArrayBuffers, namely ports; given by the floor above, which knows ports. */
export interface PortTransfer<P> {
  /** Why the object cannot be transferred at all, or null. */
  refuse(value: object): string | null;
  /** Whether it has been transferred already, or closed. */
  detached(value: object): boolean;
  /** Take the port out of the object. */
  take(value: object): P;
  /** Let go of a port that was taken and that no message will carry. */
  release?(port: P): void;
}

/** A serialized value with what was taken out for it. */
export interface SerializedWithTransfer<P> extends Serialized {
  /** The transferred ports, in the order of the transfer list. */
  readonly ports: readonly P[];
  /** The Blobs, in the order of the indices in their entries, which follow those of the ports. */
  readonly blobs: readonly BlobSource[];
}

/**
 * Serialize a value and detach what is transferred.
 *
 * @param value - any value; must hold nothing that structured clone does not know.
 * @param transfer - what moves instead of being copied.
 * @param portTransfer - how ports are taken out.
 * @param owned - the caller gives the ArrayBuffers of the value away, so none is copied.
 * @returns the value's slots, entries, bytes and ports.
 * @throws DataCloneError (a DOMException of code 25) that names the path to the value; whatever a getter of the value throws, as it is.
 */
export function serialize<P>(
  value: unknown,
  transfer: readonly object[],
  portTransfer: PortTransfer<P>,
  owned = false
): SerializedWithTransfer<P> {
  const buffers = new Set<object>();
  const portIndex = new Map<object, number>();
  for (const [at, item] of transfer.entries()) {
    if (buffers.has(item) || portIndex.has(item)) throw dataCloneError(`transfer[${at}] is in the transfer list twice`);
    const kind = kindOf(item);
    if (kind === 'buffer') {
      buffers.add(item);
      continue;
    }
    const reason = portTransfer.refuse(item);
    if (reason !== null) throw dataCloneError(`transfer[${at}]: ${reason}`);
    portIndex.set(item, portIndex.size);
  }
  const writer = new Writer(buffers, portIndex, owned);
  const root = writer.write(value);

  return { root, entries: writer.entries, buffers: writer.buffers, ports: take(transfer, writer, portTransfer), blobs: writer.blobs };
}

/** Take what is transferred out of its objects, in the order of the list. */
function take<P>(transfer: readonly object[], writer: Writer, portTransfer: PortTransfer<P>): P[] {
  const ports: P[] = [];
  try {
    for (const [at, item] of transfer.entries()) {
      const where = `transfer[${at}]`;
      if (writer.transferred.has(item)) {
        checkAttached(item as ArrayBuffer, where);
        writer.fill(item, whole(detachBuffer(item as ArrayBuffer, where)));
      } else {
        if (portTransfer.detached(item)) throw dataCloneError(`${where} is a port that has been transferred or closed already`);
        ports.push(portTransfer.take(item));
      }
    }
  } catch (error) {
    // The standard detaches in order too, so those are out of their objects for good.
    for (const port of ports) portTransfer.release?.(port);
    throw error;
  }
  return ports;
}

/** An object whose members are being written. */
type Open = Members | Items | Properties;

/** Members by key, of an object or array. */
interface Members {
  readonly of: 'object' | 'array';
  readonly source: object;
  readonly index: number;
  readonly keys: readonly string[];
  readonly kept: unknown[];
  at: number;
}

/** Items of a Map (key, value, key, value …) or Set, as they were when it was met. */
interface Items {
  readonly of: 'items';
  readonly paired: boolean;
  readonly items: readonly unknown[];
  readonly entry: unknown[];
  at: number;
}

/** Properties of an Error. */
interface Properties {
  readonly of: 'error';
  readonly list: readonly (readonly [string, unknown])[];
  readonly entry: unknown[];
  at: number;
}

/** Steps that a path may have to be told whole; of a longer one these many are, at its beginning and at its end. */
const LONGEST_PATH = 20;
const SHOWN_STEPS = 8;

class Writer {
  readonly entries: unknown[][] = [];
  readonly buffers: Chunked[] = [];
  readonly blobs: BlobSource[] = [];
  readonly #memory = new Map<object, number>();
  readonly #open: Open[] = [];
  /** Characters of all texts, of which each will be one byte at least; and bytes of all buffers. */
  #text = 0;
  #size = 0;

  constructor(
    readonly transferred: ReadonlySet<object>,
    private readonly ports: ReadonlyMap<object, number>,
    private readonly owned: boolean
  ) {}

  write(value: unknown): Slot {
    if (this.ports.size > MAX_PORTS) throw tooMuch(`more than ${MAX_PORTS} ports`);
    const root = this.#slot(value);
    for (let open = this.#open.at(-1); open !== undefined; open = this.#open.at(-1)) {
      if (!this.#step(open)) this.#open.pop();
    }
    // What is transferred is taken out only after this.
    if (this.#text > MAX_META_SIZE) throw tooMuch(`more than ${MAX_META_SIZE} characters of text`);
    if (this.#text + this.#size > MAX_MESSAGE_SIZE) throw tooMuch(`more than ${MAX_MESSAGE_SIZE} bytes`);
    return root;
  }

  /** Give a transferred buffer its bytes. */
  fill(buffer: object, bytes: Chunked): void {
    const index = this.#memory.get(buffer);
    if (index !== undefined) this.buffers[this.entries[index]?.[1] as number] = bytes;
  }

  /** Write one member of an open object; false when there is none left. */
  #step(open: Open): boolean {
    switch (open.of) {
      case 'items': {
        if (open.at >= open.items.length) return false;
        open.entry.push(this.#slot(open.items[open.at++]));
        return true;
      }
      case 'error': {
        const property = open.list[open.at++];
        if (property === undefined) return false;
        open.entry.push(property[0], this.#slot(property[1]));
        return true;
      }
      default: {
        const key = open.keys[open.at++];
        if (key === undefined) {
          this.#close(open);
          return false;
        }
        // A getter that ran before may have deleted it.
        if (Object.hasOwn(open.source, key)) {
          const value: unknown = (open.source as Record<string, unknown>)[key];
          this.#text += key.length;
          open.kept.push(key, this.#slot(value));
        }
        return true;
      }
    }
  }

  #close(open: Members): void {
    const { kept } = open;
    const entry = this.entries[open.index] as unknown[];
    if (open.of === 'object') {
      for (const part of kept) entry.push(part);
      return;
    }
    const length = entry[1] as number;
    // Indices come first and ascend, so the last one tells of all.
    const dense = open.keys.length === length && (length === 0 || open.keys[length - 1] === String(length - 1));
    if (dense && kept.length === 2 * length) {
      entry.length = 0;
      entry.push('a');
      for (let at = 1; at < kept.length; at += 2) entry.push(kept[at]);
    } else {
      for (const part of kept) entry.push(part);
    }
  }

  #slot(value: unknown): Slot {
    switch (typeof value) {
      case 'string':
        this.#text += value.length;
        return value;
      case 'boolean':
        return value;
      case 'number':
        if (Number.isFinite(value) && !Object.is(value, -0)) return value;
        return ['n', Object.is(value, -0) ? '-0' : String(value)];
      case 'undefined':
        return [];
      case 'bigint':
        return ['b', value.toString(16)];
      case 'object':
        return value === null ? null : [this.#memory.get(value) ?? this.#enter(value)];
      default:
        throw this.#uncloneable(typeof value === 'function' ? functionName(value) : String(value));
    }
  }

  /** Give an object its entry, and open it if it has members. */
  #enter(value: object): number {
    const index = this.entries.length;
    if (index === MAX_ENTRIES) throw tooMuch(`more than ${MAX_ENTRIES} objects`, this.#path());
    const add = (...entry: unknown[]): unknown[] => {
      this.#memory.set(value, index);
      this.entries.push(entry);
      return entry;
    };
    const port = this.ports.get(value);
    if (port !== undefined) {
      add('p', port);
      return index;
    }
    const kind = kindOf(value);
    switch (kind) {
      case 'object':
        add('o');
        this.#open.push({ of: 'object', source: value, index, keys: Object.keys(value), kept: [], at: 0 });
        break;
      case 'array':
        add('A', (value as unknown[]).length);
        this.#open.push({ of: 'array', source: value, index, keys: Object.keys(value), kept: [], at: 0 });
        break;
      case 'map': {
        const items: unknown[] = [];
        Map.prototype.forEach.call(value, (item, key) => items.push(key, item));
        this.#open.push({ of: 'items', paired: true, items, entry: add('m'), at: 0 });
        break;
      }
      case 'set': {
        const items: unknown[] = [];
        Set.prototype.forEach.call(value, item => items.push(item));
        this.#open.push({ of: 'items', paired: false, items, entry: add('s'), at: 0 });
        break;
      }
      case 'error':
        this.#enterError(value as Error, add);
        break;
      case 'buffer':
        this.#enterBuffer(value as ArrayBuffer, add);
        break;
      case 'view':
        this.#enterView(value as ArrayBufferView, add);
        break;
      case 'blob':
      case 'file':
        this.#enterBlob(value, kind, add);
        break;
      case 'file list': {
        const entry = add('l');
        for (const file of slots.filesOf(value)) entry.push(this.#slot(file));
        break;
      }
      case 'image data': {
        const entry = add('i');
        entry.push(this.#slot(slots.imagePixels(value)), slots.imageWidth(value), slots.imageHeight(value), slots.imageColorSpace(value));
        break;
      }
      default:
        this.#enterLeaf(value, kind, add);
    }
    return index;
  }

  #enterLeaf(value: object, kind: Kind, add: (...entry: unknown[]) => void): void {
    switch (kind) {
      case 'boolean object':
        return add('w', Boolean.prototype.valueOf.call(value));
      case 'number object':
        return add('w', this.#slot(Number.prototype.valueOf.call(value)));
      case 'string object':
        return add('w', String.prototype.valueOf.call(value));
      case 'bigint object':
        return add('w', this.#slot(BigInt.prototype.valueOf.call(value)));
      case 'date':
        return add('d', this.#slot(Date.prototype.getTime.call(value)));
      case 'regexp':
        return add('r', slots.regexpSource(value), slots.regexpFlags(value));
      case 'dom exception':
        return add('D', slots.exceptionName(value), slots.exceptionMessage(value));
      case 'shared buffer':
        throw this.#uncloneable('a SharedArrayBuffer, which cannot leave its process,');
      case 'proxy':
        throw this.#uncloneable('a Proxy');
      default:
        throw this.#uncloneable(`an object of class ${className(value)}`);
    }
  }

  /** Name and message as the standard reads them; stack and cause are the further data that it invites. */
  #enterError(error: Error, add: (...entry: unknown[]) => unknown[]): void {
    const found: unknown = error.name;
    const name = found === undefined ? 'Error' : toText(found);
    const properties: unknown[] = [];
    add('e', (ERROR_NAMES as readonly string[]).includes(name) ? name : 'Error', properties);
    const list: [string, unknown][] = [];
    const message = Object.getOwnPropertyDescriptor(error, 'message');
    if (message !== undefined && 'value' in message) list.push(['message', toText(message.value)]);
    const { stack } = error;
    if (typeof stack === 'string') list.push(['stack', stack]);
    const cause = Object.getOwnPropertyDescriptor(error, 'cause');
    if (cause !== undefined && 'value' in cause) list.push(['cause', cause.value]);
    this.#open.push({ of: 'error', list, entry: properties, at: 0 });
  }

  #enterBuffer(buffer: ArrayBuffer, add: (...entry: unknown[]) => void): void {
    const moves = this.transferred.has(buffer);
    if (!moves && isDetached(buffer)) throw this.#uncloneable('a detached ArrayBuffer');
    const index = this.buffers.length;
    if (index === MAX_MESSAGE_BUFFERS) throw tooMuch(`more than ${MAX_MESSAGE_BUFFERS} ArrayBuffers`, this.#path());
    this.#size += buffer.byteLength;
    if (this.#size > MAX_MESSAGE_SIZE) throw tooMuch(`more than ${MAX_MESSAGE_SIZE} bytes`, this.#path());
    if (buffer.resizable) add('x', index, buffer.maxByteLength);
    else add('x', index);
    this.buffers.push(moves ? { size: 0, chunks: [] } : this.owned && !buffer.resizable ? whole(buffer) : snapshot(buffer));
  }

  #enterView(view: ArrayBufferView, add: (...entry: unknown[]) => unknown[]): void {
    if (isOutOfBounds(view)) throw this.#uncloneable('a view outside its ArrayBuffer');
    const entry = add('v');
    const buffer = this.#slot(viewBuffer(view));
    entry.push(viewName(view), buffer, viewOffset(view), tracksLength(view) ? null : viewLength(view));
  }

  #enterBlob(blob: object, kind: Kind, add: (...entry: unknown[]) => void): void {
    const index = this.ports.size + this.blobs.length;
    if (index === MAX_PORTS) throw tooMuch(`more than ${MAX_PORTS} ports and Blobs`, this.#path());
    this.blobs.push(blob as Blob);
    const [type, size] = [slots.blobType(blob), slots.blobSize(blob)];
    if (kind === 'file') add('F', type, size, index, slots.fileName(blob), slots.fileTime(blob));
    else add('B', type, size, index);
  }

  #uncloneable(what: string): DOMException {
    return dataCloneError(`${what} cannot be cloned: at ${this.#path()}`);
  }

  /** Where the value being written stands, as an expression. */
  #path(): string {
    let path = 'message';
    const steps = this.#open.length;
    const skipped = steps > LONGEST_PATH ? steps - 2 * SHOWN_STEPS : 0;
    for (const [at, open] of this.#open.entries()) {
      if (skipped > 0 && at === SHOWN_STEPS) path += ` … ${skipped} steps … `;
      if (skipped > 0 && at >= SHOWN_STEPS && at < SHOWN_STEPS + skipped) continue;
      if (open.of === 'items') path += open.paired ? mapPath(open.at - 1) : `<item ${open.at - 1}>`;
      else {
        const key = (open.of === 'error' ? open.list[open.at - 1]?.[0] : open.keys[open.at - 1]) ?? '';
        if (/^(0|[1-9]\d*)$/.test(key)) path += `[${key}]`;
        else path += /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
      }
    }
    return path;
  }
}

/** What no link can carry is refused where it is sent. */
function tooMuch(what: string, path = 'message'): DOMException {
  return dataCloneError(`a message of ${what} cannot be sent: at ${path}`);
}

function mapPath(at: number): string {
  return `<${at % 2 ? 'value' : 'key'} ${Math.floor(at / 2)}>`;
}

function toText(value: unknown): string {
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
  return String(value);
}

function functionName(value: object): string {
  const name = ownName(value);
  return name === undefined || name === '' ? 'a function' : `the function ${name}`;
}

/** Name of the object's class, as data of its prototypes: nothing of the object's own runs. */
function className(value: object): string {
  for (let at = Object.getPrototypeOf(value) as object | null; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const type: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
    const name = typeof type === 'function' ? ownName(type) : undefined;
    if (name !== undefined) return name;
  }
  return 'unknown';
}

function ownName(value: object): string | undefined {
  const name: unknown = Object.getOwnPropertyDescriptor(value, 'name')?.value;
  return typeof name === 'string' ? name : undefined;
}
