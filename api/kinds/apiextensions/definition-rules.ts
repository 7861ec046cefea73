/** What a CustomResourceDefinition must be. Provenance: apiextensions-apiserver pkg/apis/apiextensions/validation of v0.36. */
import { deepEqual } from '../../../std/deep.ts';
import { invalid, notSupported, Path, required, type FieldError } from '../../field-error.ts';
import type { Metadata } from '../../kind.ts';
import { internalVersion } from '../../structural/internal-form.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../../types/apiextensions.v1.ts';
import { hasDefault, someSchema } from '../../structural/json-schema.ts';
import { caBundleProblem } from '../shared/ca-bundle.ts';
import { dns1035Label, dnsSubdomain } from '../shared/formats.ts';
import { nameIsSubdomain } from '../shared/names.ts';
import { immutable, validateMetadata, validateMetadataUpdate } from '../shared/object-meta.ts';
import { isTrue } from './definition-conditions.ts';
import { validateConversion } from './conversion-rules.ts';
import { validateVersionParts, type VersionPaths } from './version-rules.ts';

const SPEC = Path.of('spec');

export function validateDefinition(definition: CustomResourceDefinition): FieldError[] {
  const { spec, metadata } = definition;
  const wanted = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  const validateName = (name: string, prefix: boolean): string[] => [...nameIsSubdomain(name, prefix), ...(name === wanted ? [] : ['must be spec.names.plural+"."+spec.group'])];
  return [
    ...validateMetadata(metadata as never, { namespaced: false, validateName }),
    ...validateSpec(spec),
    ...validateStored(definition),
    ...validateApproval(definition, undefined),
    ...validatePreserve(spec, undefined),
  ];
}

export function validateDefinitionUpdate(definition: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const { spec } = definition;
  const names = SPEC.child('names');
  const served = isTrue(old, 'Established');
  return [
    ...validateMetadataUpdate(definition.metadata as Metadata, old.metadata as Metadata),
    ...validateSpec(spec, old),
    ...(served ? [...immutable(spec.scope, old.spec.scope, SPEC.child('scope')), ...immutable(spec.names?.kind, old.spec.names.kind, names.child('kind'))] : []),
    ...immutable(spec.group, old.spec.group, SPEC.child('group')),
    ...immutable(spec.names?.plural, old.spec.names.plural, names.child('plural')),
    ...validateDefinitionStatus(definition),
    ...validateStored(definition),
    ...validateApproval(definition, old),
    ...validatePreserve(spec, old.spec),
  ];
}

export function validateDefinitionStatus({ status }: CustomResourceDefinition): FieldError[] {
  return status?.acceptedNames ? validateNames(status.acceptedNames, Path.of('status', 'acceptedNames')) : [];
}

function validateSpec(spec: CustomResourceDefinitionSpec, old?: CustomResourceDefinition): FieldError[] {
  const { group = '', scope = '' } = spec;
  const names = spec.names ?? { plural: '', kind: '' };
  const versions = spec.versions ?? [];
  const errors = [...validateGroup(group), ...oneOf(SPEC.child('scope'), scope, ['Cluster', 'Namespaced'])];
  for (const [at, { schema }] of versions.entries()) {
    if (!schema?.openAPIV3Schema) errors.push(required(SPEC.child('versions').index(at).child('schema', 'openAPIV3Schema')));
  }
  if (spec.preserveUnknownFields && versions.some(({ schema }) => schema?.openAPIV3Schema && someSchema(schema.openAPIV3Schema, hasDefault))) {
    errors.push(invalid(SPEC.child('preserveUnknownFields'), true, 'must be false in order to use defaults in the schema'));
  }
  errors.push(...validateVersions(spec.versions, old?.spec.versions ?? []));
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) if (!names[name]) errors.push(required(SPEC.child('names', name)));
  const checksBundle = old !== undefined && isTrue(old, 'Established') && caBundleProblem(old.spec.conversion?.webhook?.clientConfig?.caBundle ?? '') === undefined;
  return [...errors, ...validateNames(names, SPEC.child('names')), ...validateConversion(spec.conversion, { keepsUnknown: spec.preserveUnknownFields === true, checksBundle }, SPEC.child('conversion'))];
}

