/** Rows by their score, so that the best of many is found without looking at all: a tournament with the number of ties. */
import type { Random } from '../std/random.ts';

const OUT = -1;

export class Ranking {
  #leaves = 0;
  #best = new Float64Array(0);
  #ties = new Int32Array(0);

  /** Forgets everything and makes room for so many rows. */
  reset(rows: number): void {
    this.#leaves = 1;
    while (this.#leaves < rows) this.#leaves *= 2;
    this.#best = new Float64Array(2 * this.#leaves).fill(OUT);
    this.#ties = new Int32Array(2 * this.#leaves);
  }

  /** A score is never negative; undefined takes the row out. */
  set(row: number, score: number | undefined): void {
    const [best, ties] = [this.#best, this.#ties];
    let at = this.#leaves + row;
    const value = score ?? OUT;
    if (best[at] === value) return;
    best[at] = value;
    ties[at] = value === OUT ? 0 : 1;
    for (at >>= 1; at >= 1; at >>= 1) {
      const left = best[2 * at] as number;
      const right = best[2 * at + 1] as number;
      best[at] = left > right ? left : right;
      ties[at] = (left >= right ? (ties[2 * at] as number) : 0) + (right >= left ? (ties[2 * at + 1] as number) : 0);
    }
  }

  /** The best row; among equals each is as likely. */
  pick(random: Random): number | undefined {
    const [best, ties] = [this.#best, this.#ties];
    if (this.#leaves === 0 || best[1] === OUT) return undefined;
    const top = best[1] as number;
    const count = ties[1] as number;
    let skip = count > 1 ? Math.floor(random.next() * count) : 0;
    let at = 1;
    while (at < this.#leaves) {
      at *= 2;
      const left = best[at] === top ? (ties[at] as number) : 0;
      if (skip >= left) {
        skip -= left;
        at++;
      }
    }
    return at - this.#leaves;
  }
}
