/** Streams that a client gives: to iterate, to read as a ReadableStream, or to have whole. */

/** Items as they come. Nothing is asked for before the first is wanted; leaving the loop stops the work at the node. */
export class ItemStream<T> implements AsyncGenerator<T, void, undefined> {
  readonly #items: AsyncGenerator<T, void, undefined>;

  constructor(items: AsyncGenerator<T, void, undefined>) {
    this.#items = items;
  }

  next(): Promise<IteratorResult<T, void>> {
    return this.#items.next();
  }

  return(): Promise<IteratorResult<T, void>> {
    return this.#items.return();
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    return this.#items.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** All items. */
  async all(): Promise<T[]> {
    const items: T[] = [];
    for await (const item of this) items.push(item);
    return items;
  }

  /** The items as a ReadableStream; cancelling it stops the work at the node. */
  readable(): ReadableStream<T> {
    return new ReadableStream<T>(
      {
        pull: async controller => {
          const { done, value } = await this.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
        cancel: async () => {
          await this.return();
        }
      },
      { highWaterMark: 0 }
    );
  }
}

/** Bytes as they come. */
export class ByteStream extends ItemStream<Uint8Array> {
  /** All bytes, in one array. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await (await this.blob()).arrayBuffer());
  }

  /** All bytes as UTF-8 text. */
  async text(): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of this) text += decoder.decode(chunk, { stream: true });
    return text + decoder.decode();
  }

  /** All bytes as a Blob, such as for the `src` of an image. */
  async blob(type = ''): Promise<Blob> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for await (const chunk of this) chunks.push(chunk as Uint8Array<ArrayBuffer>);
    return new Blob(chunks, { type });
  }
}
