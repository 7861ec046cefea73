/** The history of a workload's template: ControllerRevisions, of which one is current. */
import { controllerrevisions, type ResourceRef } from '../api/resources.ts';
import type { Selector } from '../api/selectors.ts';
import type { ControllerRevision } from '../api/types/apps.v1.ts';
import type { PodTemplateSpec } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { deepEqual, type DeepReadonly } from '../std/deep.ts';
import { create, remove, update } from './actions.ts';
import type { Action, View } from './controller.ts';
import { canonical, templateHash } from './deployment/template.ts';
import { byOwner, claim, orphansOf, ownerReference } from './owners.ts';

export const REVISION_HASH = 'controller-revision-hash';
const HASH = 'controller.kubernetes.io/hash';

export type StoredRevision = Stored<ControllerRevision>;

export const revisionIndexes = { byOwner };

export interface Revised {
  readonly resource: ResourceRef<unknown>;
  readonly owner: Stored<unknown>;
  readonly selector: Selector;
  readonly template: DeepReadonly<PodTemplateSpec>;
  readonly collisionCount: number | undefined;
  /** Where the hash stands: pods of a DaemonSet carry it alone, those of a StatefulSet the revision's name. */
  readonly hashLabel: typeof REVISION_HASH | typeof HASH;
}

export interface History {
  /** The revision of the template as it is; `made` where it has yet to be written. */
  readonly current: { readonly name: string; readonly hash: string; readonly revision: number };
  readonly old: readonly StoredRevision[];
  readonly all: readonly StoredRevision[];
  readonly actions: readonly Action[];
  /** The name is taken by something else. */
  readonly collision: boolean;
}

export const DAEMON_HASH_LABEL = REVISION_HASH;
export const STATEFUL_HASH_LABEL = HASH;

export function historyOf(revised: Revised, view: View): History {
  const { resource, owner, selector, template, collisionCount, hashLabel } = revised;
  const cache = view.of(controllerrevisions);
  const { namespace } = owner.metadata;
  const candidates = [...cache.by('byOwner', owner.metadata.uid), ...cache.by('byOwner', orphansOf(namespace))];
  const { mine, actions: claims } = claim({ resource: controllerrevisions, ownerResource: resource, owner, selector, candidates });
  const data = { spec: { template: { ...template, $patch: 'replace' } } };
  const sorted = [...mine].sort((a, b) => a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1));
  const same = sorted.filter((revision) => deepEqual(revision.data, data));
  const old = sorted.filter((revision) => !same.includes(revision));
  const next = Math.max(0, ...old.map(({ revision }) => revision)) + 1;
  const known = same.at(-1);
  if (known) {
    const hash = known.metadata.labels?.[hashLabel] ?? known.metadata.name;
    const doubles = hashLabel === REVISION_HASH ? same.slice(0, -1).map((revision) => remove(controllerrevisions, revision)) : [];
    const renumbered = known.revision < next ? [update(controllerrevisions, { ...known, revision: next })] : [];
    return { current: { name: known.metadata.name, hash, revision: Math.max(known.revision, next) }, old, all: sorted, actions: [...claims, ...renumbered, ...doubles], collision: false };
  }
  const hash = templateHash(template, collisionCount);
  const name = `${owner.metadata.name.slice(0, MAX_NAME_LENGTH - 1 - hash.length)}-${hash}`;
  const { annotations } = owner.metadata as { readonly annotations?: Readonly<Record<string, string>> };
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const metadata = { name, namespace, labels, ...(annotations && { annotations: { ...annotations } }), ownerReferences: [ownerReference(resource, owner)] };
  const collision = cache.get({ namespace, name }) !== undefined;
  const actions = [...claims, ...(collision ? [] : [create(controllerrevisions, { metadata, data: inOrder(data), revision: next })])];
  return { current: { name, hash, revision: next }, old, all: sorted, actions, collision };
}

const MAX_NAME_LENGTH = 253;

/** kubectl compares the data's text with one that it writes itself, keys in order, to see whether there is anything to undo. */
function inOrder<T>(data: T): T {
  return JSON.parse(canonical(data)) as T;
}

/** Deletes the oldest revisions beyond the limit that nothing uses. */
export function trimHistory(old: readonly StoredRevision[], limit: number, isLive: (revision: StoredRevision) => boolean): Action[] {
  const unused = old.filter((revision) => !isLive(revision));
  return unused.slice(0, Math.max(0, Math.min(unused.length, old.length - limit))).map((revision) => remove(controllerrevisions, revision));
}
