/** Ports to the node of a kernel: over a kernel connection, or over an anywidget model. */

import { LinkError } from './errors.js';
import { CommCarrier } from './wire/carriers/comm.js';
import { DirectCarrier } from './wire/carriers/direct.js';
import { CarrierError } from './wire/carriers/ended.js';
import { type KernelLike, unusable, watchKernel } from './wire/carriers/kernel.js';
import { type ModelLike, WidgetCarrier } from './wire/carriers/widget.js';
import type { Carrier } from './wire/carriers/base.js';
import { bridge, Link, type Port } from './wire/index.js';

export type { KernelLike, ModelLike };

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
}

/** Silence after which the shell channel is tried beside the control channel. */
const FALLBACK_MS = 300;

/** The same for the cell that a kernel waits for: that kernel can only answer on control, and the first answer is the one that gets the cell. */
const CELL_FALLBACK_MS = 2_500;

/** Milliseconds within which connecting works or says why it does not, once the shell channel may be tried. */
const TIMEOUT_MS = 2_500;

/** Kernels that were silent on the control channel for that long, and answered on shell. */
const shellOnly = new WeakSet<KernelLike>();

/**
 * Open a port to the node of a kernel.
 *
 * The control channel is tried first, since it answers while a cell runs and no server limits it; after 300 ms of silence an ordinary comm
 * is opened beside it (for the service `cell` after 2.5 s). The first that answers is kept and the other closed (`docs/protocol.md`, section 5).
 *
 * @param kernel - any `Kernel.IKernelConnection`, also a page's second one to the same kernel.
 * @returns a port for `IPFSClient.from(port)`; with `native` a real MessagePort.
 * @throws an Error with a `code` (`ERR_CARRIER`, `ERR_VERSION`, …) that names what is missing where and the command that mends it, or the
 * reason of `signal`.
 */
export function connect(kernel: KernelLike, options: ConnectOptions & { native: true }): Promise<MessagePort>;
export function connect(kernel: KernelLike, options?: ConnectOptions & { native?: false }): Promise<Port>;
export async function connect(kernel: KernelLike, options: ConnectOptions = {}): Promise<Port | MessagePort> {
  const link = endWithPage(await openLink(kernel, options));
  return options.native ? bridge(link.port) : link.port;
}

/**
 * Open a port over the model of an anywidget, for frontends that have no kernel connection to give.
 *
 * @param model - the model that anywidget hands to `render` and `initialize`.
 */
export async function connectModel(model: ModelLike, options: Omit<ConnectOptions, 'target' | 'native'> = {}): Promise<Port> {
  const { signal, service = 'ipfs', params = {}, timeout = FALLBACK_MS + TIMEOUT_MS } = options;
  const link = await Link.open(new WidgetCarrier(model), { service, params, timeout, ...(signal && { signal }) });
  return endWithPage(link).port;
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

async function openLink(kernel: KernelLike, options: ConnectOptions): Promise<Link> {
  const { target = 'ipfs_comm', signal, service = 'ipfs', params = {} } = options;
  const fallbackMs = service === 'cell' && !shellOnly.has(kernel) ? CELL_FALLBACK_MS : FALLBACK_MS;
  const { timeout = fallbackMs + TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  const state = unusable(kernel);
  if (state !== null) throw CarrierError.ofKernel(kernel, state);

  return new Promise<Link>((resolve, reject) => {
    const attempts = new Set<AbortController>();
    const failures: Error[] = [];
    let settled = false;

    const settle = (act: () => void, winner?: AbortController): void => {
      if (settled) return;
      settled = true;
      clearTimeout(fallback);
      clearTimeout(deadline);
      stopWatching();
      forgetPage();
      signal?.removeEventListener('abort', onAbort);
      for (const attempt of attempts) if (attempt !== winner) attempt.abort(new Error('connecting is over'));
      act();
    };
    const fail = (error: Error): void => settle(() => reject(error));

    const attempt = (carrier: Carrier): void => {
      const controller = new AbortController();
      attempts.add(controller);
      Link.open(carrier, { service, params, signal: controller.signal, timeout }).then(
        link => {
          if (settled) link.end();
          else {
            if (service === 'cell' && carrier instanceof CommCarrier) shellOnly.add(kernel);
            settle(() => resolve(link), controller);
          }
        },
        (reason: unknown) => {
          const error = reason instanceof Error ? reason : new LinkError(String(reason));
          attempts.delete(controller);
          if (settled) return;
          failures.push(error);
          // A refusal is the kernel's own word; what a carrier says of itself only counts when no other is left.
          if (!(error instanceof CarrierError) && (error as { code?: string }).code !== 'ERR_TIMEOUT') fail(error);
          else if (attempts.size === 0 && shellTried) fail(bestOf(failures));
          else if (attempts.size === 0) tryShell();
        }
      );
    };

    let shellTried = false;
    const tryShell = (): void => {
      if (shellTried || settled) return;
      shellTried = true;
      // JupyterLab gives comms to one connection per kernel and page; on the others control is the only road.
      if (kernel.handleComms === false) {
        if (attempts.size === 0) fail(bestOf(failures));
        return;
      }
      attempt(new CommCarrier(kernel, target));
    };

    const onAbort = (): void => fail(signal?.reason as Error);
    const fallback = setTimeout(tryShell, fallbackMs);
    const deadline = setTimeout(() => fail(CarrierError.ofSilence(kernel, target, Math.round(timeout / 1000))), timeout);
    const stopWatching = watchKernel(kernel, reached => fail(CarrierError.ofKernel(kernel, reached)));
    const forgetPage = onPageEnd(fail);
    signal?.addEventListener('abort', onAbort);
    attempt(new DirectCarrier(kernel, target));

    /** The failure that says most: the kernel's "no such target" before a silence. */
    function bestOf(errors: readonly Error[]): Error {
      const rank = (error: Error): number => (error instanceof CarrierError && error.reason === 'no-target' ? 0 : 1);
      return (
        [...errors].sort((a, b) => rank(a) - rank(b)).find(error => error instanceof CarrierError) ??
        CarrierError.ofSilence(kernel, target, Math.round(timeout / 1000))
      );
    }
  });
}
