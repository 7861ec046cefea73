/** Which pods a pod belongs together with, told by what owns and serves it: what is spread when the pod itself does not say. */
import { type Selector, selectEverything, selectLabels } from '../api/selectors.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { LabelSelector } from '../api/types/meta.v1.ts';
import type { Stored } from '../client/client.ts';
import { type DeepReadonly, deepEqual } from '../std/deep.ts';
import { type Labels, compiled } from './terms.ts';

export type OwnerKind = 'ReplicaSet' | 'StatefulSet' | 'ReplicationController';

const API_VERSIONS: Readonly<Record<OwnerKind, string>> = { ReplicaSet: 'apps/v1', StatefulSet: 'apps/v1', ReplicationController: 'v1' };

export class DefaultSelectors {
  readonly #services = new Map<string, Map<string, Labels>>();
  readonly #owners = new Map<string, DeepReadonly<LabelSelector>>();

  /** A Service without a selector selects nothing. */
  setService(namespace: string, name: string, selector: Labels | undefined): void {
    let there = this.#services.get(namespace);
    if (!there) this.#services.set(namespace, (there = new Map()));
    if (selector && Object.keys(selector).length > 0) there.set(name, selector);
    else there.delete(name);
    if (there.size === 0) this.#services.delete(namespace);
  }

  setOwner(kind: OwnerKind, key: { readonly namespace: string; readonly name: string }, selector: DeepReadonly<LabelSelector> | undefined): void {
    const text = `${kind}/${key.namespace}/${key.name}`;
    if (!selector) this.#owners.delete(text);
    else if (!deepEqual(this.#owners.get(text), selector)) this.#owners.set(text, selector);
  }

  /** Undefined where nothing says what the pod belongs to. */
  of({ metadata }: Stored<Pod>): Selector | undefined {
    const labels = metadata.labels ?? {};
    let together: Labels = {};
    for (const selector of this.#services.get(metadata.namespace)?.values() ?? []) {
      if (Object.entries(selector).every(([key, value]) => labels[key] === value)) together = { ...together, ...selector };
    }
    const owner = metadata.ownerReferences?.find(({ controller }) => controller);
    const kind = owner && Object.hasOwn(API_VERSIONS, owner.kind) && API_VERSIONS[owner.kind as OwnerKind] === owner.apiVersion ? owner.kind : undefined;
    const owned = kind && this.#owners.get(`${kind}/${metadata.namespace}/${owner?.name}`);
    const requirements = [...selectLabels(together).requirements, ...(owned ? compiled(owned) : selectEverything).requirements];
    return requirements.length > 0 ? { requirements } : undefined;
  }
}
