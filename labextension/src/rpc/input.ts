/** What `add` and `addAll` take, as it is posted. */

import { InvalidInputError } from '../errors.js';
import { exactBytes } from './bytes.js';
import { encodeIterable, type EncodedItem } from './iterable.js';
import type { Transport } from './transport.js';

/** Bytes, in whatever a page has them. */
export type BytesInput = Uint8Array | ArrayBufferView | ArrayBuffer | string;
/** The content of a file. */
export type Content = BytesInput | Blob | Iterable<BytesInput> | Iterable<number> | AsyncIterable<BytesInput> | ReadableStream<BytesInput>;

/** A time as js-ipfs takes it. */
export type MtimeInput =
  | Date
  | { readonly secs: number; readonly nsecs?: number }
  | { readonly Seconds: number; readonly FractionalNanoseconds?: number }
  | readonly [secs: number, nsecs: number];

/** Permissions: a number, or octal text. */
export type ModeInput = number | string;

/** A file or directory to add. */
export interface FileInput {
  readonly path?: string | undefined;
  /** Absent for a directory. */
  readonly content?: Content | undefined;
  /** Permissions, as a number or octal text. */
  readonly mode?: ModeInput | undefined;
  readonly mtime?: MtimeInput | undefined;
  /** Makes it a symlink to there, without content or mode. */
  readonly target?: string | undefined;
}

/** What `add` takes. */
export type AddInput = Content | FileInput;
/** Many things, while they come. */
export type ItemSource<T> = Iterable<T> | AsyncIterable<T> | ReadableStream<T>;
/** What `addAll` takes: many files. */
export type AddAllInput = ItemSource<AddInput>;
/** One CAR, whole or in pieces, or several. */
export type CarInput = BytesInput | Blob | ItemSource<BytesInput> | ItemSource<Blob | ItemSource<BytesInput>>;

/** Encode one file; `transfer` gets what moves. */
export function encodeAddInput(transport: Transport, input: AddInput, transfer: object[]): unknown {
  if (isFileInput(input)) {
    const { path, content, mode, mtime, target } = input;
    return {
      path: path ?? '',
      ...(target !== undefined && { target }),
      ...(content !== undefined && { content: encodeContent(transport, content, transfer) }),
      mode: encodeMode(mode),
      mtime: encodeMtime(mtime)
    };
  }
  return encodeContent(transport, input, transfer);
}

/** Encode many files, which the other end pulls. */
export function encodeAddAllInput(transport: Transport, input: AddAllInput, transfer: object[]): unknown {
  if (typeof input === 'string' || input instanceof Blob || ArrayBuffer.isView(input) || !isIterable(input))
    throw new InvalidInputError('Unexpected input: single item passed: addAll takes an iterable of files; for one file use add');
  const encode = (item: AddInput): EncodedItem => {
    const moved: object[] = [];
    return { value: encodeAddInput(transport, item, moved), transfer: moved };
  };
  return encodeIterable(transport, input, encode, transfer);
}

/** Encode the content of a file. */
export function encodeContent(transport: Transport, content: Content, transfer: object[]): unknown {
  if (typeof content === 'string' || content instanceof Blob) return content;
  if (content instanceof ArrayBuffer || ArrayBuffer.isView(content)) return encodeBytes(content, transfer);
  if (!isIterable(content)) throw new InvalidInputError(`content of type ${content === null ? 'null' : typeof content} cannot be added`);
  if (Array.isArray(content) && content.length > 0 && content.every(item => typeof item === 'number'))
    return Uint8Array.from(content as number[]);
  const encode = (item: BytesInput | number): EncodedItem => {
    if (typeof item === 'string') return { value: new TextEncoder().encode(item), transfer: [] };
    if (typeof item === 'number') return { value: Uint8Array.of(item), transfer: [] };
    if (!(item instanceof ArrayBuffer) && !ArrayBuffer.isView(item)) throw new InvalidInputError(wrongItem(item));
    const moved: object[] = [];
    return { value: encodeBytes(item, moved), transfer: moved };
  };
  return encodeIterable<BytesInput | number>(transport, content, encode, transfer);
}

function wrongItem(item: AddInput): string {
  if (item instanceof Blob || isFileInput(item))
    return 'Unexpected input: multiple items passed: add takes one file, use addAll for several';
  return `Unexpected input: content holds ${item === null ? 'null' : `a value of type ${typeof item}`}: bytes and text can be added`;
}

/** Encode a CAR, or several, which the other end pulls. */
export function encodeCar(transport: Transport, input: CarInput, transfer: object[]): unknown {
  if (!isIterable(input) || ArrayBuffer.isView(input)) return encodeContent(transport, input as Content, transfer);
  const encode = (item: Content): EncodedItem => {
    const moved: object[] = [];
    return { value: encodeContent(transport, item, moved), transfer: moved };
  };
  return encodeIterable<Content>(transport, input as ItemSource<Content>, encode, transfer);
}

/** Bytes cut to their own; what was copied for it moves. */
export function encodeBytes(source: ArrayBufferView | ArrayBuffer, transfer: object[]): Uint8Array<ArrayBuffer> {
  const bytes = exactBytes(source);
  if (bytes.buffer !== (ArrayBuffer.isView(source) ? source.buffer : source)) transfer.push(bytes.buffer);
  return bytes;
}

function isIterable(value: unknown): value is Iterable<never> | AsyncIterable<never> | ReadableStream<never> {
  if (value === null || typeof value !== 'object') return false;
  return Symbol.asyncIterator in value || Symbol.iterator in value || typeof (value as { getReader?: unknown }).getReader === 'function';
}

function isFileInput(input: AddInput): input is FileInput {
  if (input === null || typeof input !== 'object' || input instanceof Blob || input instanceof ArrayBuffer || ArrayBuffer.isView(input))
    return false;
  return !isIterable(input) && ('path' in input || 'content' in input || 'mode' in input || 'mtime' in input);
}

/** Permissions as a number; octal text is read. */
export function encodeMode(mode: ModeInput | undefined): number | undefined {
  const value = typeof mode === 'string' ? Number.parseInt(mode, 8) : mode;
  if (value !== undefined && !(Number.isInteger(value) && value >= 0)) throw new InvalidInputError(`a mode of ${String(mode)}`);
  return value;
}

/** A time as `{secs, nsecs}`. */
export function encodeMtime(mtime: MtimeInput | undefined): { secs: number; nsecs: number } | undefined {
  if (mtime === undefined) return undefined;
  if (mtime instanceof Date) {
    const ms = mtime.getTime();
    const secs = Math.floor(ms / 1000);
    return { secs, nsecs: (ms - secs * 1000) * 1_000_000 };
  }
  if (Array.isArray(mtime)) return { secs: mtime[0] as number, nsecs: mtime[1] as number };
  if ('Seconds' in mtime) return { secs: mtime.Seconds, nsecs: mtime.FractionalNanoseconds ?? 0 };
  const { secs, nsecs = 0 } = mtime as { secs: number; nsecs?: number };
  return { secs, nsecs };
}
