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

const NOBODY: readonly Nominated[] = [];

export class Nominations {
  readonly #byUid = new Map<string, Nominated>();
  readonly #byNode = new Map<string, Map<string, Nominated>>();
  /** By node: moves with every change of who is nominated there. */
  readonly #stamps = new Map<string, number>();
  #changes = 0;

  get size(): number {
    return this.#byUid.size;
  }

  set(pod: Stored<Pod>, demand: Demand, node: string): void {
    const { uid } = pod.metadata;
    this.remove(uid);
    const nominated: Nominated = { pod, demand, node, sign: 1 };
    this.#byUid.set(uid, nominated);
    const there = this.#byNode.get(node);
    if (there) there.set(uid, nominated);
    else this.#byNode.set(node, new Map([[uid, nominated]]));
    this.#stamps.set(node, ++this.#changes);
  }

  remove(uid: string): void {
    const known = this.#byUid.get(uid);
    if (!known) return;
    this.#byUid.delete(uid);
    const there = this.#byNode.get(known.node);
    if (!there?.delete(uid)) return;
    if (there.size === 0) {
      this.#byNode.delete(known.node);
      this.#stamps.delete(known.node);
    } else this.#stamps.set(known.node, ++this.#changes);
  }

  any(node: string): boolean {
    return this.#byNode.has(node);
  }

  /** 0 where nobody is nominated. */
  stamp(node: string): number {
    return this.#stamps.get(node) ?? 0;
  }

  of(uid: string): string | undefined {
    return this.#byUid.get(uid)?.node;
  }

  /** Those on the node that this pod must leave room for. */
  before(node: string, uid: string, priority: number): readonly Nominated[] {
    let out: Nominated[] | undefined;
    for (const other of this.#byNode.get(node)?.values() ?? NOBODY) if (other.demand.priority >= priority && other.pod.metadata.uid !== uid) (out ??= []).push(other);
    return out ?? NOBODY;
  }

  /** Those on the node that must give way to a pod of this priority. */
  below(node: string, uid: string, priority: number): readonly Nominated[] {
    return this.on(node).filter((other) => other.pod.metadata.uid !== uid && other.demand.priority < priority);
  }

  on(node: string): readonly Nominated[] {
    const there = this.#byNode.get(node);
    return there ? [...there.values()] : NOBODY;
  }
}
