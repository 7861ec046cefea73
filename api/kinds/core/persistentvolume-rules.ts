/** The rules for PersistentVolumes: one source, which stays as it is. */
import { type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../../types/core.v1.ts';
import { checkNodeSelector } from '../shared/affinity-rules.ts';
import { VOLUME_MODES, checkAccessModes } from '../shared/claim-rules.ts';
import { dnsSubdomain } from '../shared/formats.ts';
import { immutable } from '../shared/object-meta.ts';
import { positiveAmount } from '../shared/quantity-rules.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { noBacksteps } from '../shared/text-rules.ts';
import { checkDriverName, checkHostPath, checkNfs } from '../shared/volume-rules.ts';

const SPEC = Path.of('spec');
const NOT_SOURCES = new Set([
  'capacity', 'accessModes', 'claimRef', 'persistentVolumeReclaimPolicy', 'storageClassName', 'mountOptions', 'volumeMode', 'nodeAffinity', 'volumeAttributesClassName',
]);
const RECLAIM = ['Delete', 'Recycle', 'Retain'];

export function validateVolume({ spec }: PersistentVolume): FieldError[] {
  if (!spec) return [];
  const modes = spec.accessModes ?? [];
  const errors: FieldError[] = modes.length === 0 ? [required(SPEC.child('accessModes'))] : [];
  errors.push(...checkAccessModes(modes, SPEC.child('accessModes')), ...checkCapacity(spec));
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy && !RECLAIM.includes(policy)) errors.push(notSupported(SPEC.child('persistentVolumeReclaimPolicy'), policy, RECLAIM));
  errors.push(...checkAffinity(spec), ...checkSource(spec));
  if (spec.hostPath && /^\/+\.?$/.test(spec.hostPath.path) && policy === 'Recycle') {
    errors.push(forbiddenField(SPEC.child('persistentVolumeReclaimPolicy'), "may not be 'recycle' for a hostPath mount of '/'"));
  }
  if (spec.storageClassName) errors.push(...className(spec.storageClassName, 'storageClassName'));
  if (spec.volumeMode !== undefined && !VOLUME_MODES.includes(spec.volumeMode)) {
    errors.push(notSupported(SPEC.child('volumeMode'), spec.volumeMode, VOLUME_MODES));
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes === undefined) return errors;
  if (attributes === '') errors.push(required(SPEC.child('volumeAttributesClassName'), 'an empty string is disallowed'));
  else errors.push(...className(attributes, 'volumeAttributesClassName'));
  return spec.csi ? errors : [...errors, required(SPEC.child('csi'), 'has to be specified when using volumeAttributesClassName')];
}

export function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const [spec, before] = [volume.spec, old.spec];
  const errors = validateVolume(volume);
  if (!spec || !before) return errors;
  if (!semanticEqual(sourceOf(spec), sourceOf(before))) {
    errors.push(forbiddenField(SPEC.child('persistentvolumesource'), 'spec.persistentvolumesource is immutable after creation\n'));
  }
  errors.push(...immutable(spec.volumeMode, before.volumeMode, Path.of('volumeMode')));
  if (before.nodeAffinity) errors.push(...immutable(spec.nodeAffinity, before.nodeAffinity, Path.of('nodeAffinity')));
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    errors.push(forbiddenField(SPEC.child('volumeAttributesClassName'), 'update from non-nil value to nil is forbidden'));
  }
  return errors;
}

function checkCapacity({ capacity = {} }: PersistentVolumeSpec): FieldError[] {
  const path = SPEC.child('capacity');
  const names = Object.keys(capacity);
  const errors: FieldError[] = names.length === 0 ? [required(path)] : [];
  if (capacity['storage'] === undefined || names.length > 1) errors.push(notSupported(path, names.length > 0 ? capacity : null, ['storage']));
  return [...errors, ...Object.entries(capacity).flatMap(([name, text]) => positiveAmount(text, path.key(name)))];
}

function checkAffinity({ nodeAffinity }: PersistentVolumeSpec): FieldError[] {
  const path = SPEC.child('nodeAffinity');
  if (!nodeAffinity) return [];
  if (!nodeAffinity.required) return [required(path.child('required'), 'must specify required node constraints')];
  return checkNodeSelector(nodeAffinity.required, path.child('required'));
}

function checkSource(spec: PersistentVolumeSpec): FieldError[] {
  const sources = Object.keys(sourceOf(spec));
  if (sources.length === 0) return [required(SPEC, 'must specify a volume type')];
  const errors = sources.slice(1).map((field) => forbiddenField(SPEC.child(field), 'may not specify more than 1 volume type'));
  if (spec.hostPath) return [...checkHostPath(spec.hostPath, SPEC.child('hostPath')), ...errors];
  if (spec.nfs) return [...checkNfs(spec.nfs, SPEC.child('nfs')), ...errors];
  if (spec.local) {
    const where = spec.local.path;
    const wrong = where ? noBacksteps(where, SPEC.child('local', 'path')) : [required(SPEC.child('local', 'path'))];
    const affinity = spec.nodeAffinity?.required ? [] : [required(SPEC.child('nodeAffinity'), 'Local volume requires node affinity')];
    return [...wrong, ...affinity, ...errors];
  }
  if (!spec.csi) return errors;
  const handle = spec.csi.volumeHandle ? [] : [required(SPEC.child('csi', 'volumeHandle'))];
  return [...checkDriverName(spec.csi.driver, SPEC.child('csi', 'driver')), ...handle, ...errors];
}

function sourceOf(spec: PersistentVolumeSpec): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([field, value]) => !NOT_SOURCES.has(field) && value !== undefined));
}

function className(name: string, field: string): FieldError[] {
  return dnsSubdomain(name).map((why) => invalid(SPEC.child(field), name, why));
}
