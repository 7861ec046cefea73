/** What is known per pod signature and node row, kept until the row changes: whether the pod fits, and how well. */
import { matchesTerm } from '../api/selectors/node-selector.ts';
import type { Demand } from './demand.ts';
import { type Ask, FINE, STATIC_LISTS, STATIC_REFUSALS, askOf, judgeFacts, roomFor, roomRefusals } from './filters.ts';
import type { Refusal } from './refusal.ts';
import type { Cleared } from './candidate.ts';
import type { Profile } from './profile.ts';
import { Ranking } from './ranking.ts';
import { roomScore } from './room-score.ts';
import type { Snapshot } from './snapshot.ts';
import type { NodeFacts } from './node-facts.ts';
import { reluctance } from './taints.ts';

const PASSES = 0xff;
const WANTS = 1;
const TOLERATES = 2;

interface Yielded {
  readonly changes: number | undefined;
  readonly contested: number | undefined;
  readonly refusals: readonly Refusal[];
}

/** How a row would be cleared for a kind of pod, with what that depends on. */
export interface ClearedRow {
  readonly changes: number | undefined;
  readonly contested: number | undefined;
  readonly budgets: number;
  readonly priority: number;
  readonly outcome: Cleared;
}

/** So many kinds of pods are remembered with what was found out about clearing rows for them. */
const CLEARED_LIMIT = 16;

/** Signatures remembered at once; the one that was made first is forgotten for the next. */
const SIGNATURE_LIMIT = 512;

export class Memo {
  /** Equal for pods that one profile looks at alike. */
  readonly key: string;
  readonly ask: Ask;
  /** Rows that fit by their score for room, once somebody asked for it. */
  #ranking: Ranking | undefined;
  /** 1 where the node's facts and its numbers take the pod. */
  fits = new Uint8Array(0);
  /** Scores for the room that is left. */
  room = new Float64Array(0);
  /** Sums of the weights of preferred terms, and numbers of soft taints that are not tolerated. */
  preference = new Float64Array(0);
  reluctance = new Float64Array(0);
  /** How many nodes have soft taints that count, and how many are preferred. */
  reluctant = 0;
  preferred = 0;
  images: Float64Array | undefined;
  /** Why there is no room on a row, once somebody asked. */
  readonly #why: (readonly Refusal[] | undefined)[] = [];
  /** Why rows are left to those nominated there, by pods of one priority. */
  #yielded: { readonly priority: number; readonly rows: (Yielded | undefined)[] } = { priority: 0, rows: [] };
  #imagesSeen = 0;
  #nodesSeen = 0;
  #verdict = new Uint8Array(0);
  #flags = new Uint8Array(0);
  #version = new Uint32Array(0);
  #changes = new Uint32Array(0);
  #changesSeen = -1;

  constructor(key: string, demand: Demand, profile: Profile) {
    this.key = key;
    this.ask = askOf(demand, profile);
  }

