/** A set of whole numbers that come roughly in order, kept as ranges so that a million neighbours cost no more than one. */
export class NumberSet {
  /** Ranges [first, last], ascending and apart. */
  readonly #ranges: [number, number][] = [];

  has(value: number): boolean {
    const range = this.#ranges[this.#search(value)];
    return range !== undefined && range[0] <= value;
  }

  add(value: number): void {
    const at = this.#search(value);
    const range = this.#ranges[at];
    if (range !== undefined && range[0] <= value) return;
    const before = this.#ranges[at - 1];
    const joinsBefore = before?.[1] === value - 1;
    const joinsAfter = range?.[0] === value + 1;
    if (before && range && joinsBefore && joinsAfter) {
      before[1] = range[1];
      this.#ranges.splice(at, 1);
    } else if (before && joinsBefore) before[1] = value;
    else if (range && joinsAfter) range[0] = value;
    else this.#ranges.splice(at, 0, [value, value]);
  }

  /** The first range that ends at or after the value. */
  #search(value: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as [number, number])[1] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
