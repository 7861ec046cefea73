/** A map ordered by its string keys: chunks of sorted arrays, so that inserts in any order stay cheap with 100,000s of keys. */

interface Chunk<V> {
  readonly keys: string[];
  readonly values: V[];
}

/** Chunks split above this many keys: small enough to shift, large enough that there are few chunks. */
const CHUNK_LIMIT = 512;

export class SortedMap<V> {
  readonly #chunks: Chunk<V>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (!chunk) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  /** Puts a value and returns the one it replaces. */
  set(key: string, value: V): V | undefined {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (!chunk) {
      this.#chunks.push({ keys: [key], values: [value] });
      this.#size++;
      return undefined;
    }
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] === key) {
      const old = chunk.values[at];
      chunk.values[at] = value;
      return old;
    }
    this.#size++;
    if (at === chunk.keys.length && at >= CHUNK_LIMIT && index === this.#chunks.length - 1) {
      this.#chunks.push({ keys: [key], values: [value] });
      return undefined;
    }
    chunk.keys.splice(at, 0, key);
    chunk.values.splice(at, 0, value);
    if (chunk.keys.length > CHUNK_LIMIT) this.#split(index, chunk);
    return undefined;
  }

  /** Removes a key and returns what it had. */
  delete(key: string): V | undefined {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (!chunk) return undefined;
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] !== key) return undefined;
    const [old] = chunk.values.splice(at, 1);
    chunk.keys.splice(at, 1);
    if (chunk.keys.length === 0) this.#chunks.splice(index, 1);
    this.#size--;
    return old;
  }

  /** How many keys are smaller than this one. */
  rank(key: string): number {
    const index = this.#chunkOf(key);
    let rank = 0;
    for (let i = 0; i < index; i++) rank += this.#chunks[i]?.keys.length ?? 0;
    const chunk = this.#chunks[index];
    return chunk ? rank + lowerBound(chunk.keys, key) : rank;
  }

  /** Visits keys in order, from `from` inclusive to `end` exclusive, until the visitor says false. The map must not change meanwhile. */
  scan(from: string, end: string, visit: (key: string, value: V) => boolean): void {
    let index = this.#chunkOf(from);
    const first = this.#chunks[index];
    if (!first) return;
    let at = lowerBound(first.keys, from);
    for (; index < this.#chunks.length; index++, at = 0) {
      const { keys, values } = this.#chunks[index] as Chunk<V>;
      for (; at < keys.length; at++) {
        const key = keys[at] as string;
        if (key >= end || !visit(key, values[at] as V)) return;
      }
    }
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#size = 0;
  }

  /** The chunk that holds a key or would take it: the last one whose first key is not greater. */
  #chunkOf(key: string): number {
    let low = 1;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (((this.#chunks[middle] as Chunk<V>).keys[0] as string) <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #split(index: number, chunk: Chunk<V>): void {
    const half = chunk.keys.length >> 1;
    this.#chunks.splice(index + 1, 0, { keys: chunk.keys.splice(half), values: chunk.values.splice(half) });
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
