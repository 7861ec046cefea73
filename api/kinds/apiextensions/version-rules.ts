/** What one version of a definition must be: its schema, subresources, columns and selectable fields. Provenance: apiextensions-apiserver pkg/apis/apiextensions/validation of v0.36. */
import { duplicate, forbiddenField, invalid, type Path, required, tooMany, type FieldError } from '../../field-error.ts';
import { validateDefaults } from '../../structural/default-rules.ts';
import { internalSchema } from '../../structural/internal-form.ts';
import type { JsonSchema } from '../../structural/json-schema.ts';
import { validateRules } from '../../structural/rule-rules.ts';
import { validateSchema } from '../../structural/schema-rules.ts';
import { schemaAtPath } from '../../structural/selectable-path.ts';
import { unconvertible, validateStructural } from '../../structural/structural-rules.ts';
import type { CustomResourceColumnDefinition, CustomResourceDefinitionVersion, CustomResourceSubresources, SelectableField } from '../../types/apiextensions.v1.ts';

/** Where errors of each part are told; undefined: another version has told them. */
export interface VersionPaths {
  readonly schema: Path | undefined;
  readonly subresources: Path | undefined;
  readonly columns: Path | undefined;
  readonly selectable: Path | undefined;
}

export interface VersionFacts {
  /** Objects of it have a status of their own. */
  readonly hasStatus: boolean;
  /** Its schema is what it was. */
  readonly unchanged: boolean;
  /** Why its selectable fields may not be where they are: they and the schema must both be each version's own, or both the same in all. */
  readonly misplaced: string | undefined;
}

export function validateVersionParts(version: CustomResourceDefinitionVersion, paths: VersionPaths, facts: VersionFacts): FieldError[] {
  const schema = version.schema?.openAPIV3Schema;
  return [
    ...(paths.schema && schema ? validateRoot(schema, paths.schema.child('openAPIV3Schema'), facts) : []),
    ...(paths.subresources ? validateSubresources(version.subresources, paths.subresources) : []),
    ...(paths.columns ? (version.additionalPrinterColumns ?? []).flatMap((column, at) => validateColumn(column, (paths.columns as Path).index(at))) : []),
    ...(paths.selectable ? validateSelectable(version.selectableFields ?? [], schema, paths.selectable, facts.misplaced) : []),
  ];
}

function validateRoot(schema: JsonSchema, path: Path, { hasStatus, unchanged }: VersionFacts): FieldError[] {
  const errors: FieldError[] = hasStatus ? validateRootFields(schema, path) : [];
  if (schema.nullable) errors.push(forbiddenField(path.child('nullable'), 'nullable cannot be true at the root'));
  const why = unconvertible(schema);
  const convertible = why === undefined;
  const structural = convertible ? validateStructural(schema, path) : [];
  if (convertible && structural.length === 0) structural.push(...validateDefaults(schema, path));
  const forms = validateSchema(schema, path);
  // Rules are compiled where the schema says what they speak of.
  const rules = convertible && structural.length === 0 ? validateRules(schema, path, { unchanged, errors: forms }) : [];
  // What the forms forbid is mostly the same: it is told once.
  const unreadable = why === undefined || forms.length > 0 ? [] : [invalid(path, '', why)];
  return [...errors, ...structural, ...forms, ...rules, ...unreadable];
}

/** By the names that upstream's text lists, in its order. */
const ROOT_FIELDS: Readonly<Record<string, string>> = {
  Description: 'description', Type: 'type', Format: 'format', Title: 'title', Maximum: 'maximum', ExclusiveMaximum: 'exclusiveMaximum', Minimum: 'minimum',
  ExclusiveMinimum: 'exclusiveMinimum', MaxLength: 'maxLength', MinLength: 'minLength', Pattern: 'pattern', MaxItems: 'maxItems', MinItems: 'minItems',
  UniqueItems: 'uniqueItems', MultipleOf: 'multipleOf', Required: 'required', Items: 'items', Properties: 'properties', ExternalDocs: 'externalDocs',
  Example: 'example', XPreserveUnknownFields: 'x-kubernetes-preserve-unknown-fields', XValidations: 'x-kubernetes-validations',
};

