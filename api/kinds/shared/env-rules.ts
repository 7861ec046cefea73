/** Environment variables of containers, and the downward API that they share with volumes. */
import { type FieldError, type Path, invalid, notSupported, required } from '../../field-error.ts';
import { canonicalQuantity, parseQuantity } from '../../quantity.ts';
import type { EnvFromSource, EnvVar, ObjectFieldSelector, ResourceFieldSelector } from '../../types/core.v1.ts';
import { configMapKey, dnsSubdomain, envVarName, qualifiedName } from './formats.ts';
import { nameIsSubdomain } from './names.ts';
import { isDnsLabel, noBacksteps } from './text-rules.ts';

export const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
export const VOLUME_FIELDS = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];

export function checkEnv(variables: readonly EnvVar[], path: Path): FieldError[] {
  return variables.flatMap((variable, at) => {
    const here = path.index(at);
    const name = variable.name
      ? envVarName(variable.name).map((why) => invalid(here.child('name'), variable.name, why))
      : [required(here.child('name'))];
    return [...name, ...checkValueFrom(variable, here.child('valueFrom'))];
  });
}

export function checkEnvFrom(sources: readonly EnvFromSource[], path: Path): FieldError[] {
  return sources.flatMap((source, at) => {
    const here = path.index(at);
    const errors: FieldError[] = [];
    if (source.prefix) errors.push(...envVarName(source.prefix).map((why) => invalid(here.child('prefix'), source.prefix, why)));
    let count = 0;
    for (const field of ['configMapRef', 'secretRef'] as const) {
      const reference = source[field];
      if (!reference) continue;
      count++;
      const name = here.child(field, 'name');
      if (!reference.name) errors.push(required(name));
      else errors.push(...nameIsSubdomain(reference.name, true).map((why) => invalid(name, reference.name, why)));
    }
    if (count === 0) errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (count > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
    return errors;
  });
}

/** A field of the pod: a plain path, or one annotation or label of it. */
export function checkFieldRef(reference: ObjectFieldSelector, allowed: readonly string[], path: Path): FieldError[] {
  if (!reference.apiVersion) return [required(path.child('apiVersion'))];
  if (!reference.fieldPath) return [required(path.child('fieldPath'))];
  const field = path.child('fieldPath');
  if (reference.apiVersion !== 'v1') {
    return [invalid(field, reference.fieldPath, `error converting fieldPath: unsupported pod version: ${reference.apiVersion}`)];
  }
  const [, base, key] = /^(.+)\['([^']*)'\]$/.exec(reference.fieldPath) ?? [];
  if (!isConvertible(base ?? reference.fieldPath, key !== undefined)) {
    return [invalid(field, reference.fieldPath, `error converting fieldPath: field label not supported: ${reference.fieldPath}`)];
  }
  if (base === undefined) {
    const name = reference.fieldPath === 'spec.host' ? 'spec.nodeName' : reference.fieldPath;
    return allowed.includes(name) ? [] : [notSupported(field, name, allowed)];
  }
  const text = base === 'metadata.annotations' ? (key ?? '').toLowerCase() : (key ?? '');
  return qualifiedName(text).map((why) => invalid(path, text, why));
}

const RESOURCE_FIELDS = ['limits', 'requests'].flatMap((list) => ['cpu', 'ephemeral-storage', 'memory'].map((name) => `${list}.${name}`));

export function checkResourceFieldRef(reference: ResourceFieldSelector, path: Path, needsContainer = false): FieldError[] {
  const resource = reference.resource ?? '';
  const errors: FieldError[] = [];
  if (needsContainer && !reference.containerName) errors.push(required(path.child('containerName')));
  else if (resource === '') errors.push(required(path.child('resource')));
  else if (!RESOURCE_FIELDS.includes(resource) && !isHugePagesField(resource)) {
    errors.push(notSupported(path.child('resource'), resource, RESOURCE_FIELDS));
  }
  return [...errors, ...checkDivisor(resource, reference.divisor ?? '0', path.child('divisor'))];
}

const SIZES = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

function checkDivisor(resource: string, divisor: string, path: Path): FieldError[] {
  if (parseQuantity(divisor)?.nano === 0n) return [];
  const text = canonicalQuantity(divisor) ?? divisor;
  const wrong = (allowed: readonly string[], named: string, what: string): FieldError[] =>
    allowed.includes(text) ? [] : [invalid(path, resource, `only divisor's values ${named} are supported with the ${what} resource`)];
  const kind = resource.replace(/^(limits|requests)\./, '');
  if (kind === resource) return [];
  if (kind === 'cpu') return wrong(['1m', '1'], '1m and 1', 'cpu');
  if (kind === 'memory') return wrong(SIZES, SIZES.join(', '), 'memory');
  if (kind === 'ephemeral-storage') return wrong(SIZES, SIZES.join(', '), 'local ephemeral storage');
  return isHugePagesField(resource) ? wrong(SIZES, SIZES.join(', '), 'hugepages') : [];
}

function isHugePagesField(resource: string): boolean {
  return resource.startsWith('requests.hugepages-') || resource.startsWith('limits.hugepages-');
}

/** Which labels the server knows of pods at all, before it asks which of them are allowed here. */
function isConvertible(field: string, subscripted: boolean): boolean {
  if (subscripted) return field === 'metadata.annotations' || field === 'metadata.labels';
  const others = ['metadata.annotations', 'metadata.labels', 'spec.restartPolicy', 'spec.schedulerName', 'status.phase', 'spec.host'];
  return ENV_FIELDS.includes(field) || others.includes(field);
}

const SOURCES = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';

function checkValueFrom({ value, valueFrom }: EnvVar, path: Path): FieldError[] {
  if (!valueFrom) return [];
  const errors: FieldError[] = [];
  if (valueFrom.fieldRef) errors.push(...checkFieldRef(valueFrom.fieldRef, ENV_FIELDS, path.child('fieldRef')));
  if (valueFrom.resourceFieldRef) errors.push(...checkResourceFieldRef(valueFrom.resourceFieldRef, path.child('resourceFieldRef')));
  for (const field of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = valueFrom[field];
    if (reference) errors.push(...checkKeyRef(reference, path.child(field)));
  }
  if (valueFrom.fileKeyRef) errors.push(...checkFileKeyRef(valueFrom.fileKeyRef, path.child('fileKeyRef')));
  const count = Object.values(valueFrom).filter((source) => source !== undefined && source !== null).length;
  if (count === 0) errors.push(invalid(path, '', `must specify one of: ${SOURCES}`));
  else if (value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  return errors;
}

function checkKeyRef(reference: { name?: string; key: string }, path: Path): FieldError[] {
  const name = reference.name ?? '';
  const key = reference.key ? configMapKey(reference.key).map((why) => invalid(path.child('key'), reference.key, why)) : [required(path.child('key'))];
  return [...dnsSubdomain(name).map((why) => invalid(path.child('name'), name, why)), ...key];
}

function checkFileKeyRef(reference: { key: string; volumeName: string; path: string }, path: Path): FieldError[] {
  const { key, volumeName } = reference;
  return [
    ...(key ? envVarName(key).map((why) => invalid(path.child('key'), key, why)) : [required(path.child('key'))]),
    ...(volumeName ? isDnsLabel(volumeName, path.child('volumeName')) : [required(path.child('volumeName'))]),
    ...(reference.path ? noBacksteps(reference.path, path.child('path')) : [required(path.child('path'))]),
  ];
}
