/** What a claim to storage may ask for: in PersistentVolumeClaims and in the templates of pods and StatefulSets. */
import { type FieldError, type Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { PersistentVolumeClaimSpec, TypedObjectReference } from '../../types/core.v1.ts';
import { dnsSubdomain } from './formats.ts';
import { type SelectorRules, checkLabelSelector } from './label-selector.ts';
import { nameIsLabel } from './names.ts';
import { checkAmount, positiveAmount } from './quantity-rules.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES = ['Block', 'Filesystem'];

export interface ClaimRules extends SelectorRules {
  /** The group of what it is filled from need not look like one: it had one before. */
  readonly anySourceGroup?: boolean;
}

export function checkClaimSpec(spec: PersistentVolumeClaimSpec | undefined, path: Path, rules: ClaimRules = {}): FieldError[] {
  const modes = spec?.accessModes ?? [];
  const errors: FieldError[] = modes.length === 0 ? [required(path.child('accessModes'), 'at least 1 access mode is required')] : [];
  errors.push(...checkLabelSelector(spec?.selector, path.child('selector'), rules), ...checkAccessModes(modes, path.child('accessModes')));
  const storage = spec?.resources?.requests?.['storage'];
  const field = path.child('resources').key('storage');
  if (storage === undefined) errors.push(required(field));
  else {
    const wrong = positiveAmount(storage, field);
    errors.push(...(wrong.length > 0 ? wrong : checkAmount('storage', storage, field)));
  }
  errors.push(...checkClassName(spec?.storageClassName, path.child('storageClassName')));
  const mode = spec?.volumeMode;
  if (mode !== undefined && !VOLUME_MODES.includes(mode)) errors.push(notSupported(path.child('volumeMode'), mode, VOLUME_MODES));
  errors.push(...checkDataSources(spec ?? {}, path, rules));
  return [...errors, ...checkClassName(spec?.volumeAttributesClassName, path.child('volumeAttributesClassName'))];
}

export function checkAccessModes(modes: readonly string[], path: Path): FieldError[] {
  const errors = modes.filter((mode) => !ACCESS_MODES.includes(mode)).map((mode) => notSupported(path, mode, ACCESS_MODES));
  const known = modes.filter((mode) => ACCESS_MODES.includes(mode));
  if (known.includes('ReadWriteOncePod') && known.some((mode) => mode !== 'ReadWriteOncePod')) {
    errors.push(forbiddenField(path, 'may not use ReadWriteOncePod with other access modes'));
  }
  return errors;
}

function checkClassName(name: string | undefined, path: Path): FieldError[] {
  return name ? dnsSubdomain(name).map((why) => invalid(path, name, why)) : [];
}

function checkDataSources({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, path: Path, rules: ClaimRules): FieldError[] {
  const errors = [
    ...(dataSource ? checkReference(dataSource, path.child('dataSource'), rules) : []),
    ...(dataSourceRef ? checkReference(dataSourceRef, path.child('dataSourceRef'), rules) : []),
  ];
  if (!dataSource || !dataSourceRef) return errors;
  if (dataSourceRef.namespace) return [...errors, invalid(path, {}, 'may not be specified when dataSourceRef.namespace is specified')];
  const same = dataSource.kind === dataSourceRef.kind && dataSource.name === dataSourceRef.name && dataSource.apiGroup === dataSourceRef.apiGroup;
  return same ? errors : [...errors, invalid(path, {}, 'must match dataSourceRef')];
}

function checkReference(reference: TypedObjectReference, path: Path, { anySourceGroup = false }: ClaimRules): FieldError[] {
  const { apiGroup, kind, name, namespace } = reference;
  const errors: FieldError[] = [];
  if (!name) errors.push(required(path.child('name')));
  if (!kind) errors.push(required(path.child('kind')));
  if (!apiGroup && kind !== 'PersistentVolumeClaim') {
    errors.push(invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  }
  if (apiGroup && !anySourceGroup) errors.push(...dnsSubdomain(apiGroup).map((why) => invalid(path.child('apiGroup'), apiGroup, why)));
  if (namespace) errors.push(...nameIsLabel(namespace, false).map((why) => invalid(path.child('namespace'), namespace, why)));
  return errors;
}
