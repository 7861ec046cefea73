/**
 * How many pods of some kind are on each node, kept up to date as pods come and go.
 *
 * Two sorts: pods that a selection selects, and pods that carry a term of affinity. Pods with the same namespace and labels
 * are of one class, so that each selection looks at a class once, however many pods it has.
 */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Demand } from './demand.ts';
import type { Labels, PodKind, Selection, Term, Within } from './terms.ts';

/** Selections remembered at once; the oldest is forgotten, and counted afresh when it is asked for again. */
const TALLY_LIMIT = 1024;

export class Counter {
  counts: Int32Array;
  total = 0;

  constructor(rows: number) {
    this.counts = new Int32Array(rows);
  }

  add(row: number, sign: 1 | -1): void {
    this.counts[row] = (this.counts[row] as number) + sign;
    this.total += sign;
  }

  grow(rows: number): void {
    const counts = new Int32Array(rows);
    counts.set(this.counts);
    this.counts = counts;
  }
}

class Tally extends Counter {
  readonly selection: Selection;

  constructor(selection: Selection, rows: number) {
    super(rows);
    this.selection = selection;
  }
}

/** What a carried term does: `anti` keeps others out, `required` attracts as much as the profile says, `preferred` by its weight. */
export type TermKind = 'anti' | 'required' | 'preferred';

/** A term that pods on nodes carry. */
export class Carried extends Counter {
  readonly key: string;
  readonly term: Term;
  readonly kind: TermKind;
  readonly weight: number;

  constructor({ key, term, kind, weight }: { key: string; term: Term; kind: TermKind; weight: number }, rows: number) {
    super(rows);
    this.key = key;
    this.term = term;
    this.kind = kind;
    this.weight = weight;
  }
}

export interface PodClass extends PodKind {
  readonly key: string;
  /** Where pods of the class are: a row for each. */
  readonly rows: number[];
  tallies: Tally[] | undefined;
  /** The carried terms that select this class, as of this version. */
  selectedBy: readonly Carried[];
  selectedAt: number;
}

export class Tallies {
  readonly #classes = new Map<string, PodClass>();
  readonly #classesWithin = new ClassIndex();
  readonly #tallies = new Map<string, Tally>();
  readonly #carried = new Map<string, Carried>();
  readonly #namespaces = new Map<string, Labels>();
  #carriedVersion = 1;
  #rows: number;

  constructor(rows: number) {
    this.#rows = rows;
  }

  readonly labelsOf = (namespace: string): Labels => this.#namespaces.get(namespace) ?? {};

