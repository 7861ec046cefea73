/** Keeps the snapshot's smaller facts in step with the server: namespaces, owners, Services, volumes and budgets. */
import { csidrivers, csinodes, csistoragecapacities, deviceclasses, namespaces, persistentvolumeclaims, persistentvolumes, poddisruptionbudgets, replicasets, replicationcontrollers, resourceclaims, resourceslices, services, statefulsets, storageclasses, volumeattachments } from '../api/resources.ts';
import type { ResourceRef } from '../api/resources.ts';
import type { Client, Informer, Stored } from '../client/client.ts';
import { type InformerTools, openInformer } from '../client/informer.ts';
import type { DefaultSelectors } from './default-selectors.ts';
import { type Hints, type HintsOf, capacityHints, claimHints, classHints, csiNodeHints, detachedHints, deviceClaimHints, deviceClassHints, deviceHints, driverHints, volumeHints } from './object-hints.ts';
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
  readonly onChange: (hints: Hints) => void;
}

interface Feed<T> {
  readonly set: (object: Stored<T>) => void;
  readonly remove: (object: Stored<T>) => void;
  /** Whom it helps that an object is new or changed, and that one is gone. Default: nobody. */
  readonly helps?: HintsOf<T>;
  readonly gone?: Hints;
}

/** Namespaces that a pod's terms select may be others than before. */
const OF_NAMESPACES: Hints = new Map([['InterPodAffinity', () => true]]);

export function openFeeds({ client, tools, snapshot, onChange }: FeedOptions): Feeds {
  const open: Informer<never>[] = [];
  const feed = <T>(resource: ResourceRef<T>, { set, remove, helps, gone }: Feed<T>): Promise<void> => {
    const informer = openInformer(client, resource, {}, tools);
    open.push(informer as unknown as Informer<never>);
    // Subscribed at once: the whole first picture arrives before `synced` resolves.
    informer.subscribe((event) => {
      const { type, object } = event;
      if (type === 'deleted') remove(object);
      else set(object);
      const hints = type === 'deleted' ? gone : helps?.(object, type === 'updated' ? event.previous : undefined);
      if (hints && hints.size > 0) onChange(hints);
    });
    return informer.synced();
  };
  const { volumes, devices, budgets, tallies, defaultSelectors } = snapshot;
  const synced = Promise.all([
    feed(namespaces, {
      helps: () => OF_NAMESPACES,
      gone: OF_NAMESPACES,
      set: ({ metadata }) => tallies.setNamespace(metadata.name, metadata.labels ?? {}),
      remove: ({ metadata }) => tallies.setNamespace(metadata.name, undefined),
    }),
    feed(persistentvolumeclaims, { helps: claimHints, set: (claim) => volumes.setClaim(claim), remove: (claim) => volumes.removeClaim(claim) }),
    feed(persistentvolumes, { helps: volumeHints, set: (volume) => volumes.setVolume(volume), remove: ({ metadata }) => volumes.removeVolume(metadata.name) }),
    feed(storageclasses, { helps: classHints, set: (one) => volumes.setClass(one), remove: ({ metadata }) => volumes.removeClass(metadata.name) }),
    feed(csidrivers, { helps: driverHints, set: (driver) => volumes.setDriver(driver), remove: ({ metadata }) => volumes.removeDriver(metadata.name) }),
    feed(csistoragecapacities, { helps: capacityHints, set: (one) => volumes.setCapacity(one), remove: (one) => volumes.removeCapacity(one) }),
    feed(csinodes, { helps: csiNodeHints, set: (node) => volumes.setNodeLimits(node), remove: ({ metadata }) => volumes.removeNodeLimits(metadata.name) }),
    feed(volumeattachments, { gone: detachedHints, set: (one) => volumes.setAttachment(one), remove: (one) => volumes.removeAttachment(one) }),
    feed(resourceclaims, { helps: deviceClaimHints, set: (claim) => devices.setClaim(claim), remove: (claim) => devices.removeClaim(claim) }),
    feed(resourceslices, { helps: deviceHints, set: (slice) => devices.setSlice(slice), remove: ({ metadata }) => devices.removeSlice(metadata.name) }),
    feed(deviceclasses, {
      helps: deviceClassHints,
      set: (one) => {
        devices.setClass(one);
        snapshot.touchAll();
      },
      remove: ({ metadata }) => {
        devices.removeClass(metadata.name);
        snapshot.touchAll();
      },
    }),
    feed(poddisruptionbudgets, { set: (budget) => budgets.set(budget), remove: ({ metadata }) => budgets.remove(metadata.uid) }),
    feed(services, {
      set: ({ metadata, spec }) => defaultSelectors.setService(metadata.namespace, metadata.name, spec?.selector),
      remove: ({ metadata }) => defaultSelectors.setService(metadata.namespace, metadata.name, undefined),
    }),
    feed(replicasets, owners(defaultSelectors, 'ReplicaSet')),
    feed(statefulsets, owners(defaultSelectors, 'StatefulSet')),
    feed(replicationcontrollers, {
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
