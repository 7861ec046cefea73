/** Admission of a body that is no object of its resource: Binding, Eviction, TokenRequest. */
import type { ApiObject } from '../../api/kind.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import type { Core } from '../core.ts';
import type { Exchange } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';
import type { WriteOptions } from '../request/write-options.ts';

export interface AdmittedBody {
  readonly object: ApiObject;
  readonly options: WriteOptions;
  /** What the object gets where anybody but this server looks at it. */
  readonly prepare?: () => void;
  /** What it gets once it was changed, and before it is judged. */
  readonly complete?: (object: ApiObject) => void;
}

/** The object as admission leaves it. */
export async function admitBody(core: Core, exchange: Exchange, resource: Resource, { object, options, prepare, complete }: AdmittedBody): Promise<ApiObject> {
  const { namespace, name, subresource } = exchange.route;
  const request: AdmissionRequest = {
    operation: 'CREATE', kind: resource.kind, version: resource.version.version, subresource, namespace, name: name || (object.metadata.name ?? ''), object, old: undefined,
    options: options.sent, user: exchange.user, dryRun: options.dryRun, now: core.clock.now(), warnings: exchange.warnings, caller: exchange,
  };
  if (core.admission.isShown(request)) prepare?.();
  await core.admission.mutate(request);
  complete?.(request.object ?? object);
  await core.admission.validate(request);
  return request.object ?? object;
}
