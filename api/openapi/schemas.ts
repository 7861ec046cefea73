/** OpenAPI schemas of the types of the facts table. */
import { jsonFields } from '../codec/compile.ts';
import { knownType, typeFact } from '../facts/facts.ts';
import type { FieldFact } from '../facts/fact.ts';

export type Json = Record<string, unknown>;
export type OpenApiVersion = 2 | 3;

export interface SchemaOptions {
  readonly version: OpenApiVersion;
  /** Whose document it is, in version 3: types that have a kind in every group and version name only the core one and their own. */
  readonly gv?: { readonly group: string; readonly version: string };
  /** Texts for types and fields, where they are asked for. */
  readonly describe?: Describe;
}

/** The text for a type, or for a field of it. */
export type Describe = (type: string, field?: string) => string | undefined;

export function typeSchema(name: string, options: SchemaOptions): Json {
  const fact = knownType(name);
  const text = options.describe?.(name);
  const described = text === undefined ? {} : { description: text };
  const own = options.version === 3 ? fact.schema : fact.schemaV2;
  if (own) return { ...described, ...own };
  const properties: Json = {};
  const required: string[] = [];
  for (const field of jsonFields(name)) {
    properties[field.name as string] = fieldSchema(name, field, options);
    if (field.required) required.push(field.name as string);
  }
  const kinds = kindsOf(name, options);
  return {
    ...described,
    type: 'object',
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.length > 0 && { required }),
    ...(fact.mapType && { 'x-kubernetes-map-type': fact.mapType }),
    ...(kinds.length > 0 && { 'x-kubernetes-group-version-kind': kinds }),
    ...(fact.unions && {
      'x-kubernetes-unions': fact.unions.map(({ discriminator, fields }) => ({ ...(discriminator && { discriminator }), 'fields-to-discriminateBy': fields })),
    }),
  };
}

/** All types that some types are made of, themselves included. Names that are not in the table are left out. */
export function reachableTypes(roots: Iterable<string>): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    const fact = found.has(name) ? undefined : typeFact(name);
    if (!fact) return;
    found.add(name);
    if (fact.schema) return;
    for (const field of jsonFields(name)) for (let at: FieldFact | undefined = field; at; at = at.of) if (at.ref) visit(at.ref);
  };
  for (const root of roots) visit(root);
  return found;
}

export function refTo(name: string, version: OpenApiVersion): Json {
  return { $ref: `${version === 3 ? '#/components/schemas/' : '#/definitions/'}${name}` };
}

function kindsOf(name: string, { version, gv }: SchemaOptions): Json[] {
  const { kinds } = knownType(name);
  const everywhere = version === 3 && EVERYWHERE.has(name);
  return kinds
    .filter(([group, of]) => !everywhere || (gv ? (group === '' && of === 'v1') || (group === gv.group && of === gv.version) : !APART.has(group)))
    .map(([group, of, kind]) => ({ group, kind, version: of }));
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
/** Groups of other servers upstream, whose kinds the documents of custom resources do not know. */
const APART: ReadonlySet<string> = new Set(['admission.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io', 'imagepolicy.k8s.io']);
const EVERYWHERE: ReadonlySet<string> = new Set([`${META}DeleteOptions`, `${META}WatchEvent`]);

function fieldSchema(type: string, field: FieldFact, options: SchemaOptions): Json {
  const description = options.describe?.(type, field.name);
  const more = {
    ...(description !== undefined && { description }),
    ...(options.version === 3 && 'default' in field && { default: field.default }),
    ...(field.listType && { 'x-kubernetes-list-type': field.listType }),
    ...(field.mapKeys && { 'x-kubernetes-list-map-keys': field.mapKeys }),
    ...(field.mapType && { 'x-kubernetes-map-type': field.mapType }),
    ...(field.mergeKey && { 'x-kubernetes-patch-merge-key': field.mergeKey }),
    ...(field.patchStrategy && { 'x-kubernetes-patch-strategy': field.patchStrategy }),
  };
  const schema = shape(field, options);
  if (Object.keys(more).length === 0 && UNDESCRIBED.has(`${type}.${field.name}`)) return schema;
  return beside(schema, more, options.version);
}

const PROPS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
/** Fields without a description upstream, whose references therefore stand bare. */
const UNDESCRIBED: ReadonlySet<string> = new Set([
  ...['additionalItems', 'additionalProperties', 'example', 'externalDocs', 'items', 'not'].map((name) => `${PROPS}.${name}`),
  'io.k8s.api.networking.v1.IngressRule.http',
]);

/** In version 3 nothing may stand beside a `$ref`; upstream's fields have descriptions, ours may have. */
function beside(schema: Json, more: Json, version: OpenApiVersion): Json {
  return version === 3 && '$ref' in schema ? { allOf: [schema], ...more } : { ...schema, ...more };
}

function shape(field: FieldFact, options: SchemaOptions): Json {
  if (field.ref) return refTo(field.ref, options.version);
  switch (field.kind) {
    case 'list':
      return { type: 'array', items: element(field.of as FieldFact, options) };
    case 'map':
      return { type: 'object', additionalProperties: element(field.of as FieldFact, options) };
    case 'bytes':
      return { type: 'string', format: 'byte' };
    case 'string':
      return { type: 'string', ...(field.enum && { enum: field.enum }) };
    case 'bool':
      return { type: 'boolean' };
    case 'double':
      return { type: 'number', format: 'double' };
    case 'any':
      return { type: 'object' };
    default:
      return { type: 'integer', format: field.kind };
  }
}

const ZERO: Readonly<Record<string, unknown>> = { ref: {}, string: '', bool: false, int32: 0, int64: 0, double: 0 };

/** An item's zero value is its default in version 3. */
function element(field: FieldFact, options: SchemaOptions): Json {
  const schema = shape(field, options);
  return options.version === 3 && !field.pointer && field.kind in ZERO ? beside(schema, { default: ZERO[field.kind] }, 3) : schema;
}
