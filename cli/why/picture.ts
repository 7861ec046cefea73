/** What `coracle why` looks at: the objects of one namespace, and of the cluster what decides where pods go. */
import * as resources from '../../api/resources.ts';
import type { ResourceRef } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { Deployment, ReplicaSet, StatefulSet } from '../../api/types/apps.v1.ts';
import type { ConfigMap, Event, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, ResourceQuota, Secret, Service } from '../../api/types/core.v1.ts';
import type { EndpointSlice } from '../../api/types/discovery.v1.ts';
import type { NetworkPolicy } from '../../api/types/networking.v1.ts';
import type { PodDisruptionBudget } from '../../api/types/policy.v1.ts';
import type { StorageClass } from '../../api/types/storage.v1.ts';
import type { Client, Stored } from '../../client/client.ts';

export interface Picture {
  readonly now: number;
  readonly namespace: string;
  /** Of the whole cluster: they share the nodes. */
  readonly pods: readonly Stored<Pod>[];
  readonly nodes: readonly Stored<Node>[];
  readonly namespaces: readonly Stored<Namespace>[];
  readonly volumes: readonly Stored<PersistentVolume>[];
  readonly classes: readonly Stored<StorageClass>[];
  readonly budgets: readonly Stored<PodDisruptionBudget>[];
  readonly claims: readonly Stored<PersistentVolumeClaim>[];
  /** Of the namespace. */
  readonly events: readonly Stored<Event>[];
  readonly services: readonly Stored<Service>[];
  readonly slices: readonly Stored<EndpointSlice>[];
  readonly policies: readonly Stored<NetworkPolicy>[];
  readonly deployments: readonly Stored<Deployment>[];
  readonly replicaSets: readonly Stored<ReplicaSet>[];
  readonly statefulSets: readonly Stored<StatefulSet>[];
  readonly replicationControllers: readonly Stored<ReplicationController>[];
  readonly quotas: readonly Stored<ResourceQuota>[];
  /** Names only; undefined where they may not be read. */
  readonly configMaps: ReadonlySet<string> | undefined;
  readonly secrets: ReadonlySet<string> | undefined;
}

export async function takePicture(client: Client, namespace: string, now: number): Promise<Picture> {
  const all = async <T>(resource: ResourceRef<T>): Promise<readonly Stored<T>[]> => (await client.list(resource)).items;
  const here = async <T>(resource: ResourceRef<T>): Promise<readonly Stored<T>[]> => (await client.list(resource, { namespace })).items;
  const names = async <T>(resource: ResourceRef<T>): Promise<ReadonlySet<string> | undefined> => {
    try {
      return new Set((await client.list(resource, { namespace, metadataOnly: true })).items.map(({ metadata }) => metadata.name));
    } catch (error) {
      if (isReason(error, 'Forbidden')) return undefined;
      throw error;
    }
  };
  const [pods, nodes, namespaces, volumes, classes, budgets, claims] = await Promise.all([
    all(resources.pods),
    all(resources.nodes),
    all(resources.namespaces),
    all(resources.persistentvolumes),
    all(resources.storageclasses),
    all(resources.poddisruptionbudgets),
    all(resources.persistentvolumeclaims),
  ]);
  const [events, services, slices, policies, deployments, replicaSets, statefulSets, replicationControllers, quotas] = await Promise.all([
    here(resources.events),
    here(resources.services),
    here(resources.endpointslices),
    here(resources.networkpolicies),
    here(resources.deployments),
    here(resources.replicasets),
    here(resources.statefulsets),
    here(resources.replicationcontrollers),
    here(resources.resourcequotas),
  ]);
  const [configMaps, secrets] = await Promise.all([names<ConfigMap>(resources.configmaps), names<Secret>(resources.secrets)]);
  return { now, namespace, pods, nodes, namespaces, volumes, classes, budgets, claims, events, services, slices, policies, deployments, replicaSets, statefulSets, replicationControllers, quotas, configMaps, secrets };
}

/** What was said of an object, the latest last. */
export function eventsOf({ events }: Picture, uid: string): readonly Stored<Event>[] {
  return events.filter(({ involvedObject }) => involvedObject?.uid === uid).toSorted((a, b) => timeOf(a) - timeOf(b));
}

function timeOf({ lastTimestamp, eventTime, metadata, series }: Stored<Event>): number {
  return Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp) || 0;
}
