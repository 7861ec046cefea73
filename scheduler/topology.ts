/** Which domain of a topology key (a zone, a host) each row of the snapshot belongs to. */
import type { NodeFacts } from './node-facts.ts';

export const HOSTNAME = 'kubernetes.io/hostname';
const NONE = -1;
/** Keys remembered at once; the oldest is forgotten for the next. */
const KEY_LIMIT = 64;
/** Values that no node has any more are kept until they are so many more than there are rows. */
const STALE_VALUES = 1024;

export class Domains {
  readonly key: string;
  /** The number of the domain of each row; -1 where a node lacks the key. */
  of: Int32Array;
  readonly #values = new Map<string, number>();

  constructor(key: string, rows: number) {
    this.key = key;
    this.of = new Int32Array(rows).fill(NONE);
  }

  /** Domain numbers are below this. */
  get size(): number {
    return this.#values.size;
  }

  set(row: number, node: NodeFacts | undefined): void {
    const value = node && Object.hasOwn(node.labels, this.key) ? (node.labels[this.key] as string) : undefined;
    if (value === undefined) {
      this.of[row] = NONE;
      return;
    }
    let domain = this.#values.get(value);
    if (domain === undefined) this.#values.set(value, (domain = this.#values.size));
    this.of[row] = domain;
  }

  grow(rows: number): void {
    const of = new Int32Array(rows).fill(NONE);
    of.set(this.of);
    this.of = of;
  }

  /** Adds up numbers of rows by domain. */
  sums(counts: Int32Array, rows: number): Int32Array {
    const out = new Int32Array(this.size);
    const { of } = this;
    for (let row = 0; row < rows; row++) {
      const count = counts[row] as number;
      const domain = of[row] as number;
      if (count !== 0 && domain >= 0) out[domain] = (out[domain] as number) + count;
    }
    return out;
  }
}

export class Topology {
  readonly #keys = new Map<string, Domains>();

  domains(key: string, facts: readonly (NodeFacts | undefined)[], capacity: number): Domains {
    const known = this.#keys.get(key);
    if (known && known.size <= 2 * facts.length + STALE_VALUES) return known;
    if (!known && this.#keys.size >= KEY_LIMIT) for (const oldest of this.#keys.keys()) if (this.#keys.delete(oldest)) break;
    const domains = new Domains(key, capacity);
    facts.forEach((node, row) => domains.set(row, node));
    this.#keys.set(key, domains);
    return domains;
  }

  set(row: number, node: NodeFacts | undefined): void {
    for (const domains of this.#keys.values()) domains.set(row, node);
  }

  grow(rows: number): void {
    for (const domains of this.#keys.values()) domains.grow(rows);
  }
}
