/** Access to devices that others use: for namespaces that are marked for it. Provenance: pkg/registry/resource of v1.36. */
import { type FieldError, Path, forbiddenField } from '../../field-error.ts';
import type { RuleContext } from '../../kind.ts';
import type { DeviceRequest, DeviceRequestAllocationResult, ResourceClaim } from '../../types/resource.v1.ts';

const LABEL = 'resource.kubernetes.io/admin-access';

/** Of requests the first one that wants it is told of. */
export function checkAdminRequests(requests: readonly DeviceRequest[] | undefined, context: RuleContext): FieldError[] {
  return refuse((requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess), Path.of('spec', 'devices', 'requests'), context);
}

/** What has been given stays. */
export function checkAdminResults(claim: ResourceClaim, old: ResourceClaim, context: RuleContext): FieldError[] {
  return results(old).some(wantsAdmin) ? [] : refuse(results(claim).findIndex(wantsAdmin), Path.of('status', 'allocation', 'devices', 'results'), context);
}

function results({ status }: ResourceClaim): readonly DeviceRequestAllocationResult[] {
  return status?.allocation?.devices?.results ?? [];
}

function wantsAdmin({ adminAccess }: DeviceRequestAllocationResult): boolean {
  return adminAccess === true;
}

function refuse(at: number, list: Path, { namespaceLabels }: RuleContext): FieldError[] {
  if (at < 0 || !namespaceLabels || namespaceLabels[LABEL] === 'true') return [];
  return [forbiddenField(list.index(at).child('adminAccess'), `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`)];
}
