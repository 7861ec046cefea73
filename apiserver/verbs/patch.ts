/** PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply. */
import { conversionFailure, unversionedFailure } from '../../api/apply/server-side-apply.ts';
import { forbiddenField, Path, required, type FieldError } from '../../api/field-error.ts';
import type { ApiObject } from '../../api/kind.ts';
import { ApiError, conflict, isReason } from '../../api/status.ts';
import type { Core } from '../core.ts';
import { readValue } from '../request/decode.ts';
import type { Expected } from '../registry/expected.ts';
import type { Exchange, ObjectAnswer } from '../exchange.ts';
import { checkName, checkNamespace } from '../objects/identity.ts';
import { apply } from '../objects/managed-fields.ts';
import { requireCreate } from '../objects/may-create.ts';
import { updateObject } from '../objects/update.ts';
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, patched, readPatch, STRATEGIC_PATCH, tellOfApply, type Patch } from '../request/patch-body.ts';
import type { Resource } from '../registry/resource.ts';
import { versionForUpdate } from '../request/resource-version.ts';
import { parseWriteOptions, type WriteOptions } from '../request/write-options.ts';
import { createObject } from './create.ts';

/** Also of subresources that speak the object itself. */
export async function patch(core: Core, exchange: Exchange, resource: Resource): Promise<ObjectAnswer> {
  const type = patchType(exchange, resource);
  const force = flag(exchange.query.get('force'));
  const options = parseWriteOptions(exchange, 'PatchOptions', optionErrors(type, exchange, force));
  const sent = await readPatch(exchange, type, options.fieldValidation);
  const { expected } = resource;
  if (type === APPLY_PATCH) return applyPatch(core, exchange, { resource, options, sent, force: force ?? false, expected });
  const { namespace, name, subresource } = exchange.route;
  const changed = await updateObject(core, exchange, {
    resource, namespace: resource.kind.namespaced ? namespace : '', name, subresource, options,
    produce(current) {
      const before = resource.isHub ? current.object : resource.fromHub(current.object);
      return finish(patched(exchange, sent(), { expected, before, validation: options.fieldValidation }), exchange, resource);
    },
  });
  return { type: 'object', code: 200, resource, object: changed.object };
}

function finish(own: ApiObject, exchange: Exchange, resource: Resource, options?: { readonly keepNulls: boolean }): ApiObject {
  checkNamespace(own, exchange.route, resource);
  checkName(own, exchange.route.name);
  resource.version.defaults?.(own, options);
  return resource.toHub(own);
}

interface Apply {
  readonly resource: Resource;
  readonly options: WriteOptions;
  readonly sent: () => Patch;
  readonly force: boolean;
  readonly expected: Expected;
}

async function applyPatch(core: Core, exchange: Exchange, { resource, options, sent, force, expected }: Apply): Promise<ObjectAnswer> {
  const { namespace, name, subresource } = exchange.route;
  const applyTo = async (live: Readonly<ApiObject> | undefined): Promise<ApiObject> => {
    const read = sent();
    const applied = read.value as ApiObject;
    const own = await apply({ resource, subresource, live, applied, manager: options.fieldManager, force, now: core.clock.now() });
    const object = fit(own, applied, expected);
    const unreadable = expected.unreadable?.(object);
    if (unreadable !== undefined) throw unversionedFailure(applied, unreadable);
    tellOfApply(exchange, read, options.fieldValidation);
    if (!live && object.metadata.uid) throw conflict(resource.subject(name), `uid mismatch: the provided object specified uid ${object.metadata.uid}, and no existing object was found`);
    return finish(object, exchange, resource, { keepNulls: true });
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
      const object = await applyTo(undefined);
      versionForUpdate(object.metadata.resourceVersion ?? '');
      delete object.metadata.resourceVersion;
      return { type: 'object', code: 201, resource, object: await createObject(core, exchange, { resource, object, options, tracked: true }) };
    } catch (error) {
      if (!isReason(error, 'AlreadyExists') || attempt > 0) throw error;
    }
  }
}

/** What was applied has the fields of its kind; that they hold what they should is seen here. Throws 500. */
function fit(own: ApiObject, applied: ApiObject, expected: Expected): ApiObject {
  try {
    return readValue(expected, own, 'unstructured').object;
  } catch (error) {
    throw isReason(error, 'BadRequest') ? conversionFailure(applied, error.message) : error;
  }
}

function patchType(exchange: Exchange, resource: Resource): string {
  // Cases count here, as nowhere else.
  const type = (exchange.body.contentType ?? '').split(';', 1)[0] ?? '';
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
