/** The quota controller: keeps account of what a namespace uses. Admission counts up as things are made; this sets it right. */
import { deviceclasses, persistentvolumeclaims, pods, resourceclaims, resourcequotas, services, type ResourceRef } from '../api/resources.ts';
import { compareQuantities, parseQuantity, zeroQuantity, quantityOf, type Quantity } from '../api/quantity.ts';
import { plus } from '../api/quota/amounts.ts';
import type { ClaimSurroundings } from '../api/quota/device-claims.ts';
import { evaluatorOf, scopesOf } from '../api/quota/usage.ts';
import type { PersistentVolumeClaim } from '../api/types/core.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { deepEqual } from '../std/deep.ts';
import { update } from './actions.ts';
import { watch, type Controller, type FreeController, type Key, type View } from './controller.ts';
import { isDone, type StoredPod } from './pods.ts';
import { CustomCounts } from './quota/custom-counts.ts';
import { masked, usageOfAll, type Quota } from './quota/usage.ts';
import { runController } from './run.ts';
import { builtinResources, resourceText, type AnyRef } from './served.ts';

export interface ResourceQuotaOptions {
  /** How often a quota is counted anew, whatever happens. */
  readonly syncPeriodMs?: number;
  /** How many objects there are of a custom resource, `boats.example.com`; undefined: nobody knows. */
  readonly countCustom?: (resource: string, namespace: string) => number | undefined;
}

/** It is no reconcile function alone because custom resources, which quotas count too, come and go with definitions. */
export function resourceQuotas(options: ResourceQuotaOptions = {}): FreeController {
  return {
    name: 'resourcequota-controller',
    run(tools, signal) {
      const custom = new CustomCounts(tools);
      const controller = resourceQuotaController({ ...options, countCustom: (resource, namespace) => custom.count(resource, namespace) });
      return runController(controller, { ...tools, alsoFollow: custom.follow }, signal);
    },
  };
}

const RESYNC_MS = 300_000;
/** A lower count must last so long before it is believed: what admission has just counted may be on its way here. */
const SETTLE_MS = 500;

const FULL = new Set(['pods', 'services', 'persistentvolumeclaims', 'resourceclaims.resource.k8s.io', 'resourcequotas', 'events']);
const COUNTED: readonly AnyRef[] = builtinResources.filter((resource) => resource.namespaced && !FULL.has(resourceText(resource)));
/** Older names of counts. */
const OWN_NAMES = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas']);

