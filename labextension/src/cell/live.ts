/** The cells that live in this page: each token is run at most once, and its drawing outlives the output that first showed it. */

import { type CellPort, type ClientOf, PAGE, type Run, runCell } from './run.js';

/** How long a drawing that nobody shows waits for the next one to show it: JupyterLab makes outputs anew when a cell moves. */
const GRACE_MS = 1_000;

/** Tokens that are remembered after their cell is gone; the kernel gives each only once anyway. */
const MAX_REMEMBERED = 4_096;

/** Opens the main port of a link with the service `cell`. */
export type OpenCell = (params: Record<string, unknown>) => Promise<CellPort>;

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
  const entry: Entry = { element, ran: Promise.resolve(false), holder, waiting: new Set(), run: null, timer: undefined };
  cells.set(token, entry);
  remember(token);
  entry.ran = open({ token, page: PAGE }).then(async port => {
    if (cells.get(token) !== entry) {
      port.close();
      return false;
    }
    entry.run = runCell(port, element, clientOf);
    const outcome = await entry.run.done;
    const mine = outcome === 'result' || outcome === 'error' || element.hasChildNodes();
    if (!mine) forget(token, entry);
    return mine;
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
  entry.run?.end();
}

function remember(token: string): void {
  remembered.add(token);
  const [oldest] = remembered;
  if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
}
