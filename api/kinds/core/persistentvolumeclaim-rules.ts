/** The rules for PersistentVolumeClaims: once made, only their size may grow. */
import { type FieldError, Path, forbiddenField, invalid, required } from '../../field-error.ts';
import { compareQuantities } from '../../quantity.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../types/core.v1.ts';
import { checkClaimSpec } from '../shared/claim-rules.ts';
import { hasInvalidValues } from '../shared/label-selector.ts';
import { immutable } from '../shared/object-meta.ts';
import { amount } from '../shared/resource-list.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';

const SPEC = Path.of('spec');
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

export function validateClaim({ spec }: PersistentVolumeClaim): FieldError[] {
  return checkClaimSpec(spec, SPEC);
}

export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const [spec, before] = [claim.spec ?? {}, old.spec ?? {}];
  const errors = checkClaimSpec(spec, SPEC, { allowInvalidValues: hasInvalidValues(before.selector) });
  const beta = claim.metadata.annotations?.[BETA_CLASS] ?? '';
  if (beta !== (old.metadata.annotations?.[BETA_CLASS] ?? '')) {
    errors.push(invalid(Path.of('metadata', 'annotations', BETA_CLASS), beta, 'field is immutable'));
  }
  if (!semanticEqual(withAllowedChangesUndone(spec, before, claim.status?.phase === 'Bound'), before)) {
    errors.push(forbiddenField(SPEC, 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n'));
  }
  const [size, oldSize] = [amount(spec.resources?.requests, 'storage'), amount(before.resources?.requests, 'storage')];
  if (compareQuantities(size, oldSize) < 0 && compareQuantities(size, amount(old.status?.capacity, 'storage')) <= 0) {
    errors.push(forbiddenField(SPEC.child('resources', 'requests', 'storage'), 'field can not be less than status.capacity'));
  }
  errors.push(...immutable(spec.volumeMode, before.volumeMode, Path.of('volumeMode')));
  return [...errors, ...checkAttributesClass(spec, old)];
}

export function validateClaimStatus(claim: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = claim.spec?.accessModes?.length ? [] : [required(Path.of('Spec', 'accessModes'))];
  for (const name of Object.keys(claim.status?.capacity ?? {})) {
    const quantity = amount(claim.status?.capacity, name);
    const path = Path.of('status', 'capacity').key(name);
    if (quantity.nano < 0n) errors.push(invalid(path, Number(quantity.nano / 1_000_000_000n), 'must be a valid resource quantity'));
  }
  return errors;
}

function withAllowedChangesUndone(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec, bound: boolean): PersistentVolumeClaimSpec {
  const undone = { ...spec };
  const restore = (field: 'volumeName' | 'storageClassName' | 'volumeAttributesClassName'): void => {
    if (old[field] === undefined) delete undone[field];
    else undone[field] = old[field];
  };
  if (!old.volumeName) restore('volumeName');
  if (old.storageClassName === undefined) restore('storageClassName');
  if (!bound) return undone;
  restore('volumeAttributesClassName');
  const storage = old.resources?.requests?.['storage'];
  if (spec.resources?.requests && storage !== undefined) undone.resources = { ...spec.resources, requests: { ...spec.resources.requests, storage } };
  return undone;
}

function checkAttributesClass(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaim): FieldError[] {
  const name = spec.volumeAttributesClassName;
  if (name === old.spec?.volumeAttributesClassName || old.status?.currentVolumeAttributesClassName === undefined || name) return [];
  const what = name === undefined ? 'nil' : 'empty string';
  const why = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  return [forbiddenField(SPEC.child('volumeAttributesClassName'), why)];
}