  /** Looks again at the rows that changed. */
  refresh(snapshot: Snapshot): void {
    if (this.fits.length < snapshot.changes.length) this.#grow(snapshot.changes.length);
    const { changes, rows } = snapshot;
    const news = this.#changesSeen < 0 ? undefined : snapshot.changedSince(this.#changesSeen);
    if (news) {
      for (const row of news) if (this.#changes[row] !== changes[row]) this.#judge(snapshot, row);
    } else {
      for (let row = 0; row < rows; row++) if (this.#changes[row] !== changes[row]) this.#judge(snapshot, row);
    }
    this.#changesSeen = snapshot.changeCount;
    const { images } = snapshot;
    if (images.version === this.#imagesSeen && snapshot.nodeCount === this.#nodesSeen && (!this.images || this.images.length >= rows)) return;
    const { demand, profile } = this.ask;
    this.images = profile.weights.ImageLocality > 0 ? images.scores(demand.images, demand.containers, changes.length, snapshot.nodeCount) : undefined;
    this.#imagesSeen = images.version;
    this.#nodesSeen = snapshot.nodeCount;
  }

  /** Rows in the order of their score, where nothing but the room on them tells them apart. */
  ranking(): Ranking | undefined {
    if (this.images || this.reluctant > 0 || this.preferred > 0) return undefined;
    if (!this.#ranking) {
      this.#ranking = new Ranking();
      this.#ranking.reset(this.fits.length);
      for (let row = 0; row < this.fits.length; row++) if (this.fits[row] === 1) this.#ranking.set(row, this.room[row]);
    }
    return this.#ranking;
  }

  /** Undefined when the node takes the pod as far as its facts go. */
  refusals(row: number): readonly Refusal[] | undefined {
    return STATIC_LISTS[this.#verdict[row] as number];
  }

  /** What `look` says of a row that is `contested`, until the row or who is nominated there changes. */
  yieldedTo(snapshot: Snapshot, row: number, priority: number, look: () => readonly Refusal[]): readonly Refusal[] {
    if (this.#yielded.priority !== priority) this.#yielded = { priority, rows: [] };
    const { rows } = this.#yielded;
    const [changes, contested] = [snapshot.changes[row], snapshot.contested[row]];
    const known = rows[row];
    if (known && known.changes === changes && known.contested === contested) return known.refusals;
    const refusals = look();
    rows[row] = { changes, contested, refusals };
    return refusals;
  }

  /** Why the numbers of a row do not take the pod, if they do not. */
  roomRefusals(snapshot: Snapshot, row: number): readonly Refusal[] {
    if (this.#changes[row] !== snapshot.changes[row]) return roomFor(snapshot, row, this.ask) ? FINE : roomRefusals(snapshot, row, this.ask);
    if (this.fits[row] === 1) return FINE;
    return (this.#why[row] ??= roomFor(snapshot, row, this.ask) ? FINE : roomRefusals(snapshot, row, this.ask));
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
    const { demand, profile } = this.ask;
    this.#changes[row] = snapshot.changes[row] as number;
    this.#why[row] = undefined;
    if (this.#version[row] !== snapshot.version[row]) this.#judgeFacts(snapshot, row, node);
    const fits = node !== undefined && this.#verdict[row] === PASSES && roomFor(snapshot, row, this.ask);
    this.fits[row] = fits ? 1 : 0;
    if (fits) this.room[row] = roomScore(snapshot, row, demand, profile);
    this.#ranking?.set(row, fits ? this.room[row] : undefined);
  }

  #judgeFacts(snapshot: Snapshot, row: number, node: NodeFacts | undefined): void {
    this.#version[row] = snapshot.version[row] as number;
    this.#flags[row] = 0;
    this.#setSoft(row, 0, 0);
    if (!node) return;
    const { demand, profile } = this.ask;
    const { refusal, tolerates, wants } = judgeFacts(this.ask, node);
    this.#verdict[row] = refusal ? STATIC_REFUSALS.indexOf(refusal) : PASSES;
    this.#flags[row] = (wants ? WANTS : 0) | (tolerates ? TOLERATES : 0);
    let preference = 0;
    if (profile.weights.NodeAffinity > 0) {
      const added = profile.addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      for (const terms of [demand.preferred, added]) for (const term of terms) if (matchesTerm(term.preference, node.labels, node.name)) preference += term.weight;
    }
    this.#setSoft(row, preference, profile.weights.TaintToleration > 0 ? reluctance(node.taints, demand.tolerations) : 0);
  }

  #setSoft(row: number, preference: number, reluctant: number): void {
    this.preferred += Number(preference > 0) - Number((this.preference[row] as number) > 0);
    this.reluctant += Number(reluctant > 0) - Number((this.reluctance[row] as number) > 0);
    this.preference[row] = preference;
    this.reluctance[row] = reluctant;
  }

  #grow(rows: number): void {
    const grow = <T extends Uint8Array | Uint32Array | Float64Array>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    this.#ranking = undefined;
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

const memosOf = new WeakMap<Snapshot, Memos>();

/** The memos of one snapshot. */
export function memosFor(snapshot: Snapshot): Memos {
  let memos = memosOf.get(snapshot);
  if (!memos) memosOf.set(snapshot, (memos = new Memos()));
  return memos;
}

export class Memos {
  readonly #bySignature = new Map<string, Memo[]>();
  readonly #cleared = new Map<Memo, (ClearedRow | undefined)[]>();
  #scratch = new Int32Array(0);

  /** By row, for pods of this kind. */
  cleared(memo: Memo): (ClearedRow | undefined)[] {
    let rows = this.#cleared.get(memo);
    if (!rows) {
      if (this.#cleared.size >= CLEARED_LIMIT) for (const oldest of this.#cleared.keys()) if (this.#cleared.delete(oldest)) break;
      this.#cleared.set(memo, (rows = []));
    }
    return rows;
  }

  /** Room for so many rows, for one decision at a time. */
  scratch(rows: number): Int32Array {
    if (this.#scratch.length < rows) this.#scratch = new Int32Array(2 * rows);
    return this.#scratch;
  }

  of(demand: Demand, profile: Profile): Memo {
    let memos = this.#bySignature.get(demand.signature);
    if (!memos) {
      if (this.#bySignature.size >= SIGNATURE_LIMIT) for (const oldest of this.#bySignature.keys()) if (this.#bySignature.delete(oldest)) break;
      this.#bySignature.set(demand.signature, (memos = []));
    }
    let memo = memos.find(({ ask }) => ask.profile === profile);
    if (!memo) memos.push((memo = new Memo(`${profile.name}|${demand.signature}`, demand, profile)));
    return memo;
  }
}
