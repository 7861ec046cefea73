/** Pods for which a node is being cleared: what they ask for is kept free from pods that are less important. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Demand } from './demand.ts';

export interface Nominated {
  readonly pod: Stored<Pod>;
  readonly demand: Demand;
  readonly node: string;
}

const NOBODY: readonly Nominated[] = [];

export class Nominations {
  readonly #byUid = new Map<string, Nominated>();
  readonly #byNode = new Map<string, Map<string, Nominated>>();

  get size(): number {
    return this.#byUid.size;
  }

  set(pod: Stored<Pod>, demand: Demand, node: string): void {
    const { uid } = pod.metadata;
    this.remove(uid);
    const nominated = { pod, demand, node };
    this.#byUid.set(uid, nominated);
    const there = this.#byNode.get(node);
    if (there) there.set(uid, nominated);
    else this.#byNode.set(node, new Map([[uid, nominated]]));
  }

  remove(uid: string): void {
    const known = this.#byUid.get(uid);
    if (!known) return;
    this.#byUid.delete(uid);
    const there = this.#byNode.get(known.node);
    if (there?.delete(uid) && there.size === 0) this.#byNode.delete(known.node);
  }

  of(uid: string): string | undefined {
    return this.#byUid.get(uid)?.node;
  }

  /** Those on the node that this pod must leave room for. */
  before(node: string, uid: string, priority: number): readonly Nominated[] {
    return this.#on(node, (other) => other.pod.metadata.uid !== uid && other.demand.priority >= priority);
  }

  /** Those on the node that must give way to a pod of this priority. */
  below(node: string, uid: string, priority: number): readonly Nominated[] {
    return this.#on(node, (other) => other.pod.metadata.uid !== uid && other.demand.priority < priority);
  }

  on(node: string): Nominated[] {
    return [...(this.#byNode.get(node)?.values() ?? [])];
  }

  #on(node: string, chosen: (one: Nominated) => boolean): readonly Nominated[] {
    const there = this.#byNode.get(node);
    if (!there) return NOBODY;
    const out: Nominated[] = [];
    for (const one of there.values()) if (chosen(one)) out.push(one);
    return out;
  }
}
