/** The rules for PersistentVolumeClaims: once made, only their size may grow. */
import { type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import { compareQuantities } from '../../quantity.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../types/core.v1.ts';
import { checkClaimSpec } from '../shared/claim-rules.ts';
import { internalDiff } from '../shared/internal-form.ts';
import { hasInvalidValues } from '../shared/label-selector.ts';
import { immutable } from '../shared/object-meta.ts';
import { checkAmount } from '../shared/quantity-rules.ts';
import { qualifiedName } from '../shared/formats.ts';
import { amount, isNativeResource } from '../shared/resource-list.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';

const SPEC = Path.of('spec');
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

export function validateClaim({ spec }: PersistentVolumeClaim): FieldError[] {
  return checkClaimSpec(spec, SPEC);
}

export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const [spec, before] = [claim.spec ?? {}, old.spec ?? {}];
  const errors = checkClaimSpec(spec, SPEC, { allowInvalidValues: hasInvalidValues(before.selector), anySourceGroup: (before.dataSource?.apiGroup ?? before.dataSourceRef?.apiGroup ?? undefined) !== undefined });
  const [beta, betaBefore] = [claim.metadata.annotations?.[BETA_CLASS], old.metadata.annotations?.[BETA_CLASS]];
  const [left, right] = [{ ...before }, { ...spec }];
  if (!before.volumeName) copy(left, spec, 'volumeName');
  const moved = betaBefore !== undefined && before.storageClassName === undefined && spec.storageClassName === betaBefore && (beta === undefined || beta === betaBefore);
  if (moved) delete right.storageClassName;
  else {
    if ((beta ?? '') !== (betaBefore ?? '')) errors.push(invalid(Path.of('metadata', 'annotations', BETA_CLASS), beta ?? '', 'field is immutable'));
    if (spec.storageClassName !== undefined && before.storageClassName === undefined && (betaBefore === undefined || spec.storageClassName === betaBefore)) copy(right, before, 'storageClassName');
  }
  if (claim.status?.phase === 'Bound') {
    const storage = before.resources?.requests?.['storage'];
    if (spec.resources?.requests) right.resources = { ...spec.resources, requests: { ...spec.resources.requests, storage: storage ?? '0' } };
    copy(right, before, 'volumeAttributesClassName');
  }
  if (!semanticEqual(right, left)) {
    const why = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(forbiddenField(SPEC, `${why}\n${internalDiff('PersistentVolumeClaimSpec', left as never, right as never)}`));
  }
  const [size, oldSize] = [amount(spec.resources?.requests, 'storage'), amount(before.resources?.requests, 'storage')];
  if (compareQuantities(size, oldSize) < 0 && compareQuantities(size, amount(old.status?.capacity, 'storage')) <= 0) {
    errors.push(forbiddenField(SPEC.child('resources', 'requests', 'storage'), 'field can not be less than status.capacity'));
  }
  errors.push(...immutable(spec.volumeMode, before.volumeMode, Path.of('volumeMode')));
  return [...errors, ...checkAttributesClass(spec, old)];
}

const RESIZE_STATUSES = ['ControllerResizeInProgress', 'ControllerResizeInfeasible', 'NodeResizeInProgress', 'NodeResizeInfeasible', 'NodeResizePending'].sort();

function checkAllocatedName(name: string, path: Path): FieldError[] {
  const wrong = qualifiedName(name).map((why) => invalid(path, name, why));
  if (wrong.length > 0 || !isNativeResource(name) || name === 'storage') return wrong;
  return [notSupported(path, name, ['storage'])];
}

export function validateClaimStatus(claim: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = claim.spec?.accessModes?.length ? [] : [required(Path.of('Spec', 'accessModes'))];
  for (const name of Object.keys(claim.status?.capacity ?? {})) {
    const quantity = amount(claim.status?.capacity, name);
    const path = Path.of('status', 'capacity').key(name);
    if (quantity.nano < 0n) errors.push(invalid(path, Number(quantity.nano / 1_000_000_000n), 'must be a valid resource quantity'));
  }
  const statuses = Path.of('status', 'allocatedResourceStatuses');
  for (const [name, phase] of Object.entries(claim.status?.allocatedResourceStatuses ?? {})) {
    errors.push(...checkAllocatedName(name, statuses));
    if (!RESIZE_STATUSES.includes(phase)) errors.push(notSupported(statuses, name, RESIZE_STATUSES));
  }
  const allocated = Path.of('status', 'allocatedResources');
  for (const [name, text] of Object.entries(claim.status?.allocatedResources ?? {})) {
    const wrong = checkAllocatedName(name, allocated);
    const { nano } = amount(claim.status?.allocatedResources, name);
    const unfit = nano < 0n ? [invalid(allocated.key(name), Number(nano / 1_000_000_000n), 'must be a valid resource quantity')] : checkAmount('storage', text, allocated.key(name));
    errors.push(...(wrong.length > 0 ? wrong : unfit));
  }
  return errors;
}

function copy(to: PersistentVolumeClaimSpec, from: PersistentVolumeClaimSpec, field: 'volumeName' | 'storageClassName' | 'volumeAttributesClassName'): void {
  if (from[field] === undefined) delete to[field];
  else to[field] = from[field];
}

function checkAttributesClass(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaim): FieldError[] {
  const name = spec.volumeAttributesClassName;
  if (name === old.spec?.volumeAttributesClassName || old.status?.currentVolumeAttributesClassName === undefined || name) return [];
  const what = name === undefined ? 'nil' : 'empty string';
  const why = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  return [forbiddenField(SPEC.child('volumeAttributesClassName'), why)];
}
