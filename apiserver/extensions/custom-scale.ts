/** The scale subresource of custom resources: replicas where the definition says they are. Provenance: apiextensions-apiserver pkg/registry/customresource/etcd.go of v0.36. */
import { parentManagedFields, scaleManagedFields, type ReplicasPaths } from '../../api/apply/scale.ts';
import { trackUpdate } from '../../api/apply/track-update.ts';
import type { ApiObject, Subresource } from '../../api/kind.ts';
import { atPath } from '../../api/structural/json-path.ts';
import { badRequest, internalError } from '../../api/status.ts';
import { deepCopy, put, type DeepReadonly } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import { decodeBody, type Expected } from '../decode.ts';
import { mediaType } from '../body.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { checkName } from '../objects/identity.ts';
import { updateObject } from '../objects/update.ts';
import { APPLY_PATCH, MERGE_PATCH, patched, readPatch } from '../patch-body.ts';
import { groupVersion, type Resource } from '../resource.ts';
import { get } from '../verbs/get.ts';
import { managerOf, parseWriteOptions, type WriteOptions } from '../write-options.ts';

const SCHEMA = { type: 'io.k8s.api.autoscaling.v1.Scale' };
const SCALE: Expected = { apiVersion: 'autoscaling/v1', kind: 'Scale', schema: SCHEMA };

type Paths = NonNullable<Subresource['scale']>;

export async function customScale(core: Core, exchange: Exchange, resource: Resource): Promise<Answer> {
  const paths = resource.subresource('scale')?.scale as Paths;
  if (exchange.route.verb === 'get') {
    const { object } = await get(core, exchange, resource);
    if (replicasAt(object.object, paths.spec) === undefined) throw internalError(`the spec replicas field ".${paths.spec.join('.')}" does not exist`);
    return document(scaleOf(object.object, paths));
  }
  const patching = exchange.route.verb === 'patch';
  const options = parseWriteOptions(exchange, patching ? 'PatchOptions' : 'UpdateOptions');
  const type = mediaType(exchange.body.contentType);
  const patch = patching ? await readPatch(exchange, type, options.fieldValidation) : undefined;
  const sent = patching ? undefined : await decodeBody(exchange, SCALE, options.fieldValidation);
  const { namespace, name } = exchange.route;
  const changed = await updateObject(core, exchange, {
    resource, namespace: resource.kind.namespaced ? namespace : '', name, subresource: 'scale', options, tracked: true,
    produce({ object }) {
      const before = scaleOf(object, paths);
      const change = patch?.();
      const wanted = change
        ? patched(exchange, { ...change, type: type === APPLY_PATCH ? MERGE_PATCH : type }, { expected: SCALE, before, validation: options.fieldValidation })
        : (sent as ApiObject);
      checkName(wanted, name);
      const next = withReplicas(object, wanted, paths);
      trackScale({ resource, exchange, options, now: core.clock.now(), paths }, { object, next, before, wanted });
      return next;
    },
    admitted: (object) => scaleOf(object, paths),
    admittedOld: (object) => scaleOf(object, paths),
    readmit: (object, scaled) => void Object.assign(object, withReplicas(object, scaled, paths)),
  });
  return document(scaleOf(changed.object.object, paths));
}

function document(object: object): Answer {
  return { type: 'document', code: 200, object };
}

function replicasAt(object: DeepReadonly<ApiObject>, path: readonly string[]): number | undefined {
  const value = atPath(object, path);
  return typeof value === 'number' ? value : undefined;
}

function scaleOf(object: DeepReadonly<ApiObject>, paths: Paths): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = replicasAt(object, paths.spec) ?? 0;
  const selector = paths.selector && atPath(object, paths.selector);
  return {
    kind: 'Scale', apiVersion: 'autoscaling/v1',
    metadata: {
      ...(name !== undefined && { name }), ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }), ...(creationTimestamp !== undefined && { creationTimestamp }),
    },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: replicasAt(object, paths.status) ?? 0, ...(typeof selector === 'string' && selector !== '' && { selector }) },
  };
}

function withReplicas(object: Readonly<ApiObject>, wanted: ApiObject, paths: Paths): ApiObject {
  const next = deepCopy(object) as ApiObject;
  let at: Record<string, unknown> = next;
  for (const name of paths.spec.slice(0, -1)) {
    const inner = at[name] ?? {};
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) throw badRequest(`the spec replicas field ".${paths.spec.join('.')}" cannot be set`);
    put(at, name, inner);
    at = inner as Record<string, unknown>;
  }
  put(at, paths.spec.at(-1) ?? '', replicasAt(wanted, ['spec', 'replicas']) ?? 0);
  if (wanted.metadata.resourceVersion) next.metadata.resourceVersion = wanted.metadata.resourceVersion;
  return next;
}

interface ScaleTracking {
  readonly resource: Resource;
  readonly exchange: Exchange;
  readonly options: WriteOptions;
  readonly now: number;
  readonly paths: Paths;
}

interface ScaleChange {
  readonly object: Readonly<ApiObject>;
  readonly next: ApiObject;
  readonly before: ApiObject;
  readonly wanted: ApiObject;
}

/** Replicas are owned through the Scale, by the owner's name there. */
function trackScale({ resource, exchange, options, now, paths }: ScaleTracking, { object, next, before, wanted }: ScaleChange): void {
  const { kind } = resource;
  const places: ReplicasPaths = Object.fromEntries(kind.versions.map(({ version }) => [groupVersion(kind.group, version), paths.spec]));
  const owners = scaleManagedFields(object.metadata.managedFields, places);
  const live = deepCopy(before) as ApiObject;
  const scaled = { ...(deepCopy(wanted) as ApiObject), status: live['status'] } as ApiObject;
  for (const one of [live, scaled]) if (owners) one.metadata.managedFields = owners;
  trackUpdate({ schema: SCHEMA, live, next: scaled, manager: managerOf(options, exchange), apiVersion: 'autoscaling/v1', subresource: 'scale', now, resetFields: [] });
  const fields = parentManagedFields(object.metadata.managedFields, scaled.metadata.managedFields, resource.apiVersion, places);
  if (fields) next.metadata.managedFields = fields;
  else delete next.metadata.managedFields;
}
