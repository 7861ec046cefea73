/** DELETE of one object: at once, after a grace period, or when its finalizers are done. */
import type { ApiObject } from '../../api/kind.ts';
import { forbidden, notFound, qualified } from '../../api/status.ts';
import { deepCopy } from '../../std/deep.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import type { Core } from '../core.ts';
import type { Answer, Exchange, StoredForm } from '../exchange.ts';
import { change, type Decision } from '../objects/change.ts';
import type { Current } from '../objects/current.ts';
import { parseDeleteOptions, type DeleteOptions } from '../objects/delete-options.ts';
import { isNamespace, planDeletion } from '../objects/deletion.ts';
import { checkDeletePreconditions, checkPreconditions } from '../objects/identity.ts';
import type { Resource } from '../registry/resource.ts';

export async function remove(core: Core, exchange: Exchange, resource: Resource): Promise<Answer> {
  const options = await parseDeleteOptions(exchange);
  const { namespace, name } = exchange.route;
  if (resource.plural === 'priorityclasses' && name.startsWith(SYSTEM)) refuseSystemClass(resource, name);
  if (resource.plural === 'jobs' && options.propagationPolicy === undefined && options.orphanDependents === undefined) exchange.warnings.push(JOB_WARNING);
  const deleted = await deleteObject(core, exchange, { resource, namespace, name, options });
  if (!deleted.removed || RETURNS_OBJECT.has(qualified(resource.subject(name)))) {
    // Who asked in the old way for dependents to go is told that it is not over.
    const code = !deleted.removed && options.orphanDependents === false ? 202 : 200;
    return { type: 'object', code, resource, object: deleted.object };
  }
  const { uid } = deleted.object.object.metadata;
  const { group, plural } = resource.kind;
  return {
    type: 'document', code: 200,
    object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, ...(group && { group }), kind: plural, uid } },
  };
}

const SYSTEM = 'system-';

/** Only the two that every cluster has, and only by name: a collection is deleted whole. Throws 403. */
function refuseSystemClass(resource: Resource, name: string): void {
  if (resource.kind.custom !== undefined || (name !== 'system-node-critical' && name !== 'system-cluster-critical')) return;
  throw forbidden(resource.subject(name), 'this is a system priority class and cannot be deleted');
}

const JOB_WARNING =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

/** Resources whose deletion answers the object. Provenance: ReturnDeletedObject in pkg/registry of v1.36. */
const RETURNS_OBJECT: ReadonlySet<string> = new Set([
  'namespaces', 'persistentvolumeclaims', 'persistentvolumes', 'pods', 'podtemplates', 'resourcequotas', 'serviceaccounts', 'services',
  'deviceclasses.resource.k8s.io', 'resourceclaims.resource.k8s.io', 'resourceclaimtemplates.resource.k8s.io', 'resourceslices.resource.k8s.io',
  'csidrivers.storage.k8s.io', 'csinodes.storage.k8s.io', 'storageclasses.storage.k8s.io', 'volumeattachments.storage.k8s.io',
  'volumeattributesclasses.storage.k8s.io',
]);

export interface DeleteRequest {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly options: DeleteOptions;
  /** Admission has seen what asks for it: an eviction. */
  readonly admitted?: boolean;
  /** One of a collection: admission is told no name. */
  readonly collected?: boolean;
  /** Whether the object is still one that is to go; told inside the compare-and-swap. */
  readonly check?: (object: Readonly<ApiObject>) => void;
}

export interface Deleted {
  readonly object: StoredForm;
  /** It is gone; otherwise marked, and held. */
  readonly removed: boolean;
}

export async function deleteObject(core: Core, exchange: Exchange, request: DeleteRequest): Promise<Deleted> {
  const { resource, namespace, name, options } = request;
  const decide = async (current: Current | undefined): Promise<Decision> => {
    if (!current) throw notFound(resource.subject(name));
    const old = current.object;
    if (isNamespace(resource)) checkPreconditions(options.preconditions, old, { resource, namespace: '', name, dryRun: options.dryRun });
    else checkDeletePreconditions(options.preconditions, old, resource, name);
    request.check?.(old);
    const admission: AdmissionRequest = {
      operation: 'DELETE', kind: resource.kind, version: resource.version.version, subresource: '', namespace, name: request.collected ? '' : name, object: undefined, old: resource.seen(old) as Readonly<ApiObject>,
      options: isNamespace(resource) ? { ...options.sent, preconditions: { uid: old.metadata.uid, ...options.preconditions } } : options.sent,
      user: exchange.user, dryRun: options.dryRun, now: core.clock.now(), warnings: exchange.warnings, caller: exchange,
    };
    if (!request.admitted) {
      await core.admission.mutate(admission);
      await core.admission.validate(admission);
    }
    const plan = planDeletion(resource, deepCopy(old) as ApiObject, options, core.clock.now());
    switch (plan.do) {
      case 'mark':
        return { do: 'write', object: plan.object };
      case 'remove':
        return plan;
      case 'nothing':
        return { do: 'nothing' };
    }
  };
  return change(core, { resource, key: resource.key(namespace, name), name, dryRun: options.dryRun, decide });
}
