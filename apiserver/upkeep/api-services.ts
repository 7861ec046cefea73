/** An APIService for every group and version that this server serves itself: what `kubectl get apiservices` shows. */
import { apiservices } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { APIService } from '../../api/types/apiregistration.v1.ts';
import { deepEqual } from '../../std/deep.ts';
import type { Stored } from '../auth/reader.ts';
import type { Core } from '../core.ts';
import { timestamp } from '../../api/timestamp.ts';
import { groupVersion } from '../registry/resource.ts';

const LABEL = 'kube-aggregator.kubernetes.io/automanaged';

/** The order of groups in clients' output, and of versions within them. Provenance: aggregator.go of kube-apiserver v1.36. */
const PRIORITIES: Readonly<Record<string, readonly [group: number, version: number]>> = {
  // No APIService stands for it, and yet it is the first.
  'apiregistration.k8s.io/v1': [20_000, 0], v1: [18_000, 1], 'apps/v1': [17_800, 15], 'events.k8s.io/v1': [17_750, 15], 'authentication.k8s.io/v1': [17_700, 15], 'authorization.k8s.io/v1': [17_600, 15],
  'autoscaling/v1': [17_500, 15], 'autoscaling/v2': [17_500, 30], 'batch/v1': [17_400, 15], 'certificates.k8s.io/v1': [17_300, 15],
  'networking.k8s.io/v1': [17_200, 15], 'policy/v1': [17_100, 15], 'rbac.authorization.k8s.io/v1': [17_000, 15], 'storage.k8s.io/v1': [16_800, 15],
  'apiextensions.k8s.io/v1': [16_700, 15], 'admissionregistration.k8s.io/v1': [16_700, 15], 'scheduling.k8s.io/v1': [16_600, 15],
  'coordination.k8s.io/v1': [16_500, 15], 'node.k8s.io/v1': [16_300, 15], 'discovery.k8s.io/v1': [16_200, 15], 'resource.k8s.io/v1': [16_200, 21],
  'flowcontrol.apiserver.k8s.io/v1': [16_100, 21],
};
const CUSTOM = [1000, 100] as const;

/** Where a group and a version stand that this server serves itself. */
export function prioritiesOf(group: string, version: string): readonly [group: number, version: number] {
  return PRIORITIES[groupVersion(group, version)] ?? CUSTOM;
}

/** Served by this server until somebody else does: an APIService that names a Service is theirs. */
const LENT = new Set(['v1beta1.metrics.k8s.io']);

/** Makes what is missing, and takes away what stood for something that is served no more. */
export async function syncApiServices(core: Core): Promise<void> {
  const { registry, reader, store } = core;
  const resource = registry.find(apiservices.group, apiservices.version, apiservices.resource);
  if (!resource) return;
  await resource.cache.fresh();
  const wanted = new Map<string, { group: string; version: string; custom: boolean }>();
  for (const { group, versions, custom } of registry.kinds) {
    // The aggregation API does not stand for itself.
    if (group === apiservices.group) continue;
    for (const { version } of versions) wanted.set(`${version}.${group}`, { group, version, custom: custom !== undefined });
  }
  const present = new Map(reader.list(apiservices).map((one) => [one.metadata.name, one]));
  const missing = [...wanted].filter(([name]) => !present.has(name));
  await Promise.all(missing.map(([name, one]) => unless('AlreadyExists', create(core, name, one))));
  for (const [name, one] of present) {
    const own = wanted.get(name);
    if (LENT.has(name) && one.spec?.service) continue;
    // What a definition stands behind is put right again.
    if (own?.custom && one.metadata.labels?.[LABEL] === 'true' && !deepEqual(one.spec, specOf(own))) {
      await unless('Conflict', core.writer.update(apiservices, { ...one, spec: specOf(own) } as never));
    }
    if (own || one.metadata.labels?.[LABEL] === undefined) continue;
    const key = resource.key('', name);
    const entry = await store.get(key);
    if (entry) await store.write(key, entry.revision, undefined).catch(() => undefined);
  }
}

function specOf({ group, version }: { readonly group: string; readonly version: string }): APIService['spec'] {
  const [groupPriorityMinimum, versionPriority] = prioritiesOf(group, version);
  return { ...(group && { group }), version, groupPriorityMinimum, versionPriority };
}

async function create({ writer, clock }: Core, name: string, { group, version, custom }: { group: string; version: string; custom: boolean }): Promise<void> {
  const apiVersion = groupVersion(apiservices.group, apiservices.version);
  const spec = specOf({ group, version });
  const metadata = { name, labels: { [LABEL]: custom ? 'true' : 'onstart' } };
  const made: Stored<APIService> = await writer.create(apiservices, { kind: 'APIService', apiVersion, metadata, spec });
  const available = { type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available', lastTransitionTime: timestamp(clock.now()) };
  await unless('Conflict', writer.update(apiservices, { ...made, status: { conditions: [available] } } as never, 'status'));
}

/** Another API server does the same. */
async function unless(reason: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isReason(error, reason)) throw error;
  }
}
