/** The rules for metadata that all kinds share, on create and on update. */
import { type FieldError, Path, forbiddenField, invalid, required, tooLong } from '../../field-error.ts';
import type { Metadata, OwnerReference } from '../../kind.ts';
import { bytes, labelValue, mayExceed, qualifiedName } from './formats.ts';
import { type NameRule, nameIsLabel, nameIsSubdomain } from './names.ts';
import { internalForm } from './internal-form.ts';
import { semanticEqual } from './semantic-equal.ts';

export interface MetadataRules {
  readonly namespaced: boolean;
  readonly validateName?: NameRule | undefined;
}

const METADATA = Path.of('metadata');

/** `generateName` has been turned into a name before. */
export function validateMetadata(metadata: Metadata, rules: MetadataRules, path = METADATA): FieldError[] {
  const errors = checkNames(metadata, rules.validateName ?? nameIsSubdomain, path);
  errors.push(...checkNamespace(metadata.namespace ?? '', rules.namespaced, path));
  if ((metadata.generation ?? 0) < 0) {
    errors.push(invalid(path.child('generation'), metadata.generation, 'must be greater than or equal to 0'));
  }
  if (metadata.labels) errors.push(...checkLabels(metadata.labels, path.child('labels')));
  if (metadata.annotations) errors.push(...checkAnnotations(metadata.annotations, path.child('annotations')));
  if (metadata.ownerReferences) errors.push(...checkOwnerReferences(metadata.ownerReferences, path.child('ownerReferences')));
  if (metadata.finalizers) errors.push(...checkFinalizers(metadata.finalizers, path.child('finalizers')));
  if (metadata.managedFields) errors.push(...checkManagedFields(metadata.managedFields, path.child('managedFields')));
  return errors;
}

export function checkNames({ name, generateName }: Metadata, rule: NameRule, path = METADATA): FieldError[] {
  const errors: FieldError[] = [];
  if (generateName) for (const why of rule(generateName, true)) errors.push(invalid(path.child('generateName'), generateName, why));
  if (!name) errors.push(required(path.child('name'), 'name or generateName is required'));
  else for (const why of rule(name, false)) errors.push(invalid(path.child('name'), name, why));
  return errors;
}

const IMMUTABLE = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

export function validateMetadataUpdate(metadata: Metadata, old: Metadata, path = METADATA): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) errors.push(...checkNoNewFinalizers(metadata.finalizers ?? [], old.finalizers ?? [], path.child('finalizers')));
  if (!metadata.resourceVersion) {
    errors.push(invalid(path.child('resourceVersion'), metadata.resourceVersion ?? '', 'must be specified for an update'));
  }
  if ((metadata.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalid(path.child('generation'), metadata.generation ?? 0, 'must not be decremented'));
  }
  for (const name of IMMUTABLE) if (metadata[name] !== old[name]) errors.push(...immutable(metadata[name], old[name], path.child(name)));
  if (metadata.labels) errors.push(...checkLabels(metadata.labels, path.child('labels')));
  if (metadata.annotations) errors.push(...checkAnnotations(metadata.annotations, path.child('annotations')));
  if (metadata.ownerReferences) errors.push(...checkOwnerReferences(metadata.ownerReferences, path.child('ownerReferences')));
  if (metadata.managedFields) errors.push(...checkManagedFields(metadata.managedFields, path.child('managedFields')));
  return errors;
}

export const IMMUTABLE_WORDS = 'field is immutable';

/** With a type, the value is shown as upstream's server holds it. */
export function immutable(value: unknown, old: unknown, path: Path, type?: string): FieldError[] {
  if (semanticEqual(value, old)) return [];
  return [invalid(path, type === undefined || value === undefined ? value : internalForm(type, value as object as Record<string, unknown>), IMMUTABLE_WORDS)];
}

export function checkLabelKey(key: string, path: Path): FieldError[] {
  const wrong = qualifiedName(key);
  return wrong.length === 0 ? [] : wrong.map((why) => invalid(path, key, why));
}

export function checkLabels(labels: Record<string, string> | undefined, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const key in labels) {
    const value = labels[key] as string;
    errors.push(...checkLabelKey(key, path));
    for (const why of labelValue(value)) errors.push(invalid(path, value, why));
  }
  return errors;
}

const ANNOTATIONS_LIMIT_BYTES = 256 * 1024;

