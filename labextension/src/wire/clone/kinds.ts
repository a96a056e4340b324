/**
 * What kind of object a value is, by its internal slots and not by its looks.
 *
 * JavaScript shows most internal slots only through methods that throw without them, and throwing is slow. So a value's tags, which prototypes
 * carry as data, and its prototype chain say what it may be, and the method then decides. No getter of the value's own runs. Values may come
 * from other realms, an iframe's say: there everything has the same names and tags, and is native code, but is other objects.
 */

import { attribute } from './slots.js';

export type Kind =
  | 'array'
  | 'bigint object'
  | 'blob'
  | 'boolean object'
  | 'buffer'
  | 'date'
  | 'dom exception'
  | 'error'
  | 'file'
  | 'file list'
  | 'image data'
  | 'map'
  | 'number object'
  | 'object'
  | 'proxy'
  | 'regexp'
  | 'set'
  | 'shared buffer'
  | 'string object'
  | 'unserializable'
  | 'view';

const toString = Object.prototype.toString;
const builtins: Readonly<Record<string, Kind>> = {
  Error: 'error',
  Boolean: 'boolean object',
  Number: 'number object',
  String: 'string object',
  Date: 'date',
  RegExp: 'regexp'
};

/** Objects with internal slots whose class has no global name. */
const nameless = new Set([
  'Generator',
  'AsyncGenerator',
  'Array Iterator',
  'Map Iterator',
  'Set Iterator',
  'String Iterator',
  'RegExp String Iterator',
  'Iterator Helper',
  'Segmenter String Iterator',
  'Async-from-Sync Iterator'
]);

interface Brand {
  readonly kind: Kind;
  readonly name: string;
  readonly type: (abstract new (...args: never[]) => unknown) | undefined;
  readonly test: (value: object) => boolean;
}

const brands: readonly Brand[] = [
  // Before Error: a DOMException has the slots of both.
  ...(typeof DOMException === 'undefined'
    ? []
    : [{ kind: 'dom exception', name: 'DOMException', type: DOMException, test: byGetter(DOMException, 'code') } as const]),
  { kind: 'map', name: 'Map', type: Map, test: byGetter(Map, 'size') },
  { kind: 'set', name: 'Set', type: Set, test: byGetter(Set, 'size') },
  { kind: 'buffer', name: 'ArrayBuffer', type: ArrayBuffer, test: byGetter(ArrayBuffer, 'byteLength') },
  { kind: 'error', name: 'Error', type: Error, test: isError },
  { kind: 'date', name: 'Date', type: Date, test: byMethod(Date, 'getTime') },
  { kind: 'regexp', name: 'RegExp', type: RegExp, test: byGetter(RegExp, 'source') },
  { kind: 'boolean object', name: 'Boolean', type: Boolean, test: byMethod(Boolean, 'valueOf') },
  { kind: 'number object', name: 'Number', type: Number, test: byMethod(Number, 'valueOf') },
  { kind: 'string object', name: 'String', type: String, test: byMethod(String, 'valueOf') },
  { kind: 'bigint object', name: 'BigInt', type: BigInt as never, test: byMethod(BigInt, 'valueOf') },
  ...(typeof SharedArrayBuffer === 'undefined'
    ? []
    : [
        {
          kind: 'shared buffer',
          name: 'SharedArrayBuffer',
          type: SharedArrayBuffer,
          test: byGetter(SharedArrayBuffer, 'byteLength')
        } as const
      ]),
  ...(typeof File === 'undefined' ? [] : [{ kind: 'file', name: 'File', type: File, test: byGetter(File, 'name') } as const]),
  ...(typeof Blob === 'undefined' ? [] : [{ kind: 'blob', name: 'Blob', type: Blob, test: byGetter(Blob, 'size') } as const]),
  ...(typeof FileList === 'undefined'
    ? []
    : [{ kind: 'file list', name: 'FileList', type: FileList, test: byGetter(FileList, 'length') } as const]),
  ...(typeof ImageData === 'undefined'
    ? []
    : [{ kind: 'image data', name: 'ImageData', type: ImageData, test: byGetter(ImageData, 'width') } as const])
];

/** What kind of object the value is. */
export function kindOf(value: object): Kind {
  if (isArray(value)) return isProxy(value) ? 'proxy' : 'array';
  if (ArrayBuffer.isView(value)) return 'view';
  if (value === (globalThis as object)) return 'unserializable';
  const kind = Reflect.has(value, Symbol.toStringTag) ? taggedKind(value) : (builtins[toString.call(value).slice(8, -1)] ?? 'object');
  return kind === 'object' && isProxy(value) ? 'proxy' : kind;
}

