/** The cells that live in this page: each token is run at most once, and its drawing outlives the output that first showed it. */

import { type CellPort, type ClientOf, PAGE, type Run, runCell } from './run.js';

/** How long a drawing that nobody shows waits for the next one to show it: JupyterLab makes outputs anew when a cell moves. */
const GRACE_MS = 1_000;

/** Tokens that are remembered after their cell is gone; the kernel gives each only once anyway. */
const MAX_REMEMBERED = 4_096;

/** Opens the main port of a link with the service `cell`; `signal` tells that nobody wants it any more. */
export type OpenCell = (params: Record<string, unknown>, signal: AbortSignal) => Promise<CellPort>;

/** A cell of this page. */
export interface LiveCell {
  /** Where the cell draws. */
  readonly element: HTMLElement;
  /** Settles with whether this page ran the cell; rejects when the kernel could not be reached. */
  readonly ran: Promise<boolean>;
}

/** An output, or anything else that can show a drawing. There is one drawing, so one of them has it at a time. */
export interface Holder {
  /** Called when the drawing that was asked for in vain is to be had: ask again. */
  onfree?(): void;
  /** Whether it only keeps the cell until an output shows it. */
  readonly parking?: boolean;
}

interface Entry {
  readonly element: HTMLElement;
  ran: Promise<boolean>;
  holder: Holder | null;
  readonly waiting: Set<Holder>;
  /** Aborts the opening. */
  readonly opening: AbortController;
  run: Run | null;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const cells = new Map<string, Entry>();
const remembered = new Set<string>();

/** Whether this page has, or once had, the cell. */
export function isKnown(token: string): boolean {
  return remembered.has(token);
}

/** The cell's drawing, if it lives in this page and no other output has it. */
export function adopt(token: string, holder: Holder): LiveCell | null {
  const entry = cells.get(token);
  if (!entry) return null;
  if (entry.holder !== null && entry.holder !== holder && !entry.holder.parking) {
    entry.waiting.add(holder);
    return null;
  }
  clearTimeout(entry.timer);
  entry.waiting.delete(holder);
  entry.holder = holder;
  return entry;
}

/**
 * Run the cell of a token, once.
 *
 * @param holder - who shows it, until `release`.
 * @param open - opens the port of the cell.
 * @param clientOf - makes the cell's `ipfs`.
 */
export function begin(token: string, holder: Holder, open: OpenCell, clientOf: ClientOf): LiveCell {
  const element = document.createElement('div');
  const opening = new AbortController();
  const entry: Entry = { element, ran: Promise.resolve(false), holder, waiting: new Set(), opening, run: null, timer: undefined };
  cells.set(token, entry);
  remember(token);
  const run = async (port: CellPort): Promise<boolean> => {
    if (cells.get(token) !== entry) {
      port.close();
      return false;
    }
    entry.run = runCell(port, element, clientOf);
    const outcome = await entry.run.done;
    const drawn = element.hasChildNodes() || element.shadowRoot !== null;
    const mine = outcome === 'result' || outcome === 'error' || drawn;
    if (!mine) forget(token, entry);
    // With nothing drawn there is nothing left in the page that could use the node.
    else if (!drawn && !entry.run.lends) entry.run.end();
    return mine;
  };
  entry.ran = open({ token, page: PAGE }, opening.signal).then(run, (reason: unknown) => {
    if (opening.signal.aborted) return false;
    throw reason;
  });
  entry.ran.catch(() => forget(token, entry));
  return entry;
}

/** Let go of a cell; when nobody has taken it up again soon, its link ends. */
export function release(token: string, holder: Holder): void {
  const entry = cells.get(token);
  if (!entry) return;
  entry.waiting.delete(holder);
  if (entry.holder !== holder) return;
  entry.holder = null;
  entry.timer = setTimeout(() => forget(token, entry), GRACE_MS);
  const [next] = entry.waiting;
  next?.onfree?.();
}

function forget(token: string, entry: Entry): void {
  if (cells.get(token) === entry) cells.delete(token);
  clearTimeout(entry.timer);
  entry.waiting.clear();
  entry.opening.abort(new DOMException('nothing shows the cell any more', 'AbortError'));
  entry.run?.end();
}

function remember(token: string): void {
  remembered.add(token);
  const [oldest] = remembered;
  if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
}
