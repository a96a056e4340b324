/** The namespace of the root: add, addAll, cat, ls. */

import { encodeCallback } from '../rpc/callback.js';
import { type CID, type CIDInput, decodeCID, encodePathOrCID } from '../rpc/cid.js';
import { encodeAddAllInput, encodeAddInput } from '../rpc/input.js';
import { decodeIterable } from '../rpc/iterable.js';
import type { EncodedCID, RemoteIterable } from '../rpc/protocol.js';
import type { Transport } from '../rpc/transport.js';
import type { AddAllInput, AddInput, AddOptions, AddResult, CatOptions, ListEntry, ListOptions } from './types.js';

interface WithCID {
  readonly cid: EncodedCID;
}

export class CoreAPI {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Add a file.
   *
   * @param input - text, bytes, a Blob, an (async) iterable or stream of bytes, or `{path, content, mode, mtime}`.
   */
  async add(input: AddInput, options: AddOptions = {}): Promise<AddResult> {
    const transfer: object[] = [];
    const call = this.#addCall('add', encodeAddInput(this.#transport, input, transfer), options, transfer);
    try {
      const { data } = (await call.answer) as { data: Omit<AddResult, 'cid'> & WithCID };
      return withCID(data);
    } finally {
      call.release();
    }
  }

  /** Add many files; the results come as they are ready. */
  async *addAll(input: AddAllInput, options: AddOptions = {}): AsyncGenerator<AddResult, void, undefined> {
    const transfer: object[] = [];
    const call = this.#addCall('addAll', encodeAddAllInput(this.#transport, input, transfer), options, transfer);
    try {
      const { data } = (await call.answer) as { data: RemoteIterable };
      yield* decodeIterable(this.#transport, data, entry => withCID(entry as Omit<AddResult, 'cid'> & WithCID), options);
    } finally {
      call.release();
    }
  }

  /** The content of a file, chunk by chunk. */
  async *cat(path: CIDInput, options: CatOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const { offset, length } = options;
    const query = { namespace: 'core', method: 'cat', input: { path: encodePathOrCID(path), offset, length } };
    const { data } = (await this.#transport.query(query, options)) as { data: RemoteIterable };
    yield* decodeIterable(this.#transport, data, chunk => chunk as Uint8Array, options);
  }

  /** The entries of a directory. */
  async *ls(path: CIDInput, options: ListOptions = {}): AsyncGenerator<ListEntry, void, undefined> {
    const { signal: _signal, timeout: _timeout, ...rest } = options;
    const query = { namespace: 'core', method: 'ls', input: { ...rest, path: encodePathOrCID(path) } };
    const { data } = (await this.#transport.query(query, options)) as { data: RemoteIterable };
    yield* decodeIterable(this.#transport, data, entry => withCID(entry as Omit<ListEntry, 'cid'> & WithCID), options);
  }

  #addCall(method: string, input: unknown, options: AddOptions, transfer: object[]): { answer: Promise<unknown>; release(): void } {
    const { signal: _signal, timeout: _timeout, progress, ...rest } = options;
    const callback = progress && encodeCallback(this.#transport, progress, transfer);
    const query = {
      namespace: 'core',
      method,
      input: { ...rest, input, ...(callback && { progressCallback: callback.remote }) },
      transfer
    };
    return { answer: this.#transport.query(query, options), release: () => callback?.release() };
  }
}

function withCID<T extends WithCID>(entry: T): Omit<T, 'cid'> & { cid: CID } {
  return { ...entry, cid: decodeCID(entry.cid) };
}
