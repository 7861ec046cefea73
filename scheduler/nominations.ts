/** Pods for which a node is being cleared: what they ask for is kept free from pods that are less important. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Demand } from './demand.ts';

/** Counts on its node as a pod that comes. */
export interface Nominated {
  readonly pod: Stored<Pod>;
  readonly demand: Demand;
  readonly node: string;
  readonly sign: 1;
}

interface OnNode {
  readonly list: readonly Nominated[];
  /** Moves with every change of who is nominated there. */
  readonly stamp: number;
}

const NOBODY: readonly Nominated[] = [];

export class Nominations {
  readonly #byUid = new Map<string, Nominated>();
  readonly #byNode = new Map<string, OnNode>();
  readonly #onChange: (node: string, stamp: number) => void;
  #changes = 0;

  /** Told the new stamp of a node. */
  constructor(onChange: (node: string, stamp: number) => void = () => undefined) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#byUid.size;
  }

  set(pod: Stored<Pod>, demand: Demand, node: string): void {
    const { uid } = pod.metadata;
    this.remove(uid);
    const nominated: Nominated = { pod, demand, node, sign: 1 };
    this.#byUid.set(uid, nominated);
    this.#put(node, [...this.on(node), nominated]);
  }

  remove(uid: string): void {
    const known = this.#byUid.get(uid);
    if (!known) return;
    this.#byUid.delete(uid);
    this.#put(known.node, this.on(known.node).filter((one) => one !== known));
  }

  /** 0 where nobody is nominated. */
  stamp(node: string): number {
    return this.#byNode.get(node)?.stamp ?? 0;
  }

  of(uid: string): string | undefined {
    return this.#byUid.get(uid)?.node;
  }

  /** Those on the node that this pod must leave room for. */
  before(node: string, uid: string, priority: number): readonly Nominated[] {
    const list = this.#byNode.get(node)?.list;
    if (!list) return NOBODY;
    // Mostly all are, and the list need not be copied.
    for (const other of list) if (other.demand.priority < priority || other.pod.metadata.uid === uid) return list.filter((one) => one.demand.priority >= priority && one.pod.metadata.uid !== uid);
    return list;
  }

  /** Those on the node that must give way to a pod of this priority. */
  below(node: string, uid: string, priority: number): readonly Nominated[] {
    return this.on(node).filter((other) => other.pod.metadata.uid !== uid && other.demand.priority < priority);
  }

  on(node: string): readonly Nominated[] {
    return this.#byNode.get(node)?.list ?? NOBODY;
  }

  #put(node: string, list: readonly Nominated[]): void {
    if (list.length === 0) this.#byNode.delete(node);
    else this.#byNode.set(node, { list, stamp: ++this.#changes });
    this.#onChange(node, this.stamp(node));
  }
}
