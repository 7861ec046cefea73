/** The cluster as the scheduler sees it: nodes as columns of numbers, one row each, updated in place. One writer: the scheduler's shell. */
import type { Node, Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { deepEqual } from '../std/deep.ts';
import { Budgets } from './budgets.ts';
import { Devices } from './devices/devices.ts';
import { type Demand, demandOf } from './demand.ts';
import { Images } from './images.ts';
import { Nominations } from './nominations.ts';
import { Ports } from './ports.ts';
import { amount, podRequests, sameAmounts } from './requests.ts';
import { DefaultSelectors } from './default-selectors.ts';
import { type PodClass, Tallies } from './tallies.ts';
import type { Selection } from './terms.ts';
import { type Domains, Topology } from './topology.ts';
import { Volumes } from './volumes.ts';
import { factsOf, type NodeFacts } from './node-facts.ts';

const FIRST_ROWS = 64;
/** Changes of rows remembered, so that what follows them needs not look at all rows. A power of two. */
const CHANGES_REMEMBERED = 4096;

/** Numbers of one resource, a place for each row. */
export class Column {
  allocatable = new Float64Array(FIRST_ROWS);
  requested = new Float64Array(FIRST_ROWS);

  grow(rows: number): void {
    this.allocatable = grown(this.allocatable, rows);
    this.requested = grown(this.requested, rows);
  }
}

/** A pod that occupies a row. */
export interface Placed {
  pod: Stored<Pod>;
  readonly row: number;
  readonly demand: Demand;
  podClass: PodClass;
}

export class Snapshot {
  /** Undefined where a row is free, or where a node is only known by pods that name it. */
  readonly facts: (NodeFacts | undefined)[] = [];
  readonly columns = new Map<string, Column>();
  readonly ports: (Ports | undefined)[] = [];
  pods = new Int32Array(FIRST_ROWS);
  podLimit = new Int32Array(FIRST_ROWS);
  nonzeroCpu = new Float64Array(FIRST_ROWS);
  nonzeroMemory = new Float64Array(FIRST_ROWS);
  /** Moves whenever the facts of a row change: memoised results of static filters carry it. */
  version = new Uint32Array(FIRST_ROWS);
  /** Moves whenever anything of a row changes, what it has given away included. */
  changes = new Uint32Array(FIRST_ROWS);
  /** Moves with every change of who is nominated to a row; 0 where nobody is. */
  contested = new Uint32Array(FIRST_ROWS);
  nodeCount = 0;
  /** How many changes there have been. */
  changeCount = 0;
  readonly #changed = new Int32Array(CHANGES_REMEMBERED);

  readonly images = new Images();
  readonly nominations = new Nominations((node, stamp) => {
    const row = this.#rows.get(node);
    if (row !== undefined) this.contested[row] = stamp;
  });
  readonly volumes = new Volumes();
  readonly devices = new Devices();
  readonly budgets = new Budgets();
  readonly defaultSelectors = new DefaultSelectors();
  readonly tallies = new Tallies(FIRST_ROWS);
  readonly #topology = new Topology();
  readonly #rows = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #free: number[] = [];
  readonly #placed = new Map<string, Placed>();
  readonly #at: (Set<Placed> | undefined)[] = [];
  /** How many pods there are of each priority. */
  readonly #priorities = new Map<number, number>();
  #capacity = FIRST_ROWS;

  get rows(): number {
    return this.facts.length;
  }

  row(node: string): number | undefined {
    return this.#rows.get(node);
  }

  setNode(node: Stored<Node>): void {
    const row = this.#rowOf(node.metadata.name);
    if (!this.facts[row]) this.nodeCount++;
    this.#setFacts(row, factsOf(node), node);
    for (const column of this.columns.values()) column.allocatable[row] = 0;
    this.podLimit[row] = 0;
    for (const [resource, quantity] of Object.entries(node.status?.allocatable ?? node.status?.capacity ?? {})) {
      if (resource === 'pods') this.podLimit[row] = amount(resource, quantity);
      else this.column(resource).allocatable[row] = amount(resource, quantity);
    }
  }

  removeNode(name: string): void {
    const row = this.#rows.get(name);
    if (row === undefined || !this.facts[row]) return;
    this.nodeCount--;
    this.#setFacts(row, undefined, undefined);
    this.#release(row);
  }

  /** A pod that occupies a node: bound, or assumed to be. Replaces what was known of the same uid. */
  setPod(pod: Stored<Pod>, node: string, demand = demandOf(pod)): void {
    const { uid } = pod.metadata;
    this.removePod(uid);
    this.nominations.remove(uid);
    const row = this.#rowOf(node);
    this.add({ pod, row, demand, podClass: this.tallies.classOf(pod) });
  }

  /** A newer state of a pod that is there: whether it is the same to everybody, another one to those who look at other pods, or (undefined) asks for something else. */
  refreshPod(pod: Stored<Pod>): 'same' | 'relabelled' | undefined {
    const placed = this.#placed.get(pod.metadata.uid);
    const known = placed?.pod.metadata;
    if (!placed || !known || this.#names[placed.row] !== pod.spec.nodeName) return undefined;
    if ((known.generation === undefined || known.generation !== pod.metadata.generation) && !deepEqual(placed.pod.spec, pod.spec)) return undefined;
    if (known.generation !== 1 && !sameAmounts(placed.demand.requests, podRequests(pod))) return undefined;
    const isEnding = known.deletionTimestamp !== pod.metadata.deletionTimestamp;
    // When a pod started decides who is evicted first.
    const hasStarted = placed.pod.status?.startTime !== pod.status?.startTime;
    placed.pod = pod;
    if (isEnding || hasStarted) this.#touch(placed.row);
    if (!isEnding && deepEqual(known.labels, pod.metadata.labels)) return 'same';
    const { demand, row } = placed;
    this.tallies.count(placed.podClass, demand, row, -1);
    placed.podClass = this.tallies.classOf(pod);
    this.tallies.count(placed.podClass, demand, row, 1);
    return 'relabelled';
  }

  removePod(uid: string): void {
    const placed = this.#placed.get(uid);
    if (!placed) return;
    this.remove(placed);
    this.#release(placed.row);
  }

  placed(uid: string): Placed | undefined {
    return this.#placed.get(uid);
  }

  podsAt(row: number): Iterable<Placed> {
    return this.#at[row] ?? [];
  }

  *podsOn(node: string): Generator<Stored<Pod>> {
    const row = this.#rows.get(node);
    if (row !== undefined) for (const { pod } of this.podsAt(row)) yield pod;
  }

  /** Puts a pod back where `remove` took it from. */
  add(placed: Placed): void {
    this.#placed.set(placed.pod.metadata.uid, placed);
    (this.#at[placed.row] ??= new Set()).add(placed);
    this.#count(placed, 1);
  }

  remove(placed: Placed): void {
    this.#placed.delete(placed.pod.metadata.uid);
    this.#at[placed.row]?.delete(placed);
    this.#count(placed, -1);
  }

  /** Whether any pod on a node is less important than this. */
  hasBelow(priority: number): boolean {
    for (const known of this.#priorities.keys()) if (known < priority) return true;
    return false;
  }

  /** Takes what a pod asks for from a row, or gives it back, without the pod being there. */
  charge(row: number, demand: Demand, sign: 1 | -1): void {
    for (const [resource, units] of demand.requests) {
      const { requested } = this.column(resource);
      requested[row] = (requested[row] as number) + sign * units;
    }
    this.nonzeroCpu[row] = (this.nonzeroCpu[row] as number) + sign * demand.nonzeroCpu;
    this.nonzeroMemory[row] = (this.nonzeroMemory[row] as number) + sign * demand.nonzeroMemory;
    this.pods[row] = (this.pods[row] as number) + sign;
    if (demand.ports.length > 0) (this.ports[row] ??= new Ports()).count(demand.ports, sign);
    this.#touch(row);
  }

  /** The rows that changed since there had been so many changes, perhaps more than once; undefined where that is too long ago. */
  changedSince(count: number): Int32Array | undefined {
    const news = this.changeCount - count;
    if (news > CHANGES_REMEMBERED) return undefined;
    const out = new Int32Array(news);
    for (let i = 0; i < news; i++) out[i] = this.#changed[(count + i) & (CHANGES_REMEMBERED - 1)] as number;
    return out;
  }

  column(resource: string): Column {
    let column = this.columns.get(resource);
    if (!column) {
      column = new Column();
      column.grow(this.#capacity);
      this.columns.set(resource, column);
    }
    return column;
  }

  domains(key: string): Domains {
    return this.#topology.domains(key, this.facts, this.#capacity);
  }

  /** How many of the selected pods are on each row. */
  counts(selection: Selection): Int32Array {
    return this.tallies.counts(selection);
  }

  #count({ podClass, demand, row }: Placed, sign: 1 | -1): void {
    this.tallies.count(podClass, demand, row, sign);
    if (demand.claims.length > 0) this.volumes.use(demand.claims, sign);
    const count = (this.#priorities.get(demand.priority) ?? 0) + sign;
    if (count > 0) this.#priorities.set(demand.priority, count);
    else this.#priorities.delete(demand.priority);
    this.charge(row, demand, sign);
  }

  #setFacts(row: number, facts: NodeFacts | undefined, node: Stored<Node> | undefined): void {
    this.facts[row] = facts;
    this.version[row] = (this.version[row] as number) + 1;
    this.#touch(row);
    this.#topology.set(row, facts);
    this.images.set(row, node);
  }

  /** Something that concerns room everywhere changed. */
  touchAll(): void {
    for (let row = 0; row < this.facts.length; row++) this.#touch(row);
  }

  #touch(row: number): void {
    this.changes[row] = (this.changes[row] as number) + 1;
    this.#changed[this.changeCount++ & (CHANGES_REMEMBERED - 1)] = row;
  }

  #rowOf(name: string): number {
    let row = this.#rows.get(name);
    if (row !== undefined) return row;
    row = this.#free.pop() ?? this.facts.length;
    if (row === this.facts.length) this.facts.push(undefined);
    this.#rows.set(name, row);
    this.#names[row] = name;
    if (row >= this.#capacity) this.#grow(this.#capacity * 2);
    this.contested[row] = this.nominations.stamp(name);
    return row;
  }

  /** A row without a node and without pods is free for the next node. */
  #release(row: number): void {
    if (this.facts[row] || (this.pods[row] as number) > 0) return;
    this.#rows.delete(this.#names[row] as string);
    this.#free.push(row);
  }

  #grow(rows: number): void {
    this.#capacity = rows;
    for (const column of this.columns.values()) column.grow(rows);
    this.pods = grown(this.pods, rows);
    this.podLimit = grown(this.podLimit, rows);
    this.nonzeroCpu = grown(this.nonzeroCpu, rows);
    this.nonzeroMemory = grown(this.nonzeroMemory, rows);
    this.version = grown(this.version, rows);
    this.changes = grown(this.changes, rows);
    this.contested = grown(this.contested, rows);
    this.tallies.grow(rows);
    this.#topology.grow(rows);
  }
}

function grown<T extends Float64Array | Int32Array | Uint32Array>(array: T, rows: number): T {
  const out = new (array.constructor as new (length: number) => T)(rows);
  out.set(array);
  return out;
}
