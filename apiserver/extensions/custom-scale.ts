/** The scale subresource of custom resources: replicas where the definition says they are. Provenance: apiextensions-apiserver pkg/registry/customresource/etcd.go of v0.36. */
import { Path, required } from '../../api/field-error.ts';
import type { ApiObject, Subresource } from '../../api/kind.ts';
import { accessorProblem } from '../../api/structural/scale-rules.ts';
import { atPath } from '../../api/structural/json-path.ts';
import { ApiError, badRequest, internalError, isReason } from '../../api/status.ts';
import { deepCopy, put, type DeepReadonly } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import { decodeBody } from '../request/decode.ts';
import { mediaType } from '../request/body.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { checkName } from '../objects/identity.ts';
import { updateObject } from '../objects/update.ts';
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, patched, readPatch } from '../request/patch-body.ts';
import type { Resource } from '../registry/resource.ts';
import { SCALE, scaleObject } from '../subresources/scale-object.ts';
import { CUSTOM_COLUMNS, scaleTable } from '../subresources/scale.ts';
import { applyToScale, ownersOfScale, trackScale, type ScaleWrite } from '../subresources/scale-owners.ts';
import { get } from '../verbs/get.ts';
import { parseWriteOptions, type FieldValidation } from '../request/write-options.ts';

type Paths = NonNullable<Subresource['scale']>;

const REPLICAS = ['spec', 'replicas'];
/** Stands for replicas that are not there while a patch is applied: the smallest number of 32 bits. */
const UNSET = -(2 ** 31);
const PATCHES = [JSON_PATCH, MERGE_PATCH, APPLY_PATCH];

export async function customScale(core: Core, exchange: Exchange, resource: Resource): Promise<Answer> {
  const paths = resource.subresource('scale')?.scale as Paths;
  if (exchange.route.verb === 'get') {
    const { object } = await get(core, exchange, resource);
    checkPaths(object.object, paths);
    if (replicasAt(object.object, paths.spec) === undefined) throw internalError(`the spec replicas field ".${paths.spec.join('.')}" does not exist`);
    const scaled = scaleOf(object.object, paths);
    return document(exchange.accepted().as === 'Table' ? scaleTable(scaled, { exchange, now: core.clock.now(), columns: CUSTOM_COLUMNS }) : scaled);
  }
  const patching = exchange.route.verb === 'patch';
  const type = mediaType(exchange.body.contentType);
  if (patching && !PATCHES.includes(type)) throw new ApiError({ code: 415, reason: 'UnsupportedMediaType', message: `the body of the request was in an unknown format - accepted media types include: ${PATCHES.join(', ')}` });
  const unnamed = patching && type === APPLY_PATCH && !exchange.query.get('fieldManager');
  const options = parseWriteOptions(exchange, patching ? 'PatchOptions' : 'UpdateOptions', unnamed ? [required(Path.of('fieldManager'), 'is required for apply patch')] : []);
  const force = !['false', '0'].includes(exchange.query.get('force') ?? 'false');
  const patch = patching ? await readPatch(exchange, type, options.fieldValidation) : undefined;
  const sent = patching ? undefined : await decodeScale(exchange, options.fieldValidation);
  const { namespace, name } = exchange.route;
  if (sent) checkName(sent, name);
  const changed = await updateObject(core, exchange, {
    resource, namespace: resource.kind.namespaced ? namespace : '', name, subresource: 'scale', options, tracked: true,
    ...(sent?.metadata.uid && { preconditions: { uid: sent.metadata.uid } }),
    produce({ object }) {
      checkPaths(object, paths);
      const before = scaleOf(object, paths);
      const change = patch?.();
      const write: ScaleWrite = { resource, exchange, options, now: core.clock.now(), path: paths.spec, object, before };
      if (change?.type === APPLY_PATCH) return applyToScale(write, { value: change.value as ApiObject, force, withReplicas: (scaled) => withReplicas(object, scaled, paths) });
      const wanted = change ? patched(exchange, change, { expected: SCALE, before: patchable(write, paths), validation: options.fieldValidation }) : (sent as ApiObject);
      checkName(wanted, name);
      if (replicasAt(wanted, REPLICAS) === UNSET) throw badRequest(`the spec replicas field ".${paths.spec.join('.')}" cannot be empty`);
      const next = withReplicas(object, wanted, paths);
      trackScale(write, { next, wanted });
      return next;
    },
    admitted: (object) => scaleOf(object, paths),
    admittedOld: (object) => scaleOf(object, paths),
    readmit: (object, scaled) => void Object.assign(object, withReplicas(object, scaled, paths)),
  });
  return document(scaleOf(changed.object.object, paths));
}

/** Upstream does not find the words for a Scale that it cannot read here: another scheme has the kind. Throws 400, 413, 415. */
async function decodeScale(exchange: Exchange, validation: FieldValidation): Promise<ApiObject> {
  try {
    return await decodeBody(exchange, SCALE, validation);
  } catch (error) {
    if (!isReason(error, 'BadRequest') || error.message.startsWith('the API version in the data')) throw error;
    throw badRequest('no kind is registered for the type v1.Scale in scheme "pkg/runtime/scheme.go:111"');
  }
}

/** What a patch is applied to: the Scale with its owners, and a sign where the object has no replicas. */
function patchable(write: ScaleWrite, paths: Paths): ApiObject {
  const { before, object } = write;
  const managedFields = ownersOfScale(write);
  const unset = replicasAt(object, paths.spec) === undefined;
  return { ...before, metadata: { ...before.metadata, ...(managedFields && { managedFields }) }, ...(unset && { spec: { replicas: UNSET } }) } as ApiObject;
}

function document(object: object): Answer {
  return { type: 'document', code: 200, object };
}

/** What stands at a path must be what a Scale has there. Throws 500 as upstream's accessors do. */
function checkPaths(object: DeepReadonly<ApiObject>, { spec, status, selector }: Paths): void {
  for (const [path, type] of [[spec, 'int64'], [status, 'int64'], ...(selector ? [[selector, 'string'] as const] : [])] as const) {
    let at: unknown = object;
    for (const [depth, name] of path.entries()) {
      if (at === undefined || at === null) break;
      if (typeof at !== 'object' || Array.isArray(at)) throw accessorError(path.slice(0, depth + 1), at, 'map[string]interface{}');
      at = (at as Record<string, unknown>)[name];
    }
    if (at === undefined || (at === null && path === selector)) continue;
    const fits = type === 'string' ? typeof at === 'string' : typeof at === 'bigint' || (typeof at === 'number' && Number.isInteger(at));
    if (!fits && at !== null) throw accessorError(path, at, type);
  }
}

function accessorError(path: readonly string[], value: unknown, expected: string): ApiError {
  return new ApiError({ code: 500, message: accessorProblem(`.${path.join('.')}`, value, expected) });
}

function replicasAt(object: DeepReadonly<ApiObject>, path: readonly string[]): number | undefined {
  const value = atPath(object, path);
  return typeof value === 'number' ? value : undefined;
}

function scaleOf(object: DeepReadonly<ApiObject>, paths: Paths): ApiObject {
  const selector = paths.selector && atPath(object, paths.selector);
  return scaleObject(object, { wanted: replicasAt(object, paths.spec) ?? 0, present: replicasAt(object, paths.status) ?? 0, selector: typeof selector === 'string' ? selector : '' });
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
  put(at, paths.spec.at(-1) ?? '', replicasAt(wanted, REPLICAS) ?? 0);
  if (wanted.metadata.resourceVersion) next.metadata.resourceVersion = wanted.metadata.resourceVersion;
  return next;
}
