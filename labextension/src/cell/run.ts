/** One run of a `%%ipfs_js` cell in a page: what the kernel says on the cell's port, and what the page answers. */

import { intercept } from '../rpc/interceptor.js';
import { Port } from '../wire/index.js';
import { snapshot } from './snapshot.js';
import { pageStack, SOURCE } from './stack.js';

/** The port of a cell, as far as it is used here. */
export interface CellPort {
  postMessage(message: unknown, transfer?: Iterable<Transferable>): void;
  addEventListener(type: 'message', listener: (event: { data: unknown; ports: readonly unknown[] }) => void): void;
  onclose: ((event: never) => void) | null;
  start(): void;
  close(): void;
}

/** A name of this page, by which the kernel tells pages apart. */
export const PAGE = Array.from(crypto.getRandomValues(new Uint8Array(12)), byte => byte.toString(16).padStart(2, '0')).join('');

/** Puts a client on the port of the node; what the cell gets as `ipfs`. */
export type ClientOf = (port: unknown) => unknown;

/** What became of a cell in this page. */
export type Outcome = 'result' | 'error' | 'taken' | 'unknown' | 'closed';

/** A run that goes on or is over; its link stays until `end`. */
export interface Run {
  /** Settles when the cell's promise has, or at once when the cell is not this page's to run. Never rejects. */
  readonly done: Promise<Outcome>;
  /** Whether the result holds Blobs, whose bytes the kernel asks for when it needs them. */
  readonly lends: boolean;
  /** Abort the cell if it still runs, and let go of the link. */
  end(): void;
}

/** A cell's body is the body of an async function with these names in scope. */
const NAMES = ['ipfs', 'element', 'port', 'signal'] as const;

const AsyncFunction = (async () => Promise.resolve()).constructor as new (...names: string[]) => (...values: unknown[]) => Promise<unknown>;

/**
 * Run the cell that waits behind `port`, if the kernel gives it to this page.
 *
 * @param port - main port of a link with the service `cell`.
 * @param element - where the cell may draw.
 * @param clientOf - what makes the cell's `ipfs`.
 */
export function runCell(port: CellPort, element: HTMLElement, clientOf: ClientOf): Run {
  const abort = new AbortController();
  let settle: (outcome: Outcome) => void = () => undefined;
  const done = new Promise<Outcome>(resolve => {
    settle = resolve;
  });
  let started = false;
  let lends = false;
  let nodePort: { close(): void } | null = null;

  const end = (): void => {
    abort.abort(new DOMException('the cell was ended', 'AbortError'));
    // The link goes when the last of its ports does.
    nodePort?.close();
    port.close();
    settle('closed');
  };
  port.addEventListener('message', event => {
    const message = event.data as { type?: unknown; code?: unknown; name?: unknown };
    if (message.type === 'run' && typeof message.code === 'string' && !started) {
      started = true;
      const [given] = event.ports;
      const node = given instanceof Port ? intercept(given) : given;
      nodePort = node as { close(): void };
      const label = typeof message.name === 'string' ? message.name : 'cell';
      void execute(port, message.code, label, element, node, clientOf, abort.signal).then(({ outcome, holdsBlobs }) => {
        lends = holdsBlobs;
        settle(outcome);
      });
    } else if (message.type === 'taken' || message.type === 'unknown') {
      settle(message.type);
      port.close();
    } else if (message.type === 'abort') {
      end();
    }
  });
  port.onclose = () => {
    abort.abort(new DOMException('the kernel ended the cell', 'AbortError'));
    settle('closed');
  };
  port.start();
  return {
    done,
    end,
    get lends() {
      return lends;
    }
  };
}

async function execute(
  port: CellPort,
  code: string,
  label: string,
  element: HTMLElement,
  ipfsPort: unknown,
  clientOf: ClientOf,
  signal: AbortSignal
): Promise<{ readonly outcome: Outcome; readonly holdsBlobs: boolean }> {
  try {
    const source = `${SOURCE}${encodeURIComponent(label)}.js`;
    const body = new AsyncFunction(...NAMES, `${code}\n//# sourceURL=${source}`);
    const value = await body(clientOf(ipfsPort), element, ipfsPort, signal);
    if (signal.aborted) return { outcome: 'closed', holdsBlobs: false };
    const html = await snapshot(element);
    if (signal.aborted) return { outcome: 'closed', holdsBlobs: false };
    if (html !== null) port.postMessage({ type: 'snapshot', html });
    port.postMessage({ type: 'result', value });
    return { outcome: 'result', holdsBlobs: holdsBlob(value) };
  } catch (error) {
    if (signal.aborted) return { outcome: 'closed', holdsBlobs: false };
    port.postMessage({ type: 'error', ...describe(error) });
    return { outcome: 'error', holdsBlobs: false };
  }
}

/** Whether a value that was cloned holds a Blob anywhere. */
function holdsBlob(root: unknown): boolean {
  // A Set is iterated to its end, also over what is added meanwhile.
  const seen = new Set([root]);
  for (const value of seen) {
    if (value instanceof Blob) return true;
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    const members = value instanceof Map ? [...value].flat() : value instanceof Set ? value : Object.values(value);
    for (const member of members) if (typeof member === 'object') seen.add(member);
  }
  return false;
}

/** Name, message and stack of whatever was thrown. */
function describe(error: unknown): { name: string; message: string; stack: string } {
  if (typeof error === 'object' && error !== null && 'message' in error) {
    const { name, message, stack } = error as { name?: unknown; message: unknown; stack?: unknown };
    return {
      name: typeof name === 'string' ? name : 'Error',
      message: String(message),
      stack: pageStack(typeof stack === 'string' ? stack : '')
    };
  }
  return { name: 'Error', message: `the cell threw ${String(error)}`, stack: '' };
}
