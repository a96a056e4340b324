/** Callbacks that are called after the result of their query too: what a client listens to. */

interface Kept {
  readonly handler: unknown;
  readonly release: () => void;
}

export class Lasting {
  readonly #kept = new Map<string, Kept[]>();

  /** Keep the callbacks of a topic until they are let go of by `end`. */
  add(topic: string, handler: unknown, release: () => void): void {
    this.#kept.set(topic, [...(this.#kept.get(topic) ?? []), { handler, release }]);
  }

  /** Let go of the callbacks of one handler, or of all for the topic. */
  end(topic: string, handler?: unknown): void {
    const all = handler === undefined || handler === null;
    const kept = this.#kept.get(topic) ?? [];
    const left = kept.filter(each => !all && each.handler !== handler);
    if (left.length > 0) this.#kept.set(topic, left);
    else this.#kept.delete(topic);
    for (const each of kept) if (!left.includes(each)) each.release();
  }

  /** Let go of all. */
  close(): void {
    for (const topic of [...this.#kept.keys()]) this.end(topic);
  }
}