  classOf({ metadata }: Stored<Pod>): PodClass {
    const labels = metadata.labels ?? {};
    const terminating = metadata.deletionTimestamp !== undefined;
    const key = JSON.stringify([metadata.namespace, terminating, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
    const known = this.#classes.get(key);
    return known ?? { key, namespace: metadata.namespace, labels, terminating, rows: [], tallies: undefined, selectedBy: [], selectedAt: 0 };
  }

  /** A pod of the class came to the row (1) or left it (-1). */
  count(podClass: PodClass, demand: Demand, row: number, sign: 1 | -1): void {
    if (sign > 0) this.#put(podClass, row);
    else this.#take(podClass, row);
    podClass.tallies ??= [...this.#tallies.values()].filter(({ selection }) => mayMatch(selection, podClass) && selection.matches(podClass, this.labelsOf));
    for (const tally of podClass.tallies) tally.add(row, sign);
    const { required, anti, preferred } = demand.affinity;
    for (const term of anti) this.#carry({ term, kind: 'anti', weight: 0, row, sign });
    for (const term of required) this.#carry({ term, kind: 'required', weight: 0, row, sign });
    for (const { term, weight } of preferred) this.#carry({ term, kind: 'preferred', weight, row, sign });
  }

  /** The selected pods of each row. */
  counts(selection: Selection): Int32Array {
    let tally = this.#tallies.get(selection.signature);
    if (!tally) {
      const [oldest] = this.#tallies.values();
      if (oldest && this.#tallies.size >= TALLY_LIMIT) this.#forget(oldest);
      tally = new Tally(selection, this.#rows);
      this.#tallies.set(selection.signature, tally);
      for (const podClass of this.#classesOf(selection)) {
        if (!podClass.tallies || !selection.matches(podClass, this.labelsOf)) continue;
        podClass.tallies.push(tally);
        for (const row of podClass.rows) tally.add(row, 1);
      }
    }
    return tally.counts;
  }

  matches(selection: Selection, podClass: PodClass): boolean {
    return selection.matches(podClass, this.labelsOf);
  }

  /** The terms of pods on nodes that select this one. */
  selecting(podClass: PodClass): readonly Carried[] {
    if (podClass.selectedAt !== this.#carriedVersion) {
      podClass.selectedBy = [...this.#carried.values()].filter(({ term }) => term.matches(podClass, this.labelsOf));
      podClass.selectedAt = this.#carriedVersion;
    }
    return podClass.selectedBy;
  }

  setNamespace(name: string, labels: Labels | undefined): void {
    if (labels) this.#namespaces.set(name, labels);
    else this.#namespaces.delete(name);
    // What selects namespaces by their labels may now select others: it is counted afresh when it is asked for again.
    for (const tally of this.#tallies.values()) if (tally.selection.looksAtNamespaces) this.#forget(tally);
    for (const { term } of this.#carried.values()) if (term.looksAtNamespaces) this.#carriedVersion++;
  }

  grow(rows: number): void {
    this.#rows = rows;
    for (const tally of this.#tallies.values()) tally.grow(rows);
    for (const carried of this.#carried.values()) carried.grow(rows);
  }

  #carry({ term, kind, weight, row, sign }: { term: Term; kind: TermKind; weight: number; row: number; sign: 1 | -1 }): void {
    const key = `${kind}|${weight}|${term.signature}`;
    let carried = this.#carried.get(key);
    if (!carried) {
      carried = new Carried({ key, term, kind, weight }, this.#rows);
      this.#carried.set(key, carried);
      this.#carriedVersion++;
    }
    carried.add(row, sign);
    if (carried.total > 0) return;
    this.#carried.delete(key);
    this.#carriedVersion++;
  }

  #forget(tally: Tally): void {
    this.#tallies.delete(tally.selection.signature);
    for (const podClass of this.#classesOf(tally.selection)) podClass.tallies = podClass.tallies?.filter((known) => known !== tally);
  }

  /** Those among which a selection finds all that it selects. */
  #classesOf({ within }: Selection): Iterable<PodClass> {
    return within ? this.#classesWithin.of(within, this.#classes.values()) : this.#classes.values();
  }

  #put(podClass: PodClass, row: number): void {
    if (podClass.rows.push(row) > 1) return;
    this.#classes.set(podClass.key, podClass);
    this.#classesWithin.add(podClass);
  }

  #take(podClass: PodClass, row: number): void {
    const { rows } = podClass;
    // What came last goes first, where it is only tried what would be without it.
    const at = rows.lastIndexOf(row);
    rows[at] = rows[rows.length - 1] as number;
    rows.pop();
    if (rows.length > 0) return;
    this.#classes.delete(podClass.key);
    this.#classesWithin.delete(podClass);
  }
}

function mayMatch({ within }: Selection, { namespace, labels }: PodClass): boolean {
  return !within || (within.namespace === namespace && labels[within.key] === within.value);
}

/** Label keys that classes are indexed by; when there are more, all are forgotten. */
const KEYS_LIMIT = 16;

/** Classes by a label that selections ask for exactly. */
class ClassIndex {
  /** key → namespace and value → classes */
  readonly #keys = new Map<string, Map<string, Set<PodClass>>>();

  of({ namespace, key, value }: Within, all: Iterable<PodClass>): Iterable<PodClass> {
    if (!this.#keys.has(key)) {
      if (this.#keys.size >= KEYS_LIMIT) this.#keys.clear();
      const values = new Map<string, Set<PodClass>>();
      for (const podClass of all) addTo(values, key, podClass);
      this.#keys.set(key, values);
    }
    return this.#keys.get(key)?.get(placeOf(namespace, value)) ?? [];
  }

  add(podClass: PodClass): void {
    for (const [key, values] of this.#keys) addTo(values, key, podClass);
  }

  delete(podClass: PodClass): void {
    for (const [key, values] of this.#keys) {
      if (!Object.hasOwn(podClass.labels, key)) continue;
      const place = placeOf(podClass.namespace, podClass.labels[key] as string);
      const classes = values.get(place);
      classes?.delete(podClass);
      if (classes?.size === 0) values.delete(place);
    }
  }
}

function addTo(values: Map<string, Set<PodClass>>, key: string, podClass: PodClass): void {
  if (!Object.hasOwn(podClass.labels, key)) return;
  const place = placeOf(podClass.namespace, podClass.labels[key] as string);
  const classes = values.get(place);
  if (classes) classes.add(podClass);
  else values.set(place, new Set([podClass]));
}

/** Neither has such a character. */
function placeOf(namespace: string, value: string): string {
  return `${namespace}\n${value}`;
}