/** It remembers since when a count has been lower than what admission says. */
export function resourceQuotaController({ syncPeriodMs = RESYNC_MS, countCustom = () => undefined }: ResourceQuotaOptions = {}): Controller {
  const lower = new Map<Key, number>();
  return {
    name: 'resourcequota-controller',
    watches: [
      // What admission notes, and what somebody writes over it, stands until something is counted anew.
      watch({ resource: resourcequotas, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`], matters: (a, b) => !deepEqual(a.spec, b.spec) }),
      watch({ resource: pods, keys: quotasOf, matters: podMatters }),
      watch({ resource: services, keys: quotasOf, matters: (a, b) => !deepEqual(a.spec, b.spec) }),
      watch({ resource: persistentvolumeclaims, keys: quotasOf, matters: (a, b) => !deepEqual(a.spec, b.spec) || !deepEqual(counted(a), counted(b)) }),
      watch({ resource: resourceclaims, keys: quotasOf, matters: (a, b) => !deepEqual(a.spec, b.spec) }),
      // Which resources a class stands for; upstream counts nothing anew when that changes, either.
      watch({ resource: deviceclasses, keys: () => [] }),
      ...COUNTED.map((resource) => watch({ resource, selection: { metadataOnly: true }, keys: quotasOf, matters: () => false })),
    ],
    reconcile(key, view, { now }) {
      const quota = view.of(resourcequotas).get(parseKey(key));
      if (!quota) {
        lower.delete(key);
        return { actions: [] };
      }
      const hard = quota.spec?.hard ?? {};
      const used = usageOf(quota, { view, now, countCustom });
      const next = { hard: { ...hard }, used };
      if (deepEqual(quota.status ?? {}, next)) {
        lower.delete(key);
        return { actions: [], requeueAfterMs: syncPeriodMs };
      }
      const since = lower.get(key) ?? now;
      if (isLower(used, quota.status?.used ?? {})) {
        lower.set(key, since);
        if (now < since + SETTLE_MS) return { actions: [], requeueAfterMs: since + SETTLE_MS - now };
      }
      lower.delete(key);
      return { actions: [update(resourcequotas, { ...quota, status: next }, 'status')], requeueAfterMs: syncPeriodMs };
    },
  };
}

/** What of a claim's status is counted, or puts it into a scope. */
function counted({ status }: Stored<PersistentVolumeClaim>): unknown {
  return [status?.allocatedResources, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName];
}

/** What a pod takes, or which scopes it is in, may have changed. */
function podMatters(a: StoredPod, b: StoredPod): boolean {
  return isDone(a) !== isDone(b) || a.spec?.activeDeadlineSeconds !== b.spec?.activeDeadlineSeconds || !deepEqual(a.spec?.containers, b.spec?.containers) || !deepEqual(held(a), held(b));
}

/** What containers have while they are resized. */
function held({ status }: StoredPod): unknown {
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map(({ name, resources }) => [name, resources]);
}

function quotasOf({ metadata }: Stored<unknown>, view: View): string[] {
  return view.of(resourcequotas).list(metadata.namespace).map((quota) => `${metadata.namespace}/${quota.metadata.name}`);
}

interface Counting {
  readonly view: View;
  readonly now: number;
  readonly countCustom: NonNullable<ResourceQuotaOptions['countCustom']>;
}

function usageOf(quota: Quota, { view, now, countCustom }: Counting): Record<string, string> {
  const { namespace } = quota.metadata;
  const hard = quota.spec?.hard ?? {};
  const around = surroundings(view, namespace);
  const used = MEASURED.map((resource) =>
    usageOfAll(quota, { group: resource.group, resource: resource.resource, objects: view.of(resource).list(namespace), around }, now),
  );
  for (const resource of [...COUNTED, resourcequotas as AnyRef]) {
    const names = [`count/${resourceText(resource)}`, ...(OWN_NAMES.has(resource.resource) ? [resource.resource] : [])].filter((name) => hard[name] !== undefined);
    if (names.length === 0 || scopesOf(quota).length > 0) continue;
    const count = quantityOf(view.of(resource as ResourceRef<unknown>).list(namespace).length);
    used.push(Object.fromEntries(names.map((name) => [name, count])));
  }
  const custom = scopesOf(quota).length > 0 ? [] : customCounts(hard, (resource) => countCustom(resource, namespace));
  used.push(Object.fromEntries(custom));
  const counted = new Set(custom.map(([name]) => name));
  return masked(used.reduce(plus, {}), hard, (name) => counted.has(name) || isKnown(name, around));
}

function surroundings(view: View, namespace: string): ClaimSurroundings {
  return { classes: view.of(deviceclasses).list(), pod: (name) => view.of(pods).get({ namespace, name }), claims: () => view.of(resourceclaims).list(namespace) };
}

function customCounts(hard: Readonly<Record<string, string>>, count: (resource: string) => number | undefined): [string, Quantity][] {
  return Object.keys(hard).flatMap((name): [string, Quantity][] => {
    const found = name.startsWith('count/') && !COUNTS.has(name) ? count(name.slice('count/'.length)) : undefined;
    return found === undefined ? [] : [[name, quantityOf(found)]];
  });
}

const COUNTS = new Set([...COUNTED, ...builtinResources.filter((resource) => FULL.has(resourceText(resource)))].map((resource) => `count/${resourceText(resource)}`));

/** Whose objects take more than their number. */
const MEASURED: readonly ResourceRef<unknown>[] = [pods, services, persistentvolumeclaims, resourceclaims];

/** Whether there is somebody who can tell how much of it is used. */
function isKnown(name: string, around: ClaimSurroundings): boolean {
  return COUNTS.has(name) || OWN_NAMES.has(name) || MEASURED.some(({ group, resource }) => evaluatorOf(group, resource, around).concerns(name));
}

function isLower(next: Readonly<Record<string, string>>, known: Readonly<Record<string, string>>): boolean {
  return Object.entries(known).some(([name, text]) => next[name] !== undefined && compareQuantities(parseQuantity(next[name]) ?? zeroQuantity, parseQuantity(text) ?? zeroQuantity) < 0);
}
