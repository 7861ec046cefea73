/** Admission of a body that is no object of its resource: Binding, Eviction, TokenRequest. */
import type { ApiObject } from '../../api/kind.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import type { Core } from '../core.ts';
import type { Exchange } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';
import type { WriteOptions } from '../request/write-options.ts';

export async function admitBody(core: Core, exchange: Exchange, resource: Resource, { object, options }: { readonly object: ApiObject; readonly options: WriteOptions }): Promise<void> {
  const { namespace, name, subresource } = exchange.route;
  const request: AdmissionRequest = {
    operation: 'CREATE', kind: resource.kind, version: resource.version.version, subresource, namespace, name: name || (object.metadata.name ?? ''), object, old: undefined,
    options: options.sent, user: exchange.user, dryRun: options.dryRun, now: core.clock.now(), warnings: exchange.warnings, caller: exchange,
  };
  await core.admission.mutate(request);
  await core.admission.validate(request);
}
