/** Who depends on whom, for all objects of a cluster: one writer (the informers' events), and what each change makes worth a look. */
import type { OwnerReference } from '../../api/types/meta.v1.ts';
import type { CacheEvent, Stored } from '../../client/client.ts';
import { deepEqual, type DeepReadonly } from '../../std/deep.ts';
import type { AnyRef } from '../served.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

export type Owner = DeepReadonly<OwnerReference>;

export interface Node {
  readonly resource: AnyRef;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly owners: readonly Owner[];
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
}

/** What a change makes worth a look: whether something should go, or whether its dependents should be let go. */
export interface Look {
  readonly what: 'delete' | 'orphan';
  readonly uid: string;
}

export class Graph {
  readonly #nodes = new Map<string, Node>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): Node | undefined {
    return this.#nodes.get(uid);
  }

  dependents(uid: string): Node[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  /** Dependents that an owner in foreground deletion has to wait for. */
  blocking(uid: string): Node[] {
    return this.dependents(uid).filter(({ owners }) => owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion));
  }

  observe(resource: AnyRef, event: CacheEvent<unknown>): Look[] {
    return event.type === 'deleted' ? this.#remove(event.object.metadata.uid) : this.#put(nodeOf(resource, event.object));
  }

  #put(node: Node): Look[] {
    const before = this.#nodes.get(node.uid);
    this.#nodes.set(node.uid, node);
    const looks: Look[] = [];
    if (!before || !deepEqual(before.owners, node.owners)) {
      for (const owner of before?.owners ?? []) this.#unlink(owner.uid, node.uid);
      for (const owner of node.owners) this.#link(owner.uid, node.uid);
      if (this.#isWorthALook(before, node)) looks.push({ what: 'delete', uid: node.uid });
      // An owner that waited for this dependent may wait for it no longer.
      for (const owner of before?.owners ?? []) if (isWaiting(this.#nodes.get(owner.uid))) looks.push({ what: 'delete', uid: owner.uid });
    }
    if (isWaiting(node) && !isWaiting(before)) {
      looks.push(...this.dependents(node.uid).map(({ uid }): Look => ({ what: 'delete', uid })), { what: 'delete', uid: node.uid });
    }
    if (isOrphaning(node) && !isOrphaning(before)) looks.push({ what: 'orphan', uid: node.uid });
    return looks;
  }

  /** An owner that is not known may not be there; one that is on its way out takes its dependents along. */
  #isWorthALook(before: Node | undefined, node: Node): boolean {
    if (before) return true;
    return node.owners.some((reference) => {
      const owner = this.#nodes.get(reference.uid);
      return !owner || owner.deleting || !isMeant(reference, owner) || (owner.resource.namespaced && owner.namespace !== node.namespace);
    });
  }

  #remove(uid: string): Look[] {
    const node = this.#nodes.get(uid);
    if (!node) return [];
    this.#nodes.delete(uid);
    for (const owner of node.owners) this.#unlink(owner.uid, uid);
    const waiting = node.owners.filter((owner) => isWaiting(this.#nodes.get(owner.uid)));
    return [...this.dependents(uid), ...waiting].map((other): Look => ({ what: 'delete', uid: other.uid }));
  }

  #link(owner: string, dependent: string): void {
    const known = this.#dependents.get(owner);
    if (known) known.add(dependent);
    else this.#dependents.set(owner, new Set([dependent]));
  }

  #unlink(owner: string, dependent: string): void {
    const known = this.#dependents.get(owner);
    known?.delete(dependent);
    if (known?.size === 0) this.#dependents.delete(owner);
  }
}

export function nodeOf(resource: AnyRef, { metadata }: Stored<unknown>): Node {
  const { ownerReferences = [], deletionTimestamp, finalizers = [] } = metadata as {
    readonly ownerReferences?: readonly Owner[];
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
  };
  return { resource, namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid, owners: ownerReferences, deleting: deletionTimestamp !== undefined, finalizers };
}

/** A reference is to a kind and a name as well: one that has only the uid right is to something that is not there. */
export function isMeant({ apiVersion, kind, name }: Owner, { resource, name: known }: Node): boolean {
  return name === known && kind === resource.kind && groupOf(apiVersion) === resource.group;
}

export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** Deleted in the foreground: it stays until its dependents have gone. */
export function isWaiting(node: Node | undefined): boolean {
  return node !== undefined && node.deleting && node.finalizers.includes(FOREGROUND);
}

function isOrphaning(node: Node | undefined): boolean {
  return node !== undefined && node.deleting && node.finalizers.includes(ORPHAN);
}
