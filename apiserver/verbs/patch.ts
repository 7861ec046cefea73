/** PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply. */
import { forbiddenField, Path, required, type FieldError } from '../../api/field-error.ts';
import type { ApiObject } from '../../api/kind.ts';
import { applyJsonPatch } from '../../api/patch/json-patch.ts';
import { applyMergePatch } from '../../api/patch/merge-patch.ts';
import { applyStrategicPatch } from '../../api/patch/strategic.ts';
import { ApiError, badRequest, conflict, isReason } from '../../api/status.ts';
import { mediaType } from '../body.ts';
import type { Core } from '../core.ts';
import { decodeValue, type Expected } from '../decode.ts';
import type { Exchange, ObjectAnswer } from '../exchange.ts';
import { checkName, checkNamespace } from '../objects/identity.ts';
import { apply } from '../objects/managed-fields.ts';
import { requireCreate } from '../objects/may-create.ts';
import { updateObject } from '../objects/update.ts';
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, ofPatch, readPatch, STRATEGIC_PATCH } from '../patch-body.ts';
import type { Resource } from '../resource.ts';
import { parseWriteOptions, type WriteOptions } from '../write-options.ts';
import { createObject } from './create.ts';

/** Also of subresources that speak the object itself. */
export async function patch(core: Core, exchange: Exchange, resource: Resource): Promise<ObjectAnswer> {
  const type = patchType(exchange, resource);
  const force = flag(exchange.query.get('force'));
  const options = parseWriteOptions(exchange, 'PatchOptions', optionErrors(type, exchange, force));
  const sent = await readPatch(exchange, type, options.fieldValidation);
  const expected = { apiVersion: resource.apiVersion, kind: resource.kind.kind, schema: resource.version.schema };
  if (type === APPLY_PATCH) return applyPatch(core, exchange, { resource, options, sent, force: force ?? false, expected });
  const patchOf = patcher(type, resource, sent);
  const { namespace, name, subresource } = exchange.route;
  const changed = await updateObject(core, exchange, {
    resource, namespace: resource.kind.namespaced ? namespace : '', name, subresource, options,
    produce(current) {
      const before = resource.isHub ? current.object : resource.fromHub(current.object);
      const after = patchOf(before);
      const own = ofPatch(sent, () => decodeValue(exchange, expected, after, options.fieldValidation));
      return finish(own, exchange, resource);
    },
  });
  return { type: 'object', code: 200, resource, object: changed.object };
}

function finish(own: ApiObject, exchange: Exchange, resource: Resource): ApiObject {
  checkNamespace(own, exchange.route, resource);
  checkName(own, exchange.route.name);
  resource.version.defaults?.(own);
  return resource.toHub(own);
}

/** What a body of this type makes of a value. */
export function patcher(type: string, resource: Pick<Resource, 'version'>, sent: unknown): (before: unknown) => unknown {
  const { schema } = resource.version;
  switch (type) {
    case JSON_PATCH:
      return (before) => applyJsonPatch(before, sent);
    case MERGE_PATCH:
      return (before) => applyMergePatch(before, sent);
    default:
      return (before) => applyStrategicPatch('type' in schema ? schema.type : '', before, sent);
  }
}

interface Apply {
  readonly resource: Resource;
  readonly options: WriteOptions;
  readonly sent: unknown;
  readonly force: boolean;
  readonly expected: Expected;
}

async function applyPatch(core: Core, exchange: Exchange, { resource, options, sent, force, expected }: Apply): Promise<ObjectAnswer> {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) throw badRequest('error decoding YAML: the body is not an object');
  const applied = sent as ApiObject;
  applied.metadata ??= {};
  const { namespace, name, subresource } = exchange.route;
  if (applied.metadata.generateName && !applied.metadata.name) throw badRequest('metadata.generateName is not allowed in an apply: the name is in the URL');
  const applyTo = async (live: Readonly<ApiObject> | undefined): Promise<ApiObject> => {
    // Ahead of the merge, which would take the name of what is there.
    if (!live) checkName(applied, name);
    const own = await apply({ resource, subresource, live, applied, manager: options.fieldManager, force, now: core.clock.now() });
    return finish(decodeValue(exchange, expected, own, options.fieldValidation), exchange, resource);
  };
  for (let attempt = 0; ; attempt++) {
    try {
      const changed = await updateObject(core, exchange, {
        resource, namespace: resource.kind.namespaced ? namespace : '', name, subresource, options, tracked: true,
        produce: (current) => applyTo(resource.isHub ? current.object : resource.fromHub(current.object)),
      });
      return { type: 'object', code: 200, resource, object: changed.object };
    } catch (error) {
      if (!isReason(error, 'NotFound') || subresource !== '' || error.status.details?.name !== name) throw error;
    }
    await requireCreate(core, exchange);
    try {
      if (applied.metadata.uid) throw conflict(resource.subject(name), `uid mismatch: the provided object specified uid ${applied.metadata.uid}, and no existing object was found`);
      const object = await applyTo(undefined);
      delete object.metadata.resourceVersion;
      return { type: 'object', code: 201, resource, object: await createObject(core, exchange, { resource, object, options, tracked: true }) };
    } catch (error) {
      if (!isReason(error, 'AlreadyExists') || attempt > 0) throw error;
    }
  }
}

function patchType(exchange: Exchange, resource: Resource): string {
  const type = mediaType(exchange.body.contentType);
  const known = [JSON_PATCH, MERGE_PATCH, ...(resource.kind.custom ? [] : [STRATEGIC_PATCH]), APPLY_PATCH];
  if (known.includes(type)) return type;
  if (!resource.kind.custom) throw new ApiError({ code: 415, reason: 'UnsupportedMediaType', message: '415: Unsupported Media Type', details: {} });
  throw new ApiError({ code: 415, reason: 'UnsupportedMediaType', message: `the body of the request was in an unknown format - accepted media types include: ${known.join(', ')}` });
}

function optionErrors(type: string, exchange: Exchange, force: boolean | undefined): FieldError[] {
  if (type === APPLY_PATCH) {
    return exchange.query.get('fieldManager') ? [] : [required(Path.of('fieldManager'), 'is required for apply patch')];
  }
  return force === undefined ? [] : [forbiddenField(Path.of('force'), 'may not be specified for non-apply patch')];
}

function flag(text: string | null): boolean | undefined {
  return text === null ? undefined : text !== 'false' && text !== '0';
}
