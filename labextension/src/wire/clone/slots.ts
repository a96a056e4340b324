/** Internal slots of objects, read as the runtime does: whatever the object's own properties or its class say. */

/** Reads an attribute of an object that has it; throws for others. */
export type Attribute<T> = (value: object) => T;

type Class = { readonly prototype: object } | undefined;

/** What reads the attribute of that name, by the getter of the class. */
export function attribute(type: Class, name: string): Attribute<unknown> {
  const property = type && Object.getOwnPropertyDescriptor(type.prototype, name);
  if (property?.get === undefined) {
    return () => {
      throw new TypeError(`this runtime has no attribute ${name} on such objects`);
    };
  }
  const { get } = property as { readonly get: (this: unknown) => unknown };
  return value => get.call(value);
}

/** The same for a class that a runtime may lack. */
function platform(className: string, name: string): Attribute<unknown> {
  return attribute((globalThis as unknown as Record<string, Class>)[className], name);
}

export const blobSize = platform('Blob', 'size') as Attribute<number>;
export const blobType = platform('Blob', 'type') as Attribute<string>;
export const fileName = platform('File', 'name') as Attribute<string>;
export const fileTime = platform('File', 'lastModified') as Attribute<number>;
export const exceptionName = platform('DOMException', 'name') as Attribute<string>;
export const exceptionMessage = platform('DOMException', 'message') as Attribute<string>;
export const imageWidth = platform('ImageData', 'width') as Attribute<number>;
export const imageHeight = platform('ImageData', 'height') as Attribute<number>;
export const imageColorSpace = platform('ImageData', 'colorSpace') as Attribute<string>;
export const imagePixels = platform('ImageData', 'data') as Attribute<ArrayBufferView>;
const fileCount = platform('FileList', 'length') as Attribute<number>;

/** The Files of a FileList. */
export function filesOf(list: object): File[] {
  return Array.from({ length: fileCount(list) }, (_, at) => FileList.prototype.item.call(list, at) as File);
}

/** [[OriginalSource]]. */
export const regexpSource = attribute(RegExp, 'source') as Attribute<string>;

const flagNames: readonly (readonly [string, string])[] = [
  ['d', 'hasIndices'],
  ['g', 'global'],
  ['i', 'ignoreCase'],
  ['m', 'multiline'],
  ['s', 'dotAll'],
  ['u', 'unicode'],
  ['v', 'unicodeSets'],
  ['y', 'sticky']
];
const flags = flagNames.filter(([, name]) => name in RegExp.prototype).map(([flag, name]) => [flag, attribute(RegExp, name)] as const);

/** [[OriginalFlags]]. */
export function regexpFlags(value: object): string {
  return flags.map(([flag, isSet]) => (isSet(value) ? flag : '')).join('');
}