function taggedKind(value: object): Kind {
  const tags = tagsOf(value);
  for (const { kind, name, type, test } of brands) {
    if ((tags.includes(name) || (type !== undefined && value instanceof type)) && test(value)) return kind;
  }
  return isPlatformObject(value) || isCrossOrigin(value) || isNamespace(value) ? 'unserializable' : 'object';
}

function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    // A Proxy that was revoked has nothing to ask, and is found to be a Proxy next.
    return true;
  }
}

/**
 * Whether the value is a Proxy.
 *
 * An ordinary object cannot be its own prototype, and saying so changes nothing. A Proxy does not know that it is asked about itself: it asks its
 * handler or its target, to whom the Proxy is another object. The target then gets its prototype back. Not told are a Proxy whose target
 * cannot get another prototype and one whose handler says no; those are taken for what they pretend to be.
 */
function isProxy(value: object): boolean {
  try {
    const prototype = Reflect.getPrototypeOf(value);
    if (!Reflect.setPrototypeOf(value, value)) return false;
    Reflect.setPrototypeOf(value, prototype);
    return true;
  } catch {
    return true;
  }
}

/** The tags that the value and its prototypes carry as data. */
function tagsOf(value: object): string[] {
  const tags: string[] = [];
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const tag: unknown = Object.getOwnPropertyDescriptor(at, Symbol.toStringTag)?.value;
    if (typeof tag === 'string') tags.push(tag);
  }
  return tags;
}

/** Whether the value is an instance of a class that the runtime defines, and so has slots that no clone can carry. */
function isPlatformObject(value: object): boolean {
  for (let at = Object.getPrototypeOf(value) as object | null; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const tag: unknown = Object.getOwnPropertyDescriptor(at, Symbol.toStringTag)?.value;
    if (typeof tag !== 'string') continue;
    if (nameless.has(tag) || isNativeClass(at, tag)) return true;
    const named = Object.getOwnPropertyDescriptor(globalThis, tag);
    // What a page defines by assignment is enumerable; what the runtime defines is not.
    if (named === undefined || named.enumerable) continue;
    const type: unknown = (globalThis as Record<string, unknown>)[tag];
    if (typeof type === 'function' && (type as { prototype: unknown }).prototype === at) return true;
  }
  return false;
}

/** Whether the prototype is that of a class in native code, of whatever realm. */
function isNativeClass(prototype: object, tag: string): boolean {
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof type !== 'function' || type.prototype !== prototype) return false;
  return Function.prototype.toString.call(type).replace(/\s+/g, ' ') === `function ${tag}() { [native code] }`;
}

/** Whether the value is the window or location of another origin: these show four names to everybody, undefined all of them, and no prototype. */
function isCrossOrigin(value: object): boolean {
  if (Object.getPrototypeOf(value) !== null) return false;
  return ['then', Symbol.toStringTag, Symbol.hasInstance, Symbol.isConcatSpreadable].every(key => {
    const shown = Object.getOwnPropertyDescriptor(value, key);
    return shown?.configurable === true && shown.enumerable === false && shown.value === undefined && shown.get === undefined;
  });
}

/** Whether the value is what `import *` gives; unlike the frozen objects that bundlers make of it, its members can be written, by its module. */
function isNamespace(value: object): boolean {
  if (Object.getPrototypeOf(value) !== null || Object.isExtensible(value)) return false;
  const tag = Object.getOwnPropertyDescriptor(value, Symbol.toStringTag);
  if (tag?.value !== 'Module' || tag.writable || tag.configurable) return false;
  const [name] = Object.getOwnPropertyNames(value);
  return name === undefined || Object.getOwnPropertyDescriptor(value, name)?.writable === true;
}

function isError(value: object): boolean {
  const native = (Error as { isError?: (value: unknown) => boolean }).isError;
  return native === undefined ? value instanceof Error : native(value);
}

function byGetter(type: { prototype: object }, name: string): (value: object) => boolean {
  const get = attribute(type, name);
  return value => works(get, value);
}

function byMethod(type: { prototype: object }, name: string): (value: object) => boolean {
  const method = Object.getOwnPropertyDescriptor(type.prototype, name)?.value as () => unknown;
  return value => works(value => method.call(value), value);
}

function works(method: (value: object) => unknown, value: object): boolean {
  try {
    method(value);
    return true;
  } catch {
    return false;
  }
}
