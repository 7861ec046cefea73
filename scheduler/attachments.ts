/** How many volumes of each driver a node can hold, and what it holds. Follows the framework's NodeVolumeLimits. */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../api/types/core.v1.ts';
import type { CSINode, VolumeAttachment } from '../api/types/storage.v1.ts';
import type { Stored } from '../client/client.ts';
import { claimsOf } from './pod-claims.ts';

interface Handle {
  readonly driver: string;
  readonly handle: string;
}

export class Attachments {
  readonly #handleOf: (claim: string) => Handle | undefined;
  readonly #limits = new Map<string, ReadonlyMap<string, number>>();
  /** By node, what is attached there whether pods use it or not. */
  readonly #attached = new Map<string, Map<string, Handle>>();

  /** `handleOf`: the volume of a claim, by `namespace/name`. */
  constructor(handleOf: (claim: string) => Handle | undefined) {
    this.#handleOf = handleOf;
  }

  setLimits({ metadata, spec }: Stored<CSINode>): void {
    const limits = spec.drivers.flatMap(({ name, allocatable }) => (allocatable?.count === undefined ? [] : [[name, allocatable.count] as const]));
    if (limits.length > 0) this.#limits.set(metadata.name, new Map(limits));
    else this.#limits.delete(metadata.name);
  }

  removeLimits(node: string): void {
    this.#limits.delete(node);
  }

  set({ metadata, spec }: Stored<VolumeAttachment>, volume: Stored<PersistentVolume> | undefined): void {
    const handle = volume?.spec?.csi?.volumeHandle ?? spec.source.inlineVolumeSpec?.csi?.volumeHandle;
    if (handle === undefined) return;
    const there = this.#attached.get(spec.nodeName);
    if (there) there.set(metadata.name, { driver: spec.attacher, handle });
    else this.#attached.set(spec.nodeName, new Map([[metadata.name, { driver: spec.attacher, handle }]]));
  }

  remove({ metadata, spec }: Stored<VolumeAttachment>): void {
    const there = this.#attached.get(spec.nodeName);
    if (there?.delete(metadata.name) && there.size === 0) this.#attached.delete(spec.nodeName);
  }

  /** Whether the volumes of these claims would be more than the node can hold. */
  exceed(node: string, claims: readonly Stored<PersistentVolumeClaim>[], podsOn: (node: string) => Iterable<Stored<Pod>>): boolean {
    const limits = this.#limits.get(node);
    if (!limits || claims.length === 0) return false;
    const wanted = new Map<string, string>();
    for (const { metadata } of claims) this.#note(wanted, this.#handleOf(`${metadata.namespace}/${metadata.name}`));
    const held = new Map<string, string>();
    for (const pod of podsOn(node)) for (const { name } of claimsOf(pod)) this.#note(held, this.#handleOf(`${pod.metadata.namespace}/${name}`));
    for (const handle of held.keys()) wanted.delete(handle);
    for (const one of this.#attached.get(node)?.values() ?? []) this.#note(held, one);
    for (const [driver, most] of limits) {
      const more = count(wanted, driver);
      if (more > 0 && count(held, driver) + more > most) return true;
    }
    return false;
  }

  #note(into: Map<string, string>, one: Handle | undefined): void {
    if (one) into.set(`${one.driver}/${one.handle}`, one.driver);
  }
}

function count(volumes: ReadonlyMap<string, string>, driver: string): number {
  let sum = 0;
  for (const of of volumes.values()) if (of === driver) sum++;
  return sum;
}
