/**
 * From a value to slots, entries, bytes and ports: StructuredSerializeWithTransfer of the HTML Standard.
 *
 * The standard's algorithm recurses; this one keeps its own stack, so that depth costs no stack of the runtime, and visits in the same order,
 * so that getters run once and when they should.
 */

import { type Chunked, snapshot, whole } from '../bytes.js';
import { type Kind, kindOf } from './kinds.js';
import { type BlobSource, ERROR_NAMES, type Serialized, type Slot } from './types.js';
import { isOutOfBounds, tracksLength, viewName } from './views.js';
import { checkAttached, dataCloneError, detachBuffer, isDetached } from './transfer.js';

/** What transfers that are not ArrayBuffers, namely ports; given by the floor above, which knows ports. */
export interface PortTransfer<P> {
  /** Why the object cannot be transferred at all, or null. */
  refuse(value: object): string | null;
  /** Whether it has been transferred already, or closed. */
  detached(value: object): boolean;
  /** Take the port out of the object. */
  take(value: object): P;
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

  const ports: P[] = [];
  for (const [at, item] of transfer.entries()) {
    const where = `transfer[${at}]`;
    if (buffers.has(item)) {
      checkAttached(item as ArrayBuffer, where);
      writer.fill(item, whole(detachBuffer(item as ArrayBuffer, where)));
    } else {
      if (portTransfer.detached(item)) throw dataCloneError(`${where} is a port that has been transferred or closed already`);
      ports.push(portTransfer.take(item));
    }
  }
  return { root, entries: writer.entries, buffers: writer.buffers, ports, blobs: writer.blobs };
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

class Writer {
  readonly entries: unknown[][] = [];
  readonly buffers: Chunked[] = [];
  readonly blobs: BlobSource[] = [];
  readonly #memory = new Map<object, number>();
  readonly #open: Open[] = [];

  constructor(
    private readonly transferred: ReadonlySet<object>,
    private readonly ports: ReadonlyMap<object, number>,
    private readonly owned: boolean
  ) {}

  write(value: unknown): Slot {
    const root = this.#slot(value);
    for (let open = this.#open.at(-1); open !== undefined; open = this.#open.at(-1)) {
      if (!this.#step(open)) this.#open.pop();
    }
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
        this.#enterBlob(value as Blob, add);
        break;
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
        return add('r', (value as RegExp).source, (value as RegExp).flags);
      case 'dom exception':
        return add('D', (value as DOMException).name, (value as DOMException).message);
      case 'shared buffer':
        throw this.#uncloneable('a SharedArrayBuffer, which cannot leave its process,');
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
    if (buffer.resizable) add('x', index, buffer.maxByteLength);
    else add('x', index);
    this.buffers.push(moves ? { size: 0, chunks: [] } : this.owned && !buffer.resizable ? whole(buffer) : snapshot(buffer));
  }

  #enterView(view: ArrayBufferView, add: (...entry: unknown[]) => unknown[]): void {
    if (isOutOfBounds(view)) throw this.#uncloneable('a view outside its ArrayBuffer');
    const entry = add('v');
    const buffer = this.#slot(view.buffer);
    const name = viewName(view);
    const length = name === 'DataView' ? view.byteLength : (view as Uint8Array).length;
    entry.push(name, buffer, view.byteOffset, tracksLength(view) ? null : length);
  }

  #enterBlob(blob: Blob, add: (...entry: unknown[]) => void): void {
    const index = this.ports.size + this.blobs.length;
    this.blobs.push(blob);
    if (typeof File !== 'undefined' && blob instanceof File) add('F', blob.type, blob.size, index, blob.name, blob.lastModified);
    else add('B', blob.type, blob.size, index);
  }

  #uncloneable(what: string): DOMException {
    return dataCloneError(`${what} cannot be cloned: at ${this.#path()}`);
  }

  /** Where the value being written stands, as an expression. */
  #path(): string {
    let path = 'message';
    for (const open of this.#open) {
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

function mapPath(at: number): string {
  return `<${at % 2 ? 'value' : 'key'} ${Math.floor(at / 2)}>`;
}

function toText(value: unknown): string {
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
  return String(value);
}

function functionName(value: { readonly name?: unknown }): string {
  return typeof value.name === 'string' && value.name !== '' ? `the function ${value.name}` : 'a function';
}

function className(value: object): string {
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' ? name : 'unknown';
}
