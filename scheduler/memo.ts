/** Results of the static filters and scores per pod signature and node row, kept until the node's facts change. */
import type { Demand } from './demand.ts';
import { type Refusal, STATIC_REFUSALS, staticFilters } from './filters.ts';
import { matchesTerm } from './node-affinity.ts';
import type { NodeFacts, Snapshot } from './snapshot.ts';
import { reluctance } from './taints.ts';

const FITS = 1;
const FIRST_REFUSAL = 2;

/** Signatures remembered at once; the one that was made first is forgotten for the next. */
const SIGNATURE_LIMIT = 512;

export class Memo {
  #verdict = new Uint8Array(0);
  #seen = new Uint32Array(0);
  /** Sums of the weights of preferred terms, and numbers of soft taints that are not tolerated. */
  preference = new Float64Array(0);
  reluctance = new Float64Array(0);

  /** Undefined when the node takes the pod as far as its facts go. */
  refusal(snapshot: Snapshot, row: number, node: NodeFacts, demand: Demand): Refusal | undefined {
    if (row >= this.#verdict.length) this.#grow(snapshot.version.length);
    if (this.#verdict[row] === 0 || this.#seen[row] !== snapshot.version[row]) this.#judge(snapshot, row, node, demand);
    const verdict = this.#verdict[row] as number;
    return verdict === FITS ? undefined : STATIC_REFUSALS[verdict - FIRST_REFUSAL];
  }

  #judge(snapshot: Snapshot, row: number, node: NodeFacts, demand: Demand): void {
    let refusal: Refusal | undefined;
    for (const filter of staticFilters) if ((refusal = filter(demand, node))) break;
    this.#verdict[row] = refusal ? FIRST_REFUSAL + STATIC_REFUSALS.indexOf(refusal) : FITS;
    this.#seen[row] = snapshot.version[row] as number;
    let preference = 0;
    for (const term of demand.preferred) if (matchesTerm(term.preference, node.labels, node.name)) preference += term.weight;
    this.preference[row] = preference;
    this.reluctance[row] = reluctance(node.taints, demand.tolerations);
  }

  #grow(rows: number): void {
    const grow = <T extends Uint8Array | Uint32Array | Float64Array>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    this.#verdict = grow(new Uint8Array(rows), this.#verdict);
    this.#seen = grow(new Uint32Array(rows), this.#seen);
    this.preference = grow(new Float64Array(rows), this.preference);
    this.reluctance = grow(new Float64Array(rows), this.reluctance);
  }
}

/** The memos of one snapshot. */
export class Memos {
  readonly #bySignature = new Map<string, Memo>();

  of(demand: Demand): Memo {
    let memo = this.#bySignature.get(demand.signature);
    if (!memo) {
      if (this.#bySignature.size >= SIGNATURE_LIMIT) {
        for (const oldest of this.#bySignature.keys()) {
          this.#bySignature.delete(oldest);
          break;
        }
      }
      this.#bySignature.set(demand.signature, (memo = new Memo()));
    }
    return memo;
  }
}
