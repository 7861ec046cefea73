/** PUT: the whole object anew; of a kind that allows it, also one that is not there yet. */
import type { ApiObject } from '../../api/kind.ts';
import { noteSaid } from '../audit/said.ts';
import { isReason } from '../../api/status.ts';
import type { Core } from '../core.ts';
import { decodeBody } from '../request/decode.ts';
import type { Exchange, ObjectAnswer } from '../exchange.ts';
import { checkName, checkNamespace, preconditionFailed } from '../objects/identity.ts';
import { requireCreate } from '../objects/may-create.ts';
import { updateObject } from '../objects/update.ts';
import type { Resource } from '../registry/resource.ts';
import { versionForUpdate } from '../request/resource-version.ts';
import { parseWriteOptions } from '../request/write-options.ts';
import { createObject } from './create.ts';

/** Also PUT of a subresource that speaks the object itself: status, ephemeralcontainers, resize, finalize. */
export async function update(core: Core, exchange: Exchange, resource: Resource): Promise<ObjectAnswer> {
  const options = parseWriteOptions(exchange, 'UpdateOptions');
  const { namespace, name, subresource } = exchange.route;
  const read = async (): Promise<ApiObject> => {
    const own = await decodeBody(exchange, resource.expected, options.fieldValidation);
    resource.version.defaults?.(own);
    noteSaid(exchange, own);
    checkNamespace(own, exchange.route, resource);
    checkName(own, name);
    return resource.toHub(own);
  };
  const first = await read();
  const { uid, resourceVersion } = first.metadata;
  const warned = exchange.warnings.length;
  // Each attempt changes its own: what was sent is read once more where the first of them has been in vain.
  let unused: ApiObject | undefined = first;
  const produce = async (): Promise<ApiObject> => {
    const own = unused ?? (await read());
    if (!unused) exchange.warnings.length = warned;
    unused = undefined;
    return own;
  };
  for (let attempt = 0; ; attempt++) {
    try {
      const changed = await updateObject(core, exchange, {
        resource, namespace: resource.kind.namespaced ? namespace : '', name, subresource, options,
        produce,
        ...(uid && { preconditions: { uid } }),
      });
      return { type: 'object', code: 200, resource, object: changed.object };
    } catch (error) {
      if (!isReason(error, 'NotFound') || !resource.kind.strategy.createOnUpdate || subresource !== '') throw error;
      if (error.status.details?.name !== name || error.status.details.kind !== resource.plural) throw error;
    }
    await requireCreate(core, exchange);
    versionForUpdate(resourceVersion ?? '');
    if (uid) throw preconditionFailed({ resource, namespace, name, dryRun: options.dryRun }, `UID in precondition: ${uid}, UID in object meta: `);
    try {
      return { type: 'object', code: 201, resource, object: await createObject(core, exchange, { resource, object: options.dryRun ? await produce() : withoutVersion(await produce()), options }) };
    } catch (error) {
      if (!isReason(error, 'AlreadyExists') || attempt > 0) throw error;
    }
  }
}

/** The version of what is no longer there says nothing about the object that takes its place. */
function withoutVersion(object: ApiObject): ApiObject {
  delete object.metadata.resourceVersion;
  return object;
}