function validateGroup(group: string): FieldError[] {
  const field = SPEC.child('group');
  if (group === '') return [required(field)];
  const wrong = dnsSubdomain(group);
  if (wrong.length > 0) return [invalid(field, group, wrong.join(','))];
  return group.includes('.') ? [] : [invalid(field, group, 'should be a domain with at least one dot')];
}

export function oneOf(field: Path, value: string, choices: readonly string[]): FieldError[] {
  if (value === '') return [required(field)];
  return choices.includes(value) ? [] : [notSupported(field, value, choices)];
}

/** What all versions say alike is told of once, where older definitions had it: at the top of the spec. */
function validateVersions(given: readonly CustomResourceDefinitionVersion[] | undefined, before: readonly CustomResourceDefinitionVersion[]): FieldError[] {
  const field = SPEC.child('versions');
  const errors: FieldError[] = [];
  const versions = given ?? [];
  const [first] = versions;
  const alike = (name: keyof CustomResourceDefinitionVersion): boolean => versions.every((version) => deepEqual(version[name], first?.[name]));
  const shared = { schema: alike('schema'), subresources: alike('subresources'), additionalPrinterColumns: alike('additionalPrinterColumns'), selectableFields: alike('selectableFields') };
  const misplaced = shared.schema === shared.selectableFields ? undefined : `may only be set when ${shared.schema ? '`version.schema.openAPIV3Schema` is not' : 'validations.schema is'} included`;
  const shown = (): unknown => given?.map((version) => internalVersion(version, shared)) ?? null;
  const anyStatus = versions.some(({ subresources }) => subresources?.status !== undefined);
  for (const [at, version] of versions.entries()) {
    const here = field.index(at);
    const wrong = dns1035Label(version.name ?? '');
    if (wrong.length > 0) errors.push(invalid(here.child('name'), version.name ?? '', wrong.join(',')));
    errors.push(...deprecation(version, here.child('deprecationWarning')));
    const place = (name: keyof typeof shared, top = name as string): Path | undefined => (shared[name] ? (at === 0 ? SPEC.child(top) : undefined) : here.child(name));
    const paths: VersionPaths = {
      schema: place('schema', 'validation'), subresources: place('subresources'), columns: place('additionalPrinterColumns'), selectable: place('selectableFields'),
    };
    const old = before.find(({ name }) => name === version.name);
    errors.push(...validateVersionParts(version, paths, {
      hasStatus: shared.schema ? anyStatus : version.subresources?.status !== undefined, unchanged: old !== undefined && deepEqual(old.schema, version.schema), misplaced,
    }));
  }
  if (new Set(versions.map(({ name }) => name)).size < versions.length) errors.push(invalid(field, shown(), 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1) errors.push(invalid(field, shown(), 'must have exactly one version marked as storage version'));
  // Older definitions had one version, whose name stood at the top: that of the first is told of there too.
  const wrong = first?.name ? dns1035Label(first.name) : [];
  if (wrong.length > 0) errors.push(invalid(SPEC.child('version'), first?.name, wrong.join(',')));
  return errors;
}

const WARNING_LIMIT = 256;

function deprecation({ deprecated, deprecationWarning: text }: CustomResourceDefinitionVersion, field: Path): FieldError[] {
  if (text === undefined) return [];
  if (!deprecated) return [invalid(field, { toJSON: () => text }, 'can only be set for deprecated versions')];
  const wrong: string[] = [];
  if (text.length > WARNING_LIMIT) wrong.push('must be <= 256 characters long');
  if (text === '') wrong.push('must not be an empty string');
  const odd = text.search(/[^\P{C}]|[^\S ]/u);
  if (odd >= 0) wrong.push(`must only contain printable UTF-8 characters; non-printable character found at index ${odd}`);
  // Upstream hands over a pointer, which is shown as JSON.
  return wrong.map((why) => invalid(field, { toJSON: () => text }, why));
}

function validateNames(names: CustomResourceDefinitionNames, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['plural', 'singular'] as const) {
    const text = names[name] ?? '';
    const wrong = text === '' ? [] : dns1035Label(text);
    if (wrong.length > 0) errors.push(invalid(path.child(name), text, wrong.join(',')));
  }
  for (const name of ['kind', 'listKind'] as const) {
    const text = names[name] ?? '';
    const wrong = text === '' ? [] : dns1035Label(text.toLowerCase());
    if (wrong.length > 0) errors.push(invalid(path.child(name), text, `may have mixed case, but should otherwise match: ${wrong.join(',')}`));
  }
  if (names.kind && names.kind === names.listKind) errors.push(invalid(path.child('listKind'), names.listKind, 'kind and listKind may not be the same'));
  for (const name of ['shortNames', 'categories'] as const) {
    for (const [at, text] of (names[name] ?? []).entries()) {
      const wrong = dns1035Label(text);
      if (wrong.length > 0) errors.push(invalid(path.child(name).index(at), text, wrong.join(',')));
    }
  }
  return errors;
}

