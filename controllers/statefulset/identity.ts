/** What makes a StatefulSet's pod that one: its ordinal, its names, its claims. */
import type { StatefulSet } from '../../api/types/apps.v1.ts';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from '../../api/types/core.v1.ts';
import type { OwnerReference } from '../../api/types/meta.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { REVISION_HASH, type StoredRevision } from '../revisions.ts';
import type { StoredPod } from '../pods.ts';

export type StoredStatefulSet = Stored<StatefulSet>;
export type StoredClaim = Stored<PersistentVolumeClaim>;

const POD_NAME = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX = 'apps.kubernetes.io/pod-index';

/** −1: not a pod of this set, whatever its owner says. */
export function ordinalOf(set: StoredStatefulSet, pod: { readonly metadata: { readonly name: string } }): number {
  const match = /^(.*)-([0-9]+)$/.exec(pod.metadata.name);
  return match && match[1] === set.metadata.name ? Number(match[2]) : -1;
}

export function podRevision(pod: StoredPod): string | undefined {
  return pod.metadata.labels?.[REVISION_HASH];
}

/** The template that a revision keeps. */
export function templateOf(revision: StoredRevision): DeepReadonly<PodTemplateSpec> {
  const { $patch: _, ...template } = (revision.data as { readonly spec: { readonly template: DeepReadonly<PodTemplateSpec> & { readonly $patch?: string } } }).spec.template;
  return template as DeepReadonly<PodTemplateSpec>;
}

export interface PodIdentity {
  readonly set: StoredStatefulSet;
  readonly ordinal: number;
  readonly template: DeepReadonly<PodTemplateSpec>;
  readonly revision: string;
  readonly owner: OwnerReference;
}

export function newPod({ set, ordinal, template, revision, owner }: PodIdentity): Pod & { metadata: { name: string } } {
  const { name, namespace } = set.metadata;
  const podName = `${name}-${ordinal}`;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const volumes = claimVolumes(set, ordinal);
  const spec = template.spec as DeepReadonly<NonNullable<Pod['spec']>>;
  const others = (spec.volumes ?? []).filter((volume) => !volumes.some((other) => other.name === volume.name));
  return {
    metadata: {
      name: podName,
      generateName: `${name}-`,
      namespace,
      labels: { ...labels, [POD_NAME]: podName, [POD_INDEX]: String(ordinal), [REVISION_HASH]: revision },
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
      ownerReferences: [owner],
    },
    spec: { ...spec, hostname: podName, subdomain: set.spec.serviceName, ...(volumes.length + others.length > 0 && { volumes: [...volumes, ...others] }) } as NonNullable<Pod['spec']>,
  };
}

/** Labels that a pod of this name must carry; undefined where it does. */
export function missingIdentity(pod: StoredPod, ordinal: number): Record<string, string> | undefined {
  return pod.metadata.labels?.[POD_NAME] === pod.metadata.name ? undefined : { [POD_NAME]: pod.metadata.name, [POD_INDEX]: String(ordinal) };
}

function claimVolumes(set: StoredStatefulSet, ordinal: number): Volume[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata: { name = '' } }) => ({ name, persistentVolumeClaim: { claimName: claimName(set, name, ordinal), readOnly: false } }));
}

export function claimName(set: StoredStatefulSet, template: string, ordinal: number): string {
  return `${template}-${set.metadata.name}-${ordinal}`;
}

/** The claims that a pod of this ordinal uses. */
export function claimsOf(set: StoredStatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { name = '', labels, annotations } = template.metadata;
    return {
      metadata: {
        name: claimName(set, name, ordinal),
        namespace: set.metadata.namespace,
        labels: { ...labels, ...set.spec.selector.matchLabels },
        ...(annotations && { annotations: { ...annotations } }),
      },
      spec: template.spec as NonNullable<PersistentVolumeClaim['spec']>,
    };
  });
}
