/** Values that say the same as one: many hold one copy. */

/** So many are remembered, by their texts; then all are forgotten. */
const LIMIT = 1_024;

export class Alike {
  readonly #values = new Map<string, unknown>();

  /** The value itself, or one that says the same. Nobody may change it any more. */
  of<T>(value: T): T {
    const text = JSON.stringify(value);
    const known = this.#values.get(text);
    if (known !== undefined) return known as T;
    if (this.#values.size >= LIMIT) this.#values.clear();
    this.#values.set(text, value);
    return value;
  }
}
