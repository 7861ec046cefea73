/** The cluster as the scheduler sees it: nodes as columns of numbers, one row each, updated in place. One writer: the scheduler's shell. */
import type { Node, Pod, Taint } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { DeepReadonly } from '../std/deep.ts';
import { type Demand, amount, demandOf } from './demand.ts';

/** What filters read of a node besides its numbers. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly DeepReadonly<Taint>[];
  readonly unschedulable: boolean;
  readonly images: readonly string[];
}

const FIRST_ROWS = 64;

/** Numbers of one resource, a place for each row. */
export class Column {
  allocatable = new Float64Array(FIRST_ROWS);
  requested = new Float64Array(FIRST_ROWS);

  grow(rows: number): void {
    this.allocatable = grown(this.allocatable, rows);
    this.requested = grown(this.requested, rows);
  }
}

interface Placed {
  readonly row: number;
  readonly demand: Demand;
}

export class Snapshot {
  /** Undefined where a row is free, or where a node is only known by pods that name it. */
  readonly facts: (NodeFacts | undefined)[] = [];
  readonly columns = new Map<string, Column>();
  readonly ports: (Map<string, number> | undefined)[] = [];
  pods = new Int32Array(FIRST_ROWS);
  podLimit = new Int32Array(FIRST_ROWS);
  nonzeroCpu = new Float64Array(FIRST_ROWS);
  nonzeroMemory = new Float64Array(FIRST_ROWS);
  /** Moves whenever the facts of a row change: memoised results of static filters carry it. */
  version = new Uint32Array(FIRST_ROWS);
  nodeCount = 0;

  readonly #rows = new Map<string, number>();
  readonly #placed = new Map<string, Placed>();
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
    this.facts[row] = {
      name: node.metadata.name,
      labels: node.metadata.labels ?? {},
      taints: node.spec.taints ?? [],
      unschedulable: node.spec.unschedulable ?? false,
      images: (node.status?.images ?? []).flatMap((image) => image.names ?? []),
    };
    this.#bump(row);
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
    this.facts[row] = undefined;
    this.nodeCount--;
    this.#bump(row);
  }

  /** A pod that occupies a node: bound, or assumed to be. Replaces what was known of the same uid. */
  setPod(pod: Stored<Pod>, node: string, demand = demandOf(pod)): void {
    this.removePod(pod.metadata.uid);
    const row = this.#rowOf(node);
    this.#placed.set(pod.metadata.uid, { row, demand });
    this.#charge(row, demand, 1);
  }

  removePod(uid: string): void {
    const placed = this.#placed.get(uid);
    if (!placed) return;
    this.#placed.delete(uid);
    this.#charge(placed.row, placed.demand, -1);
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

  #charge(row: number, demand: Demand, sign: 1 | -1): void {
    for (const [resource, units] of demand.requests) {
      const { requested } = this.column(resource);
      requested[row] = (requested[row] as number) + sign * units;
    }
    this.nonzeroCpu[row] = (this.nonzeroCpu[row] as number) + sign * demand.nonzeroCpu;
    this.nonzeroMemory[row] = (this.nonzeroMemory[row] as number) + sign * demand.nonzeroMemory;
    this.pods[row] = (this.pods[row] as number) + sign;
    if (demand.ports.length > 0) this.#chargePorts(row, demand, sign);
  }

  #chargePorts(row: number, demand: Demand, sign: 1 | -1): void {
    const ports = (this.ports[row] ??= new Map<string, number>());
    for (const { protocol, ip, port } of demand.ports) {
      for (const key of new Set([portKey(protocol, ip, port), portKey(protocol, ANY_ADDRESS_OF_PORT, port)])) {
        const left = (ports.get(key) ?? 0) + sign;
        if (left > 0) ports.set(key, left);
        else ports.delete(key);
      }
    }
  }

  #rowOf(name: string): number {
    let row = this.#rows.get(name);
    if (row !== undefined) return row;
    row = this.facts.length;
    this.facts.push(undefined);
    this.#rows.set(name, row);
    if (row >= this.#capacity) this.#grow(this.#capacity * 2);
    return row;
  }

  #grow(rows: number): void {
    this.#capacity = rows;
    for (const column of this.columns.values()) column.grow(rows);
    this.pods = grown(this.pods, rows);
    this.podLimit = grown(this.podLimit, rows);
    this.nonzeroCpu = grown(this.nonzeroCpu, rows);
    this.nonzeroMemory = grown(this.nonzeroMemory, rows);
    this.version = grown(this.version, rows);
  }

  #bump(row: number): void {
    this.version[row] = (this.version[row] as number) + 1;
  }
}

/** Stands for "this port on any address at all" in the ports of a row. */
export const ANY_ADDRESS_OF_PORT = '*';

export function portKey(protocol: string, ip: string, port: number): string {
  return `${protocol}/${ip}/${port}`;
}

function grown<T extends Float64Array | Int32Array | Uint32Array>(array: T, rows: number): T {
  const out = new (array.constructor as new (length: number) => T)(rows);
  out.set(array);
  return out;
}
