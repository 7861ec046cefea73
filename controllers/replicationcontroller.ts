/** The ReplicationController controller: what ReplicaSets were before they had selectors with expressions. */
import { replicationcontrollers, type ResourceRef } from '../api/resources.ts';
import type { ReplicaSet } from '../api/types/apps.v1.ts';
import type { ReplicationController } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Controller } from './controller.ts';
import { replicaController } from './replicaset.ts';

export const replicationController: Controller = {
  name: 'replicationcontroller-controller',
  account: 'replication-controller',
  ...replicaController({ resource: replicationcontrollers as ResourceRef<unknown>, asSet, countsTerminating: false }),
};

/** Made once per stored object, so that what is remembered for it stays good. */
const sets = new WeakMap<object, Stored<ReplicaSet>>();

function asSet(object: Stored<unknown>): Stored<ReplicaSet> {
  let set = sets.get(object);
  if (!set) {
    const { spec } = object as Stored<ReplicationController>;
    set = { ...object, spec: { ...spec, selector: { matchLabels: spec?.selector ?? {} } } } as unknown as Stored<ReplicaSet>;
    sets.set(object, set);
  }
  return set;
}
