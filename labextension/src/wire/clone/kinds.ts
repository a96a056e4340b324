/**
 * What kind of object a value is, by its internal slots and not by its looks.
 *
 * JavaScript shows most internal slots only through methods that throw without them, and throwing is slow. So a value's tags, which prototypes
 * carry as data, and its prototype chain say what it may be, and the method then decides. No getter of the value's own runs.
 */

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
  | 'map'
  | 'number object'
  | 'object'
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
  ...(typeof Blob === 'undefined' ? [] : [{ kind: 'blob', name: 'Blob', type: Blob, test: byGetter(Blob, 'size') } as const])
];

/** What kind of object the value is. */
export function kindOf(value: object): Kind {
  if (Array.isArray(value)) return 'array';
  if (ArrayBuffer.isView(value)) return 'view';
  if (value === (globalThis as object)) return 'unserializable';
  if (!Reflect.has(value, Symbol.toStringTag)) return builtins[toString.call(value).slice(8, -1)] ?? 'object';
  const tags = tagsOf(value);
  for (const { kind, name, type, test } of brands) {
    if ((tags.includes(name) || (type !== undefined && value instanceof type)) && test(value)) return kind;
  }
  return isPlatformObject(value) ? 'unserializable' : 'object';
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
    if (nameless.has(tag)) return true;
    const named = Object.getOwnPropertyDescriptor(globalThis, tag);
    // What a page defines by assignment is enumerable; what the runtime defines is not.
    if (named === undefined || named.enumerable) continue;
    const type: unknown = (globalThis as Record<string, unknown>)[tag];
    if (typeof type === 'function' && (type as { prototype: unknown }).prototype === at) return true;
  }
  return false;
}

function isError(value: object): boolean {
  const native = (Error as { isError?: (value: unknown) => boolean }).isError;
  return native === undefined ? value instanceof Error : native(value);
}

function byGetter(type: { prototype: object }, name: string): (value: object) => boolean {
  const getter = Object.getOwnPropertyDescriptor(type.prototype, name)?.get as ((this: unknown) => unknown) | undefined;
  return value => getter !== undefined && works(getter, value);
}

function byMethod(type: { prototype: object }, name: string): (value: object) => boolean {
  const method = Object.getOwnPropertyDescriptor(type.prototype, name)?.value as () => unknown;
  return value => works(method, value);
}

function works(method: (this: unknown) => unknown, value: object): boolean {
  try {
    method.call(value);
    return true;
  } catch {
    return false;
  }
}
