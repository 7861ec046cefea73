/** OpenAPI schemas of custom resources: their structural schema, with the known types of metadata. */
import type { Kind, KindVersion } from '../kind.ts';
import { listTypeOf, typeNameOf } from './operations.ts';
import { refTo, type Describe, type Json, type OpenApiVersion } from './schemas.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/** The type itself and its list, by name. Upstream: apiextensions-apiserver pkg/controller/openapi/builder. */
export function customSchemas(kind: Kind, version: KindVersion, openapi: OpenApiVersion, describe?: Describe): Record<string, Json> {
  if (!('structural' in version.schema)) return {};
  const name = typeNameOf(kind, version);
  const gvk = (of: string): Json[] => [{ group: kind.group, kind: of, version: version.version }];
  const text = (type: string, field: string): Json => {
    const description = describe?.(type, field);
    return description === undefined ? {} : { description };
  };
  const common = (type: string): Json => ({ apiVersion: { ...text(type, 'apiVersion'), type: 'string' }, kind: { ...text(type, 'kind'), type: 'string' } });
  const { structural } = version.schema;
  const own = openapi === 2 ? toVersion2(structural) : toVersion3(structural);
  // Version 2 clients take what is declared for all there may be: a type that keeps unknown fields declares nothing.
  const open = openapi === 2 && structural['x-kubernetes-preserve-unknown-fields'] === true;
  return {
    [name]: {
      ...(open ? {} : { ...own, properties: { ...(own['properties'] as Json | undefined), ...common(POD), metadata: { ...text(POD, 'metadata'), ...metadataOf('ObjectMeta', openapi) } } }),
      type: 'object',
      'x-kubernetes-group-version-kind': gvk(kind.kind),
      ...selectable(version, kind),
    },
    [listTypeOf(kind, version)]: {
      ...(describe && { description: `${kind.listKind} is a list of ${kind.kind}` }),
      type: 'object',
      required: ['items'],
      properties: { ...common(`${POD}List`), metadata: { ...text(`${POD}List`, 'metadata'), ...metadataOf('ListMeta', openapi) }, items: { ...(describe && { description: `List of ${kind.plural}. More info: ${CONVENTIONS}` }), type: 'array', items: refTo(name, openapi) } },
      'x-kubernetes-group-version-kind': gvk(kind.listKind),
      ...selectable(version, kind),
    },
  };
}

/** By which of its fields objects can be selected. */
function selectable({ own }: KindVersion, kind: Kind): Json {
  const fields = Object.keys(own?.selectableFields ?? kind.selectableFields ?? {});
  return fields.length === 0 ? {} : { 'x-kubernetes-selectable-fields': fields.map((fieldPath) => ({ fieldPath })) };
}

const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
/** Whose texts for metadata are taken. */
const POD = 'io.k8s.api.core.v1.Pod';

function metadataOf(type: string, openapi: OpenApiVersion): Json {
  const ref = refTo(`${META}${type}`, openapi);
  return openapi === 3 ? { allOf: [ref] } : ref;
}

/** The same for all schemas in a schema. */
function descend(schema: Readonly<Json>, convert: (inner: Json) => Json): Json {
  const out: Json = { ...schema };
  if (schema['properties']) out['properties'] = Object.fromEntries(Object.entries(schema['properties'] as Record<string, Json>).map(([name, inner]) => [name, convert(inner)]));
  for (const key of ['items', 'additionalProperties']) {
    if (typeof schema[key] === 'object' && schema[key] !== null) out[key] = convert(schema[key] as Json);
  }
  return out;
}

/** An embedded resource has the fields that every resource has. */
function withEmbedded(schema: Json, openapi: OpenApiVersion): Json {
  if (schema['x-kubernetes-embedded-resource'] !== true) return schema;
  const required = new Set([...((schema['required'] as string[] | undefined) ?? []), 'kind', 'apiVersion']);
  const properties = { ...(schema['properties'] as Json | undefined), apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: metadataOf('ObjectMeta', openapi) };
  return { ...schema, properties, required: [...required] };
}

/** What int-or-string means is spelled out. */
function toVersion3(schema: Readonly<Json>): Json {
  const out = withEmbedded(descend(schema, toVersion3), 3);
  if (schema['x-kubernetes-int-or-string'] !== true || saysEither(schema) || saysEither((schema['allOf'] as Json[] | undefined)?.[0])) return out;
  const either = [{ type: 'integer' }, { type: 'string' }];
  return out['anyOf'] ? { ...out, allOf: [{ anyOf: either }, ...((out['allOf'] as Json[] | undefined) ?? [])] } : { ...out, anyOf: either };
}

function saysEither(schema: Readonly<Json> | undefined): boolean {
  const types = (schema?.['anyOf'] as Json[] | undefined)?.map(({ type }) => type);
  return types?.length === 2 && types.includes('integer') && types.includes('string');
}

/** What version 2 cannot say. */
const ONLY_IN_3: ReadonlySet<string> = new Set(['oneOf', 'anyOf', 'allOf', 'not', 'nullable']);

/** What is nullable or keeps unknown fields says less of its type, so that clients accept what the server does. */
function toVersion2(schema: Readonly<Json>): Json {
  const out = descend(schema, toVersion2);
  for (const key of ONLY_IN_3) delete out[key];
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema['nullable'] === true || open) {
    delete out['items'];
    delete out['properties'];
    if (schema['nullable'] === true || out['type'] === 'object') delete out['type'];
  }
  if (out['items'] === undefined && out['type'] === 'array') delete out['type'];
  const required = (out['required'] as string[] | undefined)?.filter((name) => (schema['properties'] as Record<string, Json> | undefined)?.[name]?.['nullable'] !== true);
  if (required && required.length > 0) out['required'] = required;
  else delete out['required'];
  return open ? out : withEmbedded(out, 2);
}
