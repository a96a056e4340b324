/** The protocol of ipfs-message-port: the shapes of all messages, as types. */

import type { WHEN_LEFT } from '../wire/port/port.js';

/** A port as this protocol uses it: one of ours, or a native MessagePort. */
export interface PortLike {
  postMessage(message: unknown, transfer: object[]): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
  start(): void;
  close(): void;
  /** What a Port has, and a native port has not. */
  [WHEN_LEFT]?(listener: () => void): void;
}

/** A CID as plain data. `/` is the same object as `bytes`. */
export interface EncodedCID {
  readonly version: number;
  readonly code: number;
  readonly multihash: { readonly code: number; readonly size: number; readonly digest: Uint8Array; readonly bytes: Uint8Array };
  readonly bytes: Uint8Array;
  readonly '/'?: Uint8Array;
}

/** An error as plain data. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly detail?: unknown;
  /** The error behind this one. */
  readonly cause?: EncodedError;
  /** Those that this one stands for together. */
  readonly errors?: readonly EncodedError[];
}

/** A DAG node, and the objects in it that are CIDs. */
export interface EncodedNode {
  readonly dagNode: unknown;
  readonly cids: readonly EncodedCID[];
}

export interface RemoteIterable {
  readonly type: 'RemoteIterable';
  readonly port: PortLike;
  /** 1 if the producer takes several requests before it has answered the first. */
  readonly ahead?: number;
}

export interface RemoteCallback {
  readonly type: 'RemoteCallback';
  readonly port: PortLike;
}

export interface QueryMessage {
  readonly type: 'query';
  readonly namespace: string;
  readonly method: string;
  readonly id: string;
  readonly input: unknown;
}

export interface AbortMessage {
  readonly type: 'abort';
  readonly id: string;
}

export interface ResultMessage {
  readonly type: 'result';
  readonly id: string;
  readonly result: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: EncodedError };
}

/** What the consumer of an iterable says. */
export interface IteratorRequest {
  readonly method: 'next' | 'return';
}

/** What its producer says; a last item on `done: true` is allowed. */
export type IteratorReply =
  { readonly type?: 'next'; readonly done?: boolean; readonly value?: unknown } | { readonly type: 'throw'; readonly error: EncodedError };