function validateRootFields(schema: JsonSchema, path: Path): FieldError[] {
  if (schema.type && schema.type !== 'object') {
    return [invalid(path.child('type'), schema.type, 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled')];
  }
  const allowed = Object.values(ROOT_FIELDS);
  const said = Object.entries(schema).filter(([, value]) => value !== undefined && value !== null && value !== false && value !== '');
  if (said.every(([name]) => allowed.includes(name))) return [];
  return [invalid(path, internalSchema(schema), `only [${Object.keys(ROOT_FIELDS).join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`)];
}

function validateSubresources(subresources: CustomResourceSubresources | undefined, path: Path): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const { specReplicasPath = '', statusReplicasPath = '', labelSelectorPath = '' } = scale;
  return [
    ...requiredPath(specReplicasPath, ['.spec.'], 'should be a json path under .spec', path.child('scale.specReplicasPath')),
    ...requiredPath(statusReplicasPath, ['.status.'], 'should be a json path under .status', path.child('scale.statusReplicasPath')),
    ...(labelSelectorPath === '' ? [] : requiredPath(labelSelectorPath, ['.spec.', '.status.'], 'should be a json path under either .spec or .status', path.child('scale.labelSelectorPath'))),
  ];
}

function requiredPath(text: string, roots: readonly string[], why: string, field: Path): FieldError[] {
  if (text === '') return [required(field)];
  const simple = simplePath(text, field);
  if (simple.length > 0) return simple;
  return roots.some((root) => text.startsWith(root)) ? [] : [invalid(field, text, why)];
}

function simplePath(text: string, field: Path): FieldError[] {
  return text.startsWith('.') ? [] : [invalid(field, text, 'must be a simple json path starting with .')];
}

const COLUMN_TYPES = 'boolean,date,integer,number,string';
const COLUMN_FORMATS = 'byte,date,date-time,double,float,int32,int64,password';

function validateColumn({ name, type = '', format, jsonPath = '' }: CustomResourceColumnDefinition, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(required(path.child('name')));
  if (type === '') errors.push(required(path.child('type'), `must be one of ${COLUMN_TYPES}`));
  else if (!COLUMN_TYPES.split(',').includes(type)) errors.push(invalid(path.child('type'), type, `must be one of ${COLUMN_TYPES}`));
  if (format && !COLUMN_FORMATS.split(',').includes(format)) errors.push(invalid(path.child('format'), format, `must be one of ${COLUMN_FORMATS}`));
  errors.push(...(jsonPath === '' ? [required(path.child('JSONPath'))] : simplePath(jsonPath, path.child('JSONPath'))));
  return errors;
}

export const SELECTABLE_LIMIT = 8;
const SELECTABLE_TYPES = ['string', 'boolean', 'integer'];

function validateSelectable(fields: readonly SelectableField[], schema: JsonSchema | undefined, path: Path, misplaced: string | undefined): FieldError[] {
  const why = misplaced ?? (schema ? undefined : 'may only be set when validations.schema is included');
  if (fields.length > 0 && why !== undefined) return [invalid(path, '', why)];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [at, { jsonPath = '' }] of fields.entries()) {
    const field = path.index(at).child('jsonPath');
    if (jsonPath === '') {
      errors.push(required(field));
      continue;
    }
    let found: JsonSchema;
    try {
      found = schemaAtPath(jsonPath, schema ?? {});
    } catch (error) {
      errors.push(invalid(field, jsonPath, `is an invalid path: ${(error as Error).message}`));
      continue;
    }
    if (/^\.metadata(\.|$)/.test(jsonPath)) errors.push(invalid(field, jsonPath, 'must not point to fields in metadata'));
    if (!SELECTABLE_TYPES.includes(found.type ?? '')) {
      errors.push(invalid(field, jsonPath, 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'));
    }
    if (seen.has(jsonPath)) errors.push(duplicate(field, jsonPath));
    seen.add(jsonPath);
  }
  if (seen.size > SELECTABLE_LIMIT) errors.push(tooMany(path, seen.size, SELECTABLE_LIMIT));
  return errors;
}
