/** Who owns whom: controller references, and which objects a controller takes up or lets go. */
import type { ResourceRef } from '../api/resources.ts';
import { compileLabelSelector, matchesLabels, type Selector } from '../api/selectors.ts';
import type { LabelSelector, OwnerReference } from '../api/types/meta.v1.ts';
import type { Stored } from '../client/client.ts';
import { apiVersionOf } from '../client/open-client.ts';
import type { DeepReadonly } from '../std/deep.ts';
import { patch } from './actions.ts';
import type { Action } from './controller.ts';

interface Meta {
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly DeepReadonly<OwnerReference>[];
}

export function controllerOf(object: { readonly metadata: object }): DeepReadonly<OwnerReference> | undefined {
  return (object.metadata as Meta).ownerReferences?.find(({ controller }) => controller === true);
}

export function ownerReference<T>(resource: ResourceRef<T>, owner: Stored<unknown>): OwnerReference {
  const { name, uid } = owner.metadata;
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** The key of the object that controls this one, if it is of the kind. */
export function controllerKeys(kind: string, object: Stored<unknown>): string[] {
  const owner = controllerOf(object);
  return owner?.kind === kind ? [`${object.metadata.namespace}/${owner.name}`] : [];
}

/** Index: objects by the uid of what controls them; those without a controller under `ORPHANS` of their namespace. */
export function byOwner(object: Stored<unknown>): readonly string[] {
  return [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace)];
}

export function orphansOf(namespace: string): string {
  return `orphans/${namespace}`;
}

export interface Claim<T> {
  readonly mine: readonly Stored<T>[];
  readonly actions: readonly Action[];
}

/**
 * Which of the candidates belong to the owner: its own that the selector still matches, and orphans that it matches
 * (adopted). Its own that no longer match are released. An owner that is going away adopts and releases nothing.
 */
export function claim<T>(options: {
  readonly resource: ResourceRef<T>;
  readonly ownerResource: ResourceRef<unknown>;
  readonly owner: Stored<unknown>;
  readonly selector: Selector;
  readonly candidates: readonly Stored<T>[];
  /** What is adopted gets it, what is released loses it. */
  readonly finalizer?: string;
}): Claim<T> {
  const { resource, ownerResource, owner, selector, candidates, finalizer } = options;
  const leaving = isDeleting(owner);
  const mine: Stored<T>[] = [];
  const actions: Action[] = [];
  for (const object of candidates) {
    const controller = controllerOf(object);
    const matches = matchesLabels(selector, (object.metadata as Meta).labels);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches) mine.push(object);
      else if (!leaving) actions.push(patch(resource, object.metadata, { metadata: { uid: object.metadata.uid, ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }], ...(finalizer && { '$deleteFromPrimitiveList/finalizers': [finalizer] }) } }));
    } else if (matches && !leaving && !isDeleting(object)) {
      mine.push(object);
      actions.push(patch(resource, object.metadata, { metadata: { uid: object.metadata.uid, ownerReferences: [ownerReference(ownerResource, owner)], ...(finalizer && { finalizers: [finalizer] }) } }));
    }
  }
  return { mine, actions };
}

/** Compiled once per stored selector, which never changes. */
export function selectorOf(selector: DeepReadonly<LabelSelector> | undefined): Selector {
  if (!selector) return compileLabelSelector(undefined);
  let compiled = compiledSelectors.get(selector);
  if (!compiled) compiledSelectors.set(selector, (compiled = compileLabelSelector(selector as LabelSelector)));
  return compiled;
}

const compiledSelectors = new WeakMap<object, Selector>();

export function isDeleting(object: { readonly metadata: object }): boolean {
  return (object.metadata as Meta).deletionTimestamp !== undefined;
}
