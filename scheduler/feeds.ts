/** Keeps the snapshot's smaller facts in step with the server: namespaces, owners, Services, volumes and budgets. */
import { csidrivers, csinodes, csistoragecapacities, deviceclasses, namespaces, persistentvolumeclaims, persistentvolumes, poddisruptionbudgets, replicasets, replicationcontrollers, resourceclaims, resourceslices, services, statefulsets, storageclasses, volumeattachments } from '../api/resources.ts';
import type { ResourceRef } from '../api/resources.ts';
import type { Client, Informer, Stored } from '../client/client.ts';
import { type InformerTools, openInformer } from '../client/informer.ts';
import type { DefaultSelectors } from './default-selectors.ts';
import type { Snapshot } from './snapshot.ts';

export interface Feeds {
  readonly synced: Promise<void>;
  stop(): void;
}

export interface FeedOptions {
  readonly client: Client;
  readonly tools: InformerTools;
  readonly snapshot: Snapshot;
  /** Something changed that may help pods which these filters refused. */
  readonly onChange: (plugins: readonly string[]) => void;
}

const OF_DEVICES = ['DynamicResources'];
const OF_VOLUMES = ['VolumeBinding', 'VolumeZone', 'VolumeRestrictions', 'NodeVolumeLimits'];

export function openFeeds({ client, tools, snapshot, onChange }: FeedOptions): Feeds {
  const open: Informer<never>[] = [];
  const feed = <T>(resource: ResourceRef<T>, plugins: readonly string[], apply: { readonly set: (object: Stored<T>) => void; readonly remove: (object: Stored<T>) => void }): Promise<void> => {
    const informer = openInformer(client, resource, {}, tools);
    open.push(informer as unknown as Informer<never>);
    // Subscribed at once: the whole first picture arrives before `synced` resolves.
    informer.subscribe(({ type, object }) => {
      if (type === 'deleted') apply.remove(object);
      else apply.set(object);
      if (plugins.length > 0) onChange(plugins);
    });
    return informer.synced();
  };
  const { volumes, devices, budgets, tallies, defaultSelectors } = snapshot;
  const synced = Promise.all([
    feed(namespaces, ['InterPodAffinity'], {
      set: ({ metadata }) => tallies.setNamespace(metadata.name, metadata.labels ?? {}),
      remove: ({ metadata }) => tallies.setNamespace(metadata.name, undefined),
    }),
    feed(persistentvolumeclaims, OF_VOLUMES, { set: (claim) => volumes.setClaim(claim), remove: (claim) => volumes.removeClaim(claim) }),
    feed(persistentvolumes, OF_VOLUMES, { set: (volume) => volumes.setVolume(volume), remove: ({ metadata }) => volumes.removeVolume(metadata.name) }),
    feed(storageclasses, OF_VOLUMES, { set: (one) => volumes.setClass(one), remove: ({ metadata }) => volumes.removeClass(metadata.name) }),
    feed(csidrivers, OF_VOLUMES, { set: (driver) => volumes.setDriver(driver), remove: ({ metadata }) => volumes.removeDriver(metadata.name) }),
    feed(csistoragecapacities, OF_VOLUMES, { set: (one) => volumes.setCapacity(one), remove: (one) => volumes.removeCapacity(one) }),
    feed(csinodes, OF_VOLUMES, { set: (node) => volumes.setNodeLimits(node), remove: ({ metadata }) => volumes.removeNodeLimits(metadata.name) }),
    feed(volumeattachments, OF_VOLUMES, { set: (one) => volumes.setAttachment(one), remove: (one) => volumes.removeAttachment(one) }),
    feed(resourceclaims, OF_DEVICES, { set: (claim) => devices.setClaim(claim), remove: (claim) => devices.removeClaim(claim) }),
    feed(resourceslices, OF_DEVICES, { set: (slice) => devices.setSlice(slice), remove: ({ metadata }) => devices.removeSlice(metadata.name) }),
    feed(deviceclasses, OF_DEVICES, { set: (one) => devices.setClass(one), remove: ({ metadata }) => devices.removeClass(metadata.name) }),
    feed(poddisruptionbudgets, [], { set: (budget) => budgets.set(budget), remove: ({ metadata }) => budgets.remove(metadata.uid) }),
    feed(services, [], {
      set: ({ metadata, spec }) => defaultSelectors.setService(metadata.namespace, metadata.name, spec?.selector),
      remove: ({ metadata }) => defaultSelectors.setService(metadata.namespace, metadata.name, undefined),
    }),
    feed(replicasets, [], owners(defaultSelectors, 'ReplicaSet')),
    feed(statefulsets, [], owners(defaultSelectors, 'StatefulSet')),
    feed(replicationcontrollers, [], {
      set: ({ metadata, spec }) => defaultSelectors.setOwner('ReplicationController', metadata, spec?.selector && { matchLabels: spec.selector }),
      remove: ({ metadata }) => defaultSelectors.setOwner('ReplicationController', metadata, undefined),
    }),
  ]);
  return {
    synced: synced.then(() => undefined),
    stop: () => {
      for (const informer of open) informer.stop();
    },
  };
}

interface Owner {
  readonly spec?: { readonly selector?: { readonly matchLabels?: Record<string, string> } };
}

function owners(selectors: DefaultSelectors, kind: 'ReplicaSet' | 'StatefulSet'): { set: (object: Stored<Owner>) => void; remove: (object: Stored<Owner>) => void } {
  return {
    set: ({ metadata, spec }) => selectors.setOwner(kind, metadata, spec?.selector),
    remove: ({ metadata }) => selectors.setOwner(kind, metadata, undefined),
  };
}
