/** A view made of objects, for tests of reconcile functions: objects in, actions out. */
import type { ResourceRef } from '../api/resources.ts';
import type { ObjectMeta } from '../api/types/meta.v1.ts';
import { ResourceCache } from '../client/cache.ts';
import type { Cache, Input, Stored } from '../client/client.ts';
import { deepCopy, deepFreeze } from '../std/deep.ts';
import { seededRandom } from '../std/random.ts';
import type { Action, Controller, Outcome, View, WatchSpec } from './controller.ts';

export const NOW = Date.UTC(2026, 0, 1, 12);

/** One object with its kind. What the server would add is added where it is absent. */
export interface Item {
  readonly resource: ResourceRef<unknown>;
  readonly object: Stored<unknown>;
}

let made = 0;

export function item<T>(resource: ResourceRef<T>, object: Input<T>): Item & { readonly object: Stored<T> } {
  const { metadata } = object as { readonly metadata: { readonly name: string } };
  const defaults = { uid: `uid-${metadata.name}`, resourceVersion: String(++made), creationTimestamp: '2026-01-01T00:00:00Z', ...(resource.namespaced && { namespace: 'a' }) };
  return { resource: resource as ResourceRef<unknown>, object: deepFreeze(deepCopy({ ...object, metadata: { ...defaults, ...metadata } })) as unknown as Stored<T> };
}

export function viewOf(controller: Controller, items: readonly Item[]): View {
  const caches = new Map<string, ResourceCache<unknown>>();
  for (const spec of controller.watches as unknown as readonly WatchSpec[]) {
    const cache = new ResourceCache<unknown>(spec.indexes);
    for (const { resource, object } of items) if (resource === spec.resource) cache.put(object);
    caches.set(textOf(spec.resource), cache);
  }
  return {
    of<T>(resource: ResourceRef<T>): Cache<T> {
      const cache = caches.get(textOf(resource as ResourceRef<unknown>));
      if (!cache) throw new Error(`${controller.name} does not watch ${resource.resource}`);
      return cache as unknown as Cache<T>;
    },
  };
}

export function reconciled(controller: Controller, key: string, items: readonly Item[], now: number = NOW): Outcome {
  return controller.reconcile(key, viewOf(controller, items), { now, random: seededRandom(1) });
}

/** One line per action: `create pods a/web-…`, `update deployments/status a/web`. Sequences that go together are indented. */
export function shown(actions: readonly Action[]): string[] {
  return actions.flatMap((action): string[] => {
    switch (action.do) {
      case 'together':
        return action.sequences.flatMap((sequence) => shown(sequence).map((line) => `| ${line}`));
      case 'event':
        return [`${action.type} ${action.reason}: ${action.message}`];
      case 'confirm':
        return [`confirm ${kindOf(action)} ${action.namespace}`];
      case 'evict':
        return [`evict ${keyOf(action.key)}`];
      case 'patch':
        return [`patch ${kindOf(action)} ${keyOf(action.key)} ${JSON.stringify(action.patch.body)}`];
      case 'delete':
        return [`delete ${kindOf(action)} ${keyOf(action.key)}`];
      default: {
        const { namespace, name, generateName } = (action.object as { metadata: ObjectMeta }).metadata;
        const key = keyOf({ ...(namespace && { namespace }), name: name ?? `${generateName}*` });
        return [`${action.do} ${kindOf(action)} ${key}`, ...('announce' in action && action.announce ? shown([{ ...action.announce, message: action.announce.message + (name ?? `${generateName}*`) }]) : [])];
      }
    }
  });
}

function kindOf(action: { readonly resource: ResourceRef<unknown>; readonly subresource?: string }): string {
  return action.resource.resource + (action.subresource ? `/${action.subresource}` : '');
}

function keyOf({ namespace, name }: { readonly namespace?: string; readonly name: string }): string {
  return namespace ? `${namespace}/${name}` : name;
}

function textOf({ group, resource }: ResourceRef<unknown>): string {
  return `${resource}.${group}`;
}
