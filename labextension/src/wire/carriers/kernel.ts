/** What the carriers over a kernel need of a JupyterLab kernel connection, as structural types: any `Kernel.IKernelConnection` fits. */

import { exact } from '../bytes.js';
import type { Packet } from './base.js';

/** A signal of @lumino/signaling. */
export interface SignalLike<Args> {
  connect(slot: (sender: unknown, args: Args) => void): boolean;
  disconnect(slot: (sender: unknown, args: Args) => void): boolean;
}

/** A Jupyter message, as far as comms go. */
export interface MessageLike {
  readonly channel: string;
  readonly header: { readonly msg_type: string; readonly msg_id: string };
  readonly content: object;
  readonly buffers?: readonly (ArrayBuffer | ArrayBufferView)[];
}

/** A comm of JupyterLab or of another frontend, as far as it is used here. */
export interface CommLike {
  readonly isDisposed?: boolean;
  readonly subshellStarted?: Promise<void>;
  onMsg: (message: never) => void | PromiseLike<void>;
  onClose: (message: never) => void | PromiseLike<void>;
  open(data?: never, metadata?: never, buffers?: ArrayBuffer[]): unknown;
  send(data: never, metadata?: never, buffers?: ArrayBuffer[], disposeOnDone?: boolean): unknown;
  close(data?: never, metadata?: never, buffers?: ArrayBuffer[]): unknown;
  dispose?(): void;
}

/** Whatever can make ordinary comms. */
export interface CommFrontend {
  readonly name?: string;
  readonly status?: string;
  readonly connectionStatus?: string;
  readonly isDisposed?: boolean;
  createComm(targetName: string, commId?: string): CommLike;
}

/** A kernel connection, as far as it is used here. */
export interface KernelLike extends CommFrontend {
  readonly id: string;
  readonly name: string;
  readonly clientId: string;
  readonly username: string;
  readonly status: string;
  readonly isDisposed: boolean;
  readonly connectionStatusChanged?: SignalLike<unknown>;
  readonly handleComms?: boolean;
  readonly statusChanged: SignalLike<unknown>;
  readonly disposed: SignalLike<unknown>;
  readonly anyMessage: SignalLike<unknown>;
  sendControlMessage(message: never, expectReply?: boolean, disposeOnDone?: boolean): { dispose(): void };
}

/** Whether the frontend is a kernel connection that says how its kernel does. */
export function isKernel(frontend: CommFrontend): frontend is KernelLike {
  const { statusChanged, disposed, anyMessage } = frontend as Partial<KernelLike>;
  return [statusChanged, disposed, anyMessage].every(signal => typeof signal?.connect === 'function');
}

/** Whether messages can be sent on the kernel's control channel. */
export function hasControl(kernel: KernelLike): boolean {
  return typeof (kernel as Partial<KernelLike>).sendControlMessage === 'function';
}

/** Whether what is sent goes out; JupyterLab keeps it otherwise, without a bound. */
export function isConnected(kernel: KernelLike): boolean {
  return kernel.connectionStatus === undefined || kernel.connectionStatus === 'connected';
}

/**
 * Watch the connection between page and server, which JupyterLab takes up again by itself, with the same client id.
 *
 * @returns what stops the watch.
 */
export function watchConnection(kernel: KernelLike, changed: (connected: boolean) => void): () => void {
  const onChange = (): void => changed(isConnected(kernel));
  kernel.connectionStatusChanged?.connect(onChange);
  return () => void kernel.connectionStatusChanged?.disconnect(onChange);
}

/** Kernel states after which nothing that was said to the kernel holds any more. */
const ENDING = new Set(['restarting', 'autorestarting', 'dead', 'terminating']);

/** Why a kernel cannot be talked to at all, or null when it can be tried. */
export function unusable(kernel: CommFrontend): string | null {
  if (kernel.isDisposed === true) return 'disposed';
  return kernel.status === 'dead' || kernel.status === 'terminating' ? kernel.status : null;
}

/**
 * Watch for the end of a kernel.
 *
 * JupyterLab closes no comm when a kernel restarts or dies (it drops them without a callback), so whoever holds a link must look himself.
 *
 * @param ended - called at most once, with the state the kernel went into.
 * @returns what stops the watch.
 */
export function watchKernel(kernel: KernelLike, ended: (state: string) => void): () => void {
  const stop = (): void => {
    kernel.statusChanged.disconnect(onStatus);
    kernel.disposed.disconnect(onDisposed);
  };
  const onStatus = (): void => {
    if (!ENDING.has(kernel.status)) return;
    stop();
    ended(kernel.status);
  };
  const onDisposed = (): void => {
    stop();
    ended('disposed');
  };
  kernel.statusChanged.connect(onStatus);
  kernel.disposed.connect(onDisposed);
  return stop;
}

/**
 * ArrayBuffers that hold exactly the bytes of the segments.
 *
 * JupyterLab's serializer (and anywidget's) writes `view.buffer` from its start, so a view into a larger buffer would arrive as other bytes.
 */
export function exactBuffers(packet: Packet): ArrayBuffer[] {
  return packet.map(segment => exact(segment).buffer);
}

/** The data of the message that opens a comm for this protocol. */
export const OPEN_DATA = { ipfs_comm: 1 } as const;

/** A fresh id in the form that Jupyter gives its own. */
export function freshId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  // A page that is served over plain HTTP from another host has no randomUUID.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}
