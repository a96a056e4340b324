/** Ports to the node of a kernel: over a kernel connection, over whatever makes comms, or over an anywidget model. */

import { LinkError } from './errors.js';
import { intercept } from './rpc/interceptor.js';
import type { Road } from './wire/carriers/base.js';
import { CommCarrier } from './wire/carriers/comm.js';
import { DirectCarrier } from './wire/carriers/direct.js';
import { CarrierError } from './wire/carriers/ended.js';
import { GenericCarrier } from './wire/carriers/generic.js';
import { type CommFrontend, hasControl, isKernel, type KernelLike, unusable, watchKernel } from './wire/carriers/kernel.js';
import { type ModelLike, WidgetCarrier } from './wire/carriers/widget.js';
import { bridge, Link, type Port } from './wire/index.js';
import type { Limits } from './wire/limits.js';

export type { CommFrontend, KernelLike, ModelLike };

/** What a connection may be asked for. */
export interface ConnectOptions {
  /** Comm target in the kernel. */
  target?: string;
  /** Aborts the connecting. */
  signal?: AbortSignal;
  /** Give a real, transferable MessagePort. */
  native?: boolean;
  /** Service wanted on the port, and its parameters. */
  service?: string;
  params?: Record<string, unknown>;
  /** Milliseconds after which connecting fails. */
  timeout?: number;
  /** Limits of the link that are not the default ones. */
  limits?: Partial<Limits>;
}

/** Silence after which the shell channel is tried beside the control channel. */
const FALLBACK_MS = 300;

/** The same for the cell that a kernel waits for: that kernel can only answer on control, and the first answer is the one that gets the cell. */
const CELL_FALLBACK_MS = 2_500;

/** Milliseconds within which connecting works or says why it does not, once the shell channel may be tried. */
const TIMEOUT_MS = 2_500;

/** Kernels that were silent on the control channel for that long, and answered on shell. */
const shellOnly = new WeakSet<CommFrontend>();

/**
 * Open a port to the node of a kernel.
 *
 * The control channel is tried first, since it answers while a cell runs and no server limits it; after 300 ms of silence an ordinary comm
 * is opened beside it (for the service `cell` after 2.5 s). The first that answers is kept and the other closed (`docs/protocol.md`, section 5).
 * When the carrier is lost, as with the page's connection to the server, the link finds another, and no message is lost.
 *
 * @param kernel - any `Kernel.IKernelConnection`, also a page's second one to the same kernel; or anything else with `createComm`.
 * @returns a port for `IPFSClient.from(port)`; with `native` a real MessagePort.
 * @throws an Error with a `code` (`ERR_CARRIER`, `ERR_VERSION`, …) that names what is missing where and the command that mends it, or the
 * reason of `signal`.
 */
export function connect(kernel: KernelLike | CommFrontend, options: ConnectOptions & { native: true }): Promise<MessagePort>;
export function connect(kernel: KernelLike | CommFrontend, options?: ConnectOptions & { native?: false }): Promise<Port>;
export async function connect(kernel: KernelLike | CommFrontend, options: ConnectOptions = {}): Promise<Port | MessagePort> {
  const link = endWithPage(await openLink(kernel, options));
  const port = intercept(link.port);
  return options.native ? bridge(port) : port;
}

/**
 * Open a port over the model of an anywidget, for frontends that have no kernel connection to give.
 *
 * @param model - the model that anywidget hands to `render` and `initialize`.
 */
export async function connectModel(model: ModelLike, options: Omit<ConnectOptions, 'target' | 'native'> = {}): Promise<Port> {
  const { signal, service = 'ipfs', params = {}, timeout = FALLBACK_MS + TIMEOUT_MS, limits } = options;
  const road = { name: 'widget', dial: () => new WidgetCarrier(model) };
  const link = await Link.open([road], { service, params, timeout, ...(limits && { limits }), ...(signal && { signal }) });
  return intercept(endWithPage(link).port);
}

/** What ends the links that are open, and those that are being opened. */
const endings = new Set<(reason: LinkError) => void>();

/**
 * Tell the kernel when the page goes: Jupyter does not, and a cell that waits for this page would wait until the silence is noticed.
 *
 * @returns what to call when there is nothing to end any more.
 */
function onPageEnd(end: (reason: LinkError) => void): () => void {
  if (typeof addEventListener !== 'function') return () => undefined;
  if (endings.size === 0) addEventListener('pagehide', endAll);
  endings.add(end);
  return () => {
    endings.delete(end);
    if (endings.size === 0) removeEventListener('pagehide', endAll);
  };
}

function endWithPage(link: Link): Link {
  void link.ended.then(onPageEnd(reason => link.end(reason)));
  return link;
}

function endAll(): void {
  for (const end of endings) end(new LinkError('the page was closed or reloaded', { code: 'ERR_CARRIER' }));
}

async function openLink(kernel: KernelLike | CommFrontend, options: ConnectOptions): Promise<Link> {
  const { target = 'ipfs_comm', signal, service = 'ipfs', params = {}, limits } = options;
  const silence = service === 'cell' && !shellOnly.has(kernel) ? CELL_FALLBACK_MS : FALLBACK_MS;
  const { timeout = silence + TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  const state = unusable(kernel);
  if (state !== null) throw CarrierError.ofKernel(kernel, state);

  // The kernel's end or the page's ends the opening at once, whatever carrier is being tried.
  const givingUp = new AbortController();
  const giveUp = (reason: unknown): void => givingUp.abort(reason);
  const onAbort = (): void => giveUp(signal?.reason);
  const stopWatching = isKernel(kernel) ? watchKernel(kernel, reached => giveUp(CarrierError.ofKernel(kernel, reached))) : () => undefined;
  const forgetPage = onPageEnd(giveUp);
  signal?.addEventListener('abort', onAbort);
  try {
    const link = await Link.open(roadsTo(kernel, target, silence), {
      service,
      params,
      timeout,
      signal: givingUp.signal,
      ...(limits && { limits }),
      explain: failures => bestOf(failures) ?? CarrierError.ofSilence(kernel, target, Math.round(timeout / 1000))
    });
    if (service === 'cell' && link.carrier === 'comm') shellOnly.add(kernel);
    return link;
  } finally {
    stopWatching();
    forgetPage();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The ways to a kernel, by what the frontend has, best first. */
function roadsTo(kernel: KernelLike | CommFrontend, target: string, silence: number): Road[] {
  if (!isKernel(kernel)) return [{ name: 'generic', silence, dial: () => new GenericCarrier(kernel, target) }];
  const roads: Road[] = [];
  if (hasControl(kernel)) roads.push({ name: 'direct', silence, dial: () => new DirectCarrier(kernel, target) });
  // JupyterLab gives comms to one connection per kernel and page; on the others control is the only road.
  if (kernel.handleComms !== false) roads.push({ name: 'comm', silence, dial: () => new CommCarrier(kernel, target) });
  return roads;
}

/** The failure that says most: the kernel's "no such target" before others. */
function bestOf(failures: readonly Error[]): Error | undefined {
  return failures.find(error => error instanceof CarrierError && error.reason === 'no-target') ?? failures[0];
}
