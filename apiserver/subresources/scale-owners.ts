/** Who owns replicas after a write to the Scale of an object: they are owned through the Scale, by the owner's name there. */
import { parentManagedFields, scaleManagedFields, type ReplicasPaths } from '../../api/apply/scale.ts';
import { serverSideApply } from '../../api/apply/server-side-apply.ts';
import { trackUpdate } from '../../api/apply/track-update.ts';
import type { ApiObject } from '../../api/kind.ts';
import { ApiError } from '../../api/status.ts';
import { deepCopy, deepEqual } from '../../std/deep.ts';
import type { Exchange } from '../exchange.ts';
import { checkName } from '../objects/identity.ts';
import { groupVersion, type Resource } from '../registry/resource.ts';
import { managerOf, type WriteOptions } from '../request/write-options.ts';

export interface ScaleWrite {
  readonly resource: Resource;
  readonly exchange: Exchange;
  readonly options: WriteOptions;
  readonly now: number;
  /** Where the object has its replicas. */
  readonly path: readonly string[];
  /** What is there, and its Scale. */
  readonly object: Readonly<ApiObject>;
  readonly before: ApiObject;
}

/** The managed fields of the Scale that is there. */
export function ownersOfScale(write: ScaleWrite): ApiObject['metadata']['managedFields'] {
  return scaleManagedFields(write.object.metadata.managedFields, placesOf(write)) as ApiObject['metadata']['managedFields'];
}

/** Sets the managers of `next`, which is the object with the replicas of the Scale that was wanted. */
export function trackScale(write: ScaleWrite, { next, wanted }: { readonly next: ApiObject; readonly wanted: ApiObject }): void {
  const { exchange, options, now, before } = write;
  const owners = scaleManagedFields(write.object.metadata.managedFields, placesOf(write));
  const live = deepCopy(before) as ApiObject;
  const scaled = { ...(deepCopy(wanted) as ApiObject), status: live['status'] } as ApiObject;
  for (const one of [live, scaled]) if (owners) one.metadata.managedFields = owners;
  trackUpdate({ schema: SCHEMA, live, next: scaled, manager: managerOf(options, exchange), apiVersion: 'autoscaling/v1', subresource: 'scale', now, resetFields: [] });
  setManagers(write, next, scaled);
}

/** An apply to the Scale: conflicts are with owners of replicas, as they are known there. Throws 400, 409, 500. */
export function applyToScale(write: ScaleWrite, apply: { readonly value: ApiObject; readonly force: boolean; readonly withReplicas: (scaled: ApiObject) => ApiObject }): ApiObject {
  const { options, now, before, resource } = write;
  const live = deepCopy(before) as ApiObject;
  const owners = scaleManagedFields(write.object.metadata.managedFields, placesOf(write));
  // Upstream makes an owner of what nobody owns, and cannot for a Scale of a custom resource.
  if (!owners && resource.kind.custom !== undefined) throw new ApiError({ code: 500, message: `${NO_OWNERS}${live.apiVersion}` });
  if (owners) live.metadata.managedFields = owners;
  const scaled = serverSideApply({
    schema: SCHEMA, live, applied: apply.value, manager: options.fieldManager, force: apply.force, apiVersion: live.apiVersion, kind: live.kind, subresource: 'scale', now,
  });
  // Nor can it make anything of what came of an apply that changes something.
  if (resource.kind.custom !== undefined && !isSame(before, scaled)) {
    const { namespace = '', name = '' } = apply.value.metadata;
    throw new ApiError({ code: 500, message: `failed to convert new object (${namespace}/${name}; autoscaling/v1, Kind=Scale) to proper version: ${NO_SCALES}${live.apiVersion}` });
  }
  checkName(scaled, write.exchange.route.name);
  const next = apply.withReplicas(scaled);
  setManagers(write, next, scaled);
  return next;
}

const SCHEMA = { type: 'io.k8s.api.autoscaling.v1.Scale' };
const NO_SCALES = 'request to convert CR to an invalid group/version: ';
const NO_OWNERS = `failed to create manager for existing fields: failed to convert live object (/; autoscaling/v1, Kind=Scale) to proper version: ${NO_SCALES}`;

function isSame(before: ApiObject, after: ApiObject): boolean {
  return deepEqual(withoutOwners(before), withoutOwners(after));
}

function withoutOwners(object: ApiObject): object {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Where each version has its replicas. */
function placesOf({ resource: { kind }, path }: ScaleWrite): ReplicasPaths {
  return Object.fromEntries(kind.versions.map(({ version }) => [groupVersion(kind.group, version), path]));
}

function setManagers(write: ScaleWrite, next: ApiObject, scaled: ApiObject): void {
  const fields = parentManagedFields(write.object.metadata.managedFields, scaled.metadata.managedFields, write.resource.apiVersion, placesOf(write));
  if (fields) next.metadata.managedFields = fields;
  else delete next.metadata.managedFields;
}
