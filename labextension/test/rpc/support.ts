/** What stands in for a node, and the client of old. */

import { IPFSClient } from 'ipfs-message-port-client';

import type { Port } from '../../src/wire/index.js';
import { channel } from '../../src/wire/index.js';

export interface Entry {
  readonly cid: unknown;
  readonly name: string;
  readonly path: string;
  readonly size: number;
}

/** The unmodified client; it has no types of its own that this compiler can read. */
export interface OldClient {
  add(input: unknown, options?: object): Promise<Entry>;
  addAll(input: unknown, options?: object): AsyncIterable<Entry>;
  cat(path: unknown, options?: object): AsyncGenerator<Uint8Array>;
  ls(path: unknown, options?: object): AsyncGenerator<Entry>;
  dag: {
    get(cid: unknown, options?: object): Promise<{ value: unknown }>;
    put(node: unknown, options?: object): Promise<unknown>;
  };
  block: { put(block: Uint8Array, options?: object): Promise<unknown> };
}

export function oldClient(port: unknown): OldClient {
  return (IPFSClient as unknown as { from(port: unknown): OldClient }).from(port);
}

/** A query as the node got it. */
export interface Query {
  readonly namespace: string;
  readonly method: string;
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A stream that a node offers. */
export class Offered {
  /** Everything that the other end asked for. */
  readonly asked: string[] = [];
  made = 0;
  readonly remote: { readonly type: 'RemoteIterable'; readonly port: Port; readonly ahead?: number };
  readonly stopped: Promise<void>;
  /** Close the port in the middle of everything. */
  readonly close: () => void;

  /**
   * @param make - an item, or null for the end; what it throws is the stream's error. It may take its time.
   * @param options - `ahead`: whether the stream says that it takes several requests; `transfer`: what moves with an item.
   */
  constructor(make: (at: number) => unknown, { ahead = true, transfer = (): object[] => [] as object[] } = {}) {
    const { port1, port2 } = channel();
    this.remote = { type: 'RemoteIterable', port: port2, ...(ahead && { ahead: 1 }) };
    let turn = Promise.resolve();
    let over = false;
    this.close = () => {
      over = true;
      port1.close();
    };
    const answer = async (): Promise<void> => {
      if (over) return;
      try {
        const value = await make(this.made++);
        if (over) return;
        if (value === null) port1.postMessage({ type: 'next', done: true });
        else port1.postMessage({ type: 'next', done: false, value }, transfer());
        over = value === null;
      } catch (error) {
        const { name, message } = error as Error;
        port1.postMessage({ type: 'throw', error: { name, message } });
        over = true;
      }
      if (over) port1.close();
    };
    this.stopped = new Promise(resolve => {
      const stop = (): void => {
        this.close();
        resolve();
      };
      port1.onclose = stop;
      port1.onmessage = ({ data }) => {
        const { method } = data as { method: string };
        this.asked.push(method);
        if (method === 'return') return stop();
        turn = turn.then(answer);
      };
    });
  }
}

/** Pulls a stream of the client as a node does: several requests ahead. */
export class Pulled {
  readonly values: unknown[] = [];
  readonly done: Promise<unknown>;
  readonly port: Port;
  readonly ahead: number | undefined;

  /**
   * @param requests - how many are unanswered at any time.
   * @param onrequest - called with each.
   */
  constructor(remote: { readonly port: Port; readonly ahead?: number }, requests: number, onrequest: () => void = () => undefined) {
    this.port = remote.port;
    this.ahead = remote.ahead;
    const next = (): void => {
      onrequest();
      remote.port.postMessage({ method: 'next' });
    };
    this.done = new Promise((resolve, reject) => {
      remote.port.onclose = () => reject(new Error('the stream was closed before its end'));
      remote.port.onmessage = ({ data }) => {
        const { type, done, value, error } = data as { type: string; done?: boolean; value?: unknown; error?: { message: string } };
        if (type === 'throw') reject(new Error(error?.message));
        else if (done === true) resolve(undefined);
        else {
          this.values.push(value);
          next();
          return;
        }
        remote.port.close();
      };
    });
    this.done.catch(() => undefined);
    for (let at = 0; at < requests; at++) next();
  }
}

/** A node at the far end of a port. */
export class FakeNode {
  readonly queries: Query[] = [];
  readonly aborts: string[] = [];
  /** Called with each abort. */
  onabort: ((id: string) => void) | null = null;

  /** @param answer - the value that a query gets; undefined for no answer. What it throws is the error. */
  constructor(
    readonly port: Port,
    answer: (query: Query, node: FakeNode) => unknown
  ) {
    port.onmessage = ({ data }) => {
      const message = data as Query & { type: string };
      if (message.type === 'abort') {
        this.aborts.push(message.id);
        this.onabort?.(message.id);
        return;
      }
      this.queries.push(message);
      void (async () => {
        try {
          const value = await answer(message, this);
          if (value !== undefined) this.reply(message.id, value);
        } catch (error) {
          const { name, message: text } = error as Error;
          port.postMessage({ type: 'result', id: message.id, result: { ok: false, error: { name, message: text } } });
        }
      })();
    };
  }

  reply(id: string, value: unknown): void {
    const { data } = value as { data?: { type?: string; port?: Port } };
    this.port.postMessage(
      { type: 'result', id, result: { ok: true, value } },
      data?.type === 'RemoteIterable' && data.port ? [data.port] : []
    );
  }
}
