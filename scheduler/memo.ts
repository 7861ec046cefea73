/** What is known per pod signature and node row, kept until the row changes: whether the pod fits, and how well. */
import type { Demand } from './demand.ts';
import { type Refusal, STATIC_REFUSALS, judgeFacts, namesWanted, roomFor } from './filters.ts';
import { matchesTerm } from './node-affinity.ts';
import { roomScore } from './score.ts';
import type { NodeFacts, Snapshot } from './snapshot.ts';
import { reluctance } from './taints.ts';

const PASSES = 0xff;
const WANTS = 1;
const TOLERATES = 2;

/** Signatures remembered at once; the one that was made first is forgotten for the next. */
const SIGNATURE_LIMIT = 512;

export class Memo {
  readonly demand: Demand;
  readonly #named: ReadonlySet<string> | undefined;
  /** 1 where the node's facts and its numbers take the pod. */
  fits = new Uint8Array(0);
  /** Scores for the room that is left. */
  room = new Float64Array(0);
  /** Sums of the weights of preferred terms, and numbers of soft taints that are not tolerated. */
  preference = new Float64Array(0);
  reluctance = new Float64Array(0);
  /** Whether some node has soft taints that count. */
  reluctant = false;
  images: Float64Array | undefined;
  #imagesSeen = 0;
  #nodesSeen = 0;
  #verdict = new Uint8Array(0);
  #flags = new Uint8Array(0);
  #version = new Uint32Array(0);
  #changes = new Uint32Array(0);

  constructor(demand: Demand) {
    this.demand = demand;
    this.#named = namesWanted(demand);
  }

  /** Looks again at the rows that changed. */
  refresh(snapshot: Snapshot): void {
    if (this.fits.length < snapshot.changes.length) this.#grow(snapshot.changes.length);
    const { changes, rows } = snapshot;
    for (let row = 0; row < rows; row++) if (this.#changes[row] !== changes[row]) this.#judge(snapshot, row);
    const { images } = snapshot;
    if (images.version === this.#imagesSeen && snapshot.nodeCount === this.#nodesSeen && (!this.images || this.images.length >= rows)) return;
    this.images = images.scores(this.demand.images, this.demand.containers, changes.length, snapshot.nodeCount);
    this.#imagesSeen = images.version;
    this.#nodesSeen = snapshot.nodeCount;
  }

  /** Undefined when the node takes the pod as far as its facts go. */
  refusal(row: number): Refusal | undefined {
    return STATIC_REFUSALS[this.#verdict[row] as number];
  }

  /** Whether the pod's selector and required affinity admit the node. */
  wants(row: number): boolean {
    return ((this.#flags[row] as number) & WANTS) !== 0;
  }

  /** Whether the pod tolerates all the node's hard taints. */
  tolerates(row: number): boolean {
    return ((this.#flags[row] as number) & TOLERATES) !== 0;
  }

  #judge(snapshot: Snapshot, row: number): void {
    const node = snapshot.facts[row];
    this.#changes[row] = snapshot.changes[row] as number;
    if (this.#version[row] !== snapshot.version[row]) this.#judgeFacts(snapshot, row, node);
    const fits = node !== undefined && this.#verdict[row] === PASSES && roomFor(snapshot, row, this.demand);
    this.fits[row] = fits ? 1 : 0;
    if (fits) this.room[row] = roomScore(snapshot, row, this.demand);
  }

  #judgeFacts(snapshot: Snapshot, row: number, node: NodeFacts | undefined): void {
    this.#version[row] = snapshot.version[row] as number;
    this.#flags[row] = 0;
    if (!node) return;
    const { refusal, tolerates, wants } = judgeFacts(this.demand, node, this.#named);
    this.#verdict[row] = refusal ? STATIC_REFUSALS.indexOf(refusal) : PASSES;
    this.#flags[row] = (wants ? WANTS : 0) | (tolerates ? TOLERATES : 0);
    let preference = 0;
    for (const term of this.demand.preferred) if (matchesTerm(term.preference, node.labels, node.name)) preference += term.weight;
    this.preference[row] = preference;
    this.reluctance[row] = reluctance(node.taints, this.demand.tolerations);
    if ((this.reluctance[row] as number) > 0) this.reluctant = true;
  }

  #grow(rows: number): void {
    const grow = <T extends Uint8Array | Uint32Array | Float64Array>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    this.fits = grow(new Uint8Array(rows), this.fits);
    this.room = grow(new Float64Array(rows), this.room);
    this.preference = grow(new Float64Array(rows), this.preference);
    this.reluctance = grow(new Float64Array(rows), this.reluctance);
    this.#verdict = grow(new Uint8Array(rows), this.#verdict);
    this.#flags = grow(new Uint8Array(rows), this.#flags);
    this.#version = grow(new Uint32Array(rows), this.#version);
    this.#changes = grow(new Uint32Array(rows), this.#changes);
  }
}

/** The memos of one snapshot. */
export class Memos {
  readonly #bySignature = new Map<string, Memo>();

  of(demand: Demand): Memo {
    let memo = this.#bySignature.get(demand.signature);
    if (!memo) {
      if (this.#bySignature.size >= SIGNATURE_LIMIT) for (const oldest of this.#bySignature.keys()) if (this.#bySignature.delete(oldest)) break;
      this.#bySignature.set(demand.signature, (memo = new Memo(demand)));
    }
    return memo;
  }
}
