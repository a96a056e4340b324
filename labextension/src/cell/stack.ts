/** Stacks of a cell, told in the cell's own lines. */

/** How the sources of cells are called in stacks. */
export const SOURCE = 'ipfs_js-';

/** Lines that `AsyncFunction` puts before the body. */
const HEAD_LINES = 2;

const PLACE = new RegExp(`(${SOURCE}[^:\\s()]*):(\\d+):(\\d+)`, 'g');

/**
 * The stack with the lines of cells counted from the cell's first, and without the frames below the cell.
 *
 * @param stack - the `stack` of an error.
 */
export function pageStack(stack: string): string {
  const lines = stack.split('\n');
  const last = lines.findLastIndex(line => line.includes(SOURCE));
  return lines
    .slice(0, last < 0 ? undefined : last + 1)
    .join('\n')
    .replace(PLACE, (_, source: string, line: string, column: string) => `${source}:${Math.max(1, Number(line) - HEAD_LINES)}:${column}`);
}
