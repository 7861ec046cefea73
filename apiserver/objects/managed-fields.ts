/** Who owns which fields, kept along with every write. */
import { keepTimesOfNoChange } from '../../api/apply/ownership.ts';
import { serverSideApply } from '../../api/apply/server-side-apply.ts';
import { trackUpdate } from '../../api/apply/track-update.ts';
import type { ApiObject } from '../../api/kind.ts';
import type { Exchange } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';
import { managerOf, type WriteOptions } from '../request/write-options.ts';
import { converting } from './converting.ts';

export interface Tracking {
  readonly resource: Resource;
  readonly exchange: Exchange;
  readonly options: Pick<WriteOptions, 'fieldManager'>;
  /** Both in the hub version. */
  readonly old: Readonly<ApiObject> | undefined;
  /** Its managedFields are set. */
  readonly object: ApiObject;
  readonly now: number;
}

/** Ownership is counted in the version that the request speaks. A promise only where somebody else must convert. */
export function trackManager({ resource, exchange, options, old, object, now }: Tracking): void | Promise<void> {
  const { subresource } = exchange.route;
  const next = resource.isHub ? object : resource.fromHub(object);
  const live = resource.isHub ? old : old && resource.fromHub(old);
  const { managedFields } = next.metadata;
  const tracked = converting(resource, (convert) => {
    if (managedFields) next.metadata.managedFields = managedFields;
    else delete next.metadata.managedFields;
    trackUpdate({
      schema: resource.version.schema, live: live as ApiObject | undefined, next, manager: managerOf(options, exchange), apiVersion: resource.apiVersion, subresource, now,
      resetFields: resetFields(resource, subresource), convert, versions: resource.kind.namedVersions,
    });
  });
  return tracked instanceof Promise ? tracked.then(() => takeOver(next, object)) : takeOver(next, object);
}

/** Upstream's server speaks to itself as a client of this name. */
const SERVER = 'kube-apiserver';

export interface OwnTracking extends Pick<Tracking, 'resource' | 'old' | 'object' | 'now'> {
  readonly subresource: string;
  readonly manager?: string | undefined;
}

/** The same for what the server writes itself, of kinds that are its own and in the version that is stored. */
export function trackServer({ resource, subresource, old, object, now, manager = SERVER }: OwnTracking): void {
  if (!resource.isHub) return;
  trackUpdate({
    schema: resource.version.schema, live: old as ApiObject | undefined, next: object, manager, apiVersion: resource.apiVersion, subresource, now,
    resetFields: resetFields(resource, subresource),
  });
}

function takeOver(next: ApiObject, object: ApiObject): void {
  if (next === object) return;
  if (next.metadata.managedFields) object.metadata.managedFields = next.metadata.managedFields;
  else delete object.metadata.managedFields;
}

/** A write that changes nothing else does not change the times of ownership either. */
export function keepTimes(object: ApiObject, old: Readonly<ApiObject>): void {
  keepTimesOfNoChange(old as ApiObject, object);
}

export interface Applying {
  readonly resource: Resource;
  readonly subresource: string;
  /** In the version of the request, as is what comes back. */
  readonly live: Readonly<ApiObject> | undefined;
  readonly applied: ApiObject;
  readonly manager: string;
  readonly force: boolean;
  readonly now: number;
}

export function apply({ resource, subresource, live, applied, manager, force, now }: Applying): ApiObject | Promise<ApiObject> {
  return converting(resource, (convert) => serverSideApply({
    schema: resource.version.schema, live: live as ApiObject | undefined, applied, manager, force, apiVersion: resource.apiVersion, kind: resource.kind.kind,
    subresource, now, resetFields: resetFields(resource, subresource), convert,
  }));
}

/** What the strategies do not let through: the main resource no status, the status nothing else. */
function resetFields(resource: Resource, subresource: string): (readonly string[])[] {
  const own = RESETS[subresource === '' ? resource.plural : `${resource.plural}/${subresource}`];
  if (own && resource.kind.custom === undefined) return [...own];
  if (subresource === 'status') return resource.kind.custom === undefined ? [['spec']] : [['spec'], ['metadata']];
  return subresource === '' && resource.subresource('status') ? [['status']] : [];
}

const SPEC_AND_METADATA = [['spec'], ['metadata']];

/** Where it is neither. Provenance: GetResetFields in pkg/registry, apiextensions-apiserver and kube-aggregator of v1.36. */
const RESETS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'pods/status': [['spec'], ['metadata', 'deletionTimestamp'], ['metadata', 'ownerReferences']],
  'deployments/status': [['spec'], ['metadata', 'labels']],
  'namespaces/finalize': [['status']],
  'certificatesigningrequests': [['spec'], ['status']],
  'certificatesigningrequests/status': [['spec'], ['status', 'conditions']],
  'certificatesigningrequests/approval': [['spec'], ['status', 'certificate']],
  'apiservices/status': SPEC_AND_METADATA,
  'flowschemas/status': SPEC_AND_METADATA,
  'prioritylevelconfigurations/status': SPEC_AND_METADATA,
  'resourceclaims/status': SPEC_AND_METADATA,
  'servicecidrs/status': SPEC_AND_METADATA,
  'validatingadmissionpolicies/status': SPEC_AND_METADATA,
  'volumeattachments/status': SPEC_AND_METADATA,
};