export function checkAnnotations(annotations: Record<string, string> | undefined, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  let units = 0;
  for (const key in annotations) {
    for (const why of qualifiedName(key.toLowerCase())) errors.push(invalid(path, key, why));
    units += key.length + (annotations[key] as string).length;
  }
  if (mayExceed(units, ANNOTATIONS_LIMIT_BYTES) && sizeOf(annotations) > ANNOTATIONS_LIMIT_BYTES) errors.push(tooLong(path, ANNOTATIONS_LIMIT_BYTES));
  return errors;
}

function sizeOf(annotations: Record<string, string> | undefined): number {
  let size = 0;
  for (const key in annotations) size += bytes(key) + bytes(annotations[key] as string);
  return size;
}

function checkNamespace(namespace: string, namespaced: boolean, path: Path): FieldError[] {
  if (!namespaced) return namespace === '' ? [] : [forbiddenField(path.child('namespace'), 'not allowed on this type')];
  if (namespace === '') return [required(path.child('namespace'))];
  const wrong = nameIsLabel(namespace, false);
  return wrong.length === 0 ? [] : wrong.map((why) => invalid(path.child('namespace'), namespace, why));
}

function checkOwnerReferences(references: readonly OwnerReference[], path: Path): FieldError[] {
  const errors: FieldError[] = [];
  let controller = '';
  for (const reference of references) {
    errors.push(...checkOwnerReference(reference, path));
    if (!reference.controller) continue;
    const name = `${reference.kind}/${reference.name}`;
    if (controller) {
      const why = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(invalid(path, references, why));
    } else controller = name;
  }
  return errors;
}

function checkOwnerReference(reference: OwnerReference, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const slashes = reference.apiVersion.split('/').length - 1;
  const version = slashes > 1 ? '' : reference.apiVersion.slice(reference.apiVersion.indexOf('/') + 1);
  if (version === '') errors.push(invalid(path.child('apiVersion'), reference.apiVersion, 'version must not be empty'));
  for (const name of ['kind', 'name', 'uid'] as const) {
    if (!reference[name]) errors.push(invalid(path.child(name), reference[name], 'must not be empty'));
  }
  if (reference.apiVersion === 'v1' && reference.kind === 'Event') {
    errors.push(invalid(path, reference, '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

function checkFinalizers(finalizers: readonly string[], path: Path): FieldError[] {
  const errors = finalizers.flatMap((name) => qualifiedName(name).map((why) => invalid(path, name, why)));
  if (finalizers.includes(ORPHAN) && finalizers.includes(FOREGROUND)) {
    errors.push(invalid(path, finalizers, `finalizer ${ORPHAN} and ${FOREGROUND} cannot be both set`));
  }
  return errors;
}

const STANDARD_FINALIZERS = ['kubernetes', ORPHAN, FOREGROUND];

/** Built-in kinds want finalizers with a domain. */
export function checkQualifiedFinalizers(finalizers: readonly string[] | undefined, path = METADATA.child('finalizers')): FieldError[] {
  return (finalizers ?? []).flatMap((name, at) =>
    name.includes('/') || STANDARD_FINALIZERS.includes(name)
      ? []
      : [invalid(path.index(at), name, 'name is neither a standard finalizer name nor is it fully qualified')],
  );
}

function checkNoNewFinalizers(finalizers: readonly string[], old: readonly string[], path: Path): FieldError[] {
  const added = [...new Set(finalizers)].filter((name) => !old.includes(name)).sort();
  if (added.length === 0) return [];
  const shown = `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
  return [forbiddenField(path, `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`)];
}

interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly fieldsType?: string;
  readonly subresource?: string;
}

const MANAGER_LIMIT_BYTES = 128;
const SUBRESOURCE_LIMIT_BYTES = 256;

function checkManagedFields(entries: readonly unknown[], path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const [at, entry] of (entries as readonly ManagedFieldsEntry[]).entries()) {
    const here = path.index(at);
    const operation = entry.operation ?? '';
    if (operation !== 'Apply' && operation !== 'Update') {
      errors.push(invalid(here.child('operation'), operation, 'must be `Apply` or `Update`'));
    }
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1') {
      errors.push(invalid(here.child('fieldsType'), entry.fieldsType, 'must be `FieldsV1`'));
    }
    if (bytes(entry.manager ?? '') > MANAGER_LIMIT_BYTES) errors.push(tooLong(here.child('manager'), MANAGER_LIMIT_BYTES));
    if (bytes(entry.subresource ?? '') > SUBRESOURCE_LIMIT_BYTES) errors.push(tooLong(here.child('subresource'), SUBRESOURCE_LIMIT_BYTES));
  }
  return errors;
}
