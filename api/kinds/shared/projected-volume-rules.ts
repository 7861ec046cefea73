/** Files that a pod gets from elsewhere: keys of secrets and config maps, the downward API, tokens. */
import { type FieldError, type Path, forbiddenField, invalid, required } from '../../field-error.ts';
import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, VolumeProjection } from '../../types/core.v1.ts';
import { VOLUME_FIELDS, checkFieldRef, checkResourceFieldRef } from './env-rules.ts';
import { checkMode, notReserved } from './text-rules.ts';

export function checkKeyToPath(item: KeyToPath, path: Path): FieldError[] {
  return [
    ...(item.key ? [] : [required(path.child('key'))]),
    ...(item.path ? [] : [required(path.child('path'))]),
    ...notReserved(item.path, path.child('path')),
    ...checkMode(item.mode, path.child('mode')),
  ];
}

export function checkDownwardFile(file: DownwardAPIVolumeFile, path: Path): FieldError[] {
  const errors = [...(file.path ? [] : [required(path.child('path'))]), ...notReserved(file.path, path.child('path'))];
  if (file.fieldRef) {
    errors.push(...checkFieldRef(file.fieldRef, VOLUME_FIELDS, path.child('fieldRef')));
    if (file.resourceFieldRef) errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (file.resourceFieldRef) errors.push(...checkResourceFieldRef(file.resourceFieldRef, path.child('resourceFieldRef'), true));
  else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  return [...errors, ...checkMode(file.mode, path.child('mode'))];
}

export function checkProjected(projected: ProjectedVolumeSource, path: Path): FieldError[] {
  const taken = new Set<string>();
  const errors = checkMode(projected.defaultMode, path.child('defaultMode'));
  for (const [at, source] of (projected.sources ?? []).entries()) {
    const here = path.child('sources').index(at);
    errors.push(...checkSource(source, taken, path, here));
    const count = Object.values(source).filter((value) => value !== undefined && value !== null).length;
    if (count > 1) errors.push(forbiddenField(here, 'may not specify more than 1 volume type per source'));
  }
  return errors;
}

const TEN_MINUTES = 600;
const LONGEST = 2 ** 32;

function checkSource(source: VolumeProjection, taken: Set<string>, path: Path, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  const take = (file: string, shown: string): void => {
    if (file && taken.has(file)) errors.push(invalid(path, shown, 'conflicting duplicate paths'));
    taken.add(file);
  };
  for (const field of ['secret', 'configMap'] as const) {
    const files = source[field];
    if (!files) continue;
    if (!files.name) errors.push(required(here.child(field, 'name')));
    for (const [at, item] of (files.items ?? []).entries()) {
      errors.push(...checkKeyToPath(item, here.child(field, 'items').index(at)));
      take(item.path, files.name ?? '');
    }
  }
  for (const file of source.downwardAPI?.items ?? []) {
    errors.push(...checkDownwardFile(file, here.child('downwardAPI')));
    take(file.path, file.path);
  }
  const token = source.serviceAccountToken;
  if (token) {
    const seconds = token.expirationSeconds ?? 0;
    const field = here.child('serviceAccountToken', 'expirationSeconds');
    if (seconds < TEN_MINUTES) errors.push(invalid(field, seconds, 'may not specify a duration less than 10 minutes'));
    if (seconds > LONGEST) errors.push(invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds'));
    errors.push(...(token.path ? notReserved(token.path, path.child('path')) : [required(path.child('path'))]));
  }
  return errors;
}
