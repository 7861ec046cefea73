/** A bounded sequence that forgets its oldest element when it is full. */
export class Ring<T> {
  readonly #items: (T | undefined)[];
  #start = 0;
  #size = 0;

  constructor(limit: number) {
    this.#items = Array.from({ length: limit });
  }

  get size(): number {
    return this.#size;
  }

  /** Appends, and returns what had to leave for it. */
  push(item: T): T | undefined {
    const limit = this.#items.length;
    if (this.#size < limit) {
      this.#items[(this.#start + this.#size++) % limit] = item;
      return undefined;
    }
    const oldest = this.#items[this.#start];
    this.#items[this.#start] = item;
    this.#start = (this.#start + 1) % limit;
    return oldest;
  }

  /** The element at a place, counted from the oldest. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#size) return undefined;
    return this.#items[(this.#start + index) % this.#items.length];
  }

  clear(): void {
    this.#items.fill(undefined);
    this.#start = 0;
    this.#size = 0;
  }

  /** The first place whose element satisfies a condition that, once true, stays true; the size when none does. */
  findFirst(condition: (item: T) => boolean): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (condition(this.at(middle) as T)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
