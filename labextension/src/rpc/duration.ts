/** Lengths of time as people write them: milliseconds, or text such as `"2s"` and `"1h30m"`, as Go and js-ipfs have it. */

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 };
const WHOLE = /^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h|d)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h|d))*$/;
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d)/g;
/** Characters of a text that is looked at. */
const LONGEST = 64;

/** A length of time in milliseconds; NaN for what is none. */
export function milliseconds(value: number | string): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.length > LONGEST || !WHOLE.test(value)) return NaN;
  let sum = 0;
  for (const [, number, unit] of value.matchAll(PART)) sum += Number(number) * (UNITS[unit as string] as number);
  return sum;
}