function validateStored({ spec, status }: CustomResourceDefinition): FieldError[] {
  const field = Path.of('status', 'storedVersions');
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) return [invalid(field, null, 'must have at least one stored version')];
  const errors: FieldError[] = [];
  const versions = spec.versions ?? [];
  for (const { name, storage } of versions) if (storage && !stored.includes(name)) errors.push(invalid(field, stored, `must have the storage version ${name}`));
  for (const [at, name] of stored.entries()) {
    if (versions.some((version) => version.name === name)) continue;
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.push(invalid(field.index(at), name, why));
  }
  return errors;
}

export const APPROVED = 'api-approved.kubernetes.io';
const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111';

export type Approval = 'missing' | 'unapproved' | 'approved' | 'invalid';

/** Undefined: the group needs none. */
export function approvalOf({ spec, metadata }: Pick<CustomResourceDefinition, 'spec' | 'metadata'>): Approval | undefined {
  if (!/^(.*\.)?(k8s\.io|kubernetes\.io)$/.test(spec.group ?? '')) return undefined;
  const text = metadata.annotations?.[APPROVED] ?? '';
  if (text === '') return 'missing';
  if (text.startsWith('unapproved')) return 'unapproved';
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/\s]+/.test(text) ? 'approved' : 'invalid';
}

function validateApproval(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  const approval = approvalOf(definition);
  if (!approval || (old && approvalOf(old) === approval)) return [];
  const field = Path.of('metadata', 'annotations').key(APPROVED);
  if (approval === 'missing') return [required(field, approvalWords(approval, ''))];
  const text = definition.metadata.annotations?.[APPROVED] ?? '';
  return approval === 'invalid' ? [invalid(field, text, approvalWords(approval, text))] : [];
}

export function approvalWords(approval: Approval, text: string): string {
  switch (approval) {
    case 'missing':
      return `protected groups must have approval annotation "${APPROVED}", ${SEE}`;
    case 'invalid':
      return `protected groups must have approval annotation "${APPROVED}" with either a URL or a reason starting with "unapproved", ${SEE}`;
    case 'unapproved':
      return `not approved: ${JSON.stringify(text)}`;
    case 'approved':
      return `approved in ${text}`;
  }
}

function validatePreserve({ preserveUnknownFields }: CustomResourceDefinitionSpec, old: CustomResourceDefinitionSpec | undefined): FieldError[] {
  if (!preserveUnknownFields || old?.preserveUnknownFields) return [];
  return [invalid(SPEC.child('preserveUnknownFields'), true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead')];
}
