/** How much of a processor something uses, from what it had used at the look before. As many are remembered as were there at the last look. */

interface Look {
  readonly at: number;
  readonly cpuNanoseconds: number;
}

/** Two looks at the same moment say nothing, and one of long ago nothing of now. */
const APART_MS = 500;
const STALE_MS = 300_000;

export class Rates {
  #before: ReadonlyMap<string, Look & { readonly rate?: number }> = new Map();
  #now = new Map<string, Look & { readonly rate?: number }>();

  /** Billionths of a processor; undefined at the first look. */
  of(id: string, { at, cpuNanoseconds }: Look): number | undefined {
    const before = this.#before.get(id);
    const passed = before ? at - before.at : 0;
    if (before && passed < APART_MS && passed >= 0 && cpuNanoseconds >= before.cpuNanoseconds) {
      this.#now.set(id, before);
      return before.rate;
    }
    const isComparable = before !== undefined && passed > 0 && passed <= STALE_MS && cpuNanoseconds >= before.cpuNanoseconds;
    const rate = isComparable ? Math.round(((cpuNanoseconds - before.cpuNanoseconds) / passed) * 1000) : undefined;
    this.#now.set(id, { at, cpuNanoseconds, ...(rate !== undefined && { rate }) });
    return rate;
  }

  /** Everything has been looked at: what was not is forgotten. */
  turn(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }
}
