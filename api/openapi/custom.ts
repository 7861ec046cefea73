/** OpenAPI schemas of custom resources: their structural schema, with the known types of metadata. */
import type { Kind, KindVersion } from '../kind.ts';
import { listTypeOf, typeNameOf } from './operations.ts';
import { refTo, type Describe, type Json, type OpenApiVersion } from './schemas.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/** The type itself and its list, by name. */
export function customSchemas(kind: Kind, version: KindVersion, openapi: OpenApiVersion, describe?: Describe): Record<string, Json> {
  if (!('structural' in version.schema)) return {};
  const name = typeNameOf(kind, version);
  const gvk = (of: string): Json[] => [{ group: kind.group, kind: of, version: version.version }];
  const own = openapi === 2 ? toVersion2(version.schema.structural) : (version.schema.structural as Json);
  const text = (type: string, field: string): Json => {
    const description = describe?.(type, field);
    return description === undefined ? {} : { description };
  };
  const common = (type: string): Json => ({ apiVersion: { ...text(type, 'apiVersion'), type: 'string' }, kind: { ...text(type, 'kind'), type: 'string' } });
  const reference = (type: string): Json => (openapi === 3 ? { allOf: [refTo(`${META}${type}`, 3)] } : refTo(`${META}${type}`, 2));
  const pod = 'io.k8s.api.core.v1.Pod';
  return {
    [name]: {
      ...own,
      type: 'object',
      properties: { ...(own['properties'] as Json | undefined), ...common(pod), metadata: { ...text(pod, 'metadata'), ...reference('ObjectMeta') } },
      'x-kubernetes-group-version-kind': gvk(kind.kind),
    },
    [listTypeOf(kind, version)]: {
      type: 'object',
      required: ['items'],
      properties: { ...common(`${pod}List`), metadata: { ...text(`${pod}List`, 'metadata'), ...reference('ListMeta') }, items: { type: 'array', items: refTo(name, openapi) } },
      'x-kubernetes-group-version-kind': gvk(kind.listKind),
    },
  };
}

/** What version 2 cannot say. */
const ONLY_IN_3: ReadonlySet<string> = new Set(['oneOf', 'anyOf', 'allOf', 'not', 'nullable', 'default', 'x-kubernetes-validations', 'x-kubernetes-int-or-string', 'x-kubernetes-embedded-resource']);

/** Version 2 has no place for some of it; a schema that is nullable or keeps unknown fields says nothing of its type, so that clients accept what the server does. */
function toVersion2(schema: Readonly<Json>): Json {
  const out: Json = {};
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const untyped = open || schema['nullable'] === true || schema['x-kubernetes-int-or-string'] === true;
  for (const [key, value] of Object.entries(schema)) {
    if (ONLY_IN_3.has(key)) continue;
    if (untyped && (key === 'type' || key === 'items' || key === 'properties' || key === 'additionalProperties' || key === 'required')) continue;
    if (key === 'properties') out[key] = Object.fromEntries(Object.entries(value as Record<string, Json>).map(([name, inner]) => [name, toVersion2(inner)]));
    else if ((key === 'items' || key === 'additionalProperties') && typeof value === 'object' && value !== null) out[key] = toVersion2(value as Json);
    else out[key] = value;
  }
  return out;
}
