/** `/openapi/v3`: an index, and one document per group and version. */
import { groupsOf } from '../discovery/discovery.ts';
import type { Kind } from '../kind.ts';
import { customSchemas } from './custom.ts';
import { groupPaths, OTHER_PATHS, rootOf, versionPaths, type GroupVersion, type Operation, type PathItem } from './operations.ts';
import type { Parameter } from './parameters.ts';
import { STATUS_TEXTS, typesOf, writtenPath } from './path-item.ts';
import { reachableTypes, refTo, typeSchema, type Json } from './schemas.ts';
import type { OpenApiOptions } from './v2.ts';

export { OPENAPI_V3_PROTOBUF, openApiV3Protobuf } from './v3-protobuf.ts';

/** The paths of all documents: `api/v1`, `apis/apps`, `apis/apps/v1`, `version`, … */
export function openApiV3Paths(kinds: readonly Kind[]): string[] {
  const groups = groupsOf(kinds).flatMap(({ group, versions }) => [
    ...(group === '' ? ['api', 'apis'] : isCustom(kinds, group) ? [] : [`apis/${group}`]),
    ...versions.map((version) => rootOf({ group, version }).slice(1)),
  ]);
  return [...OTHER_PATHS.map(({ path }) => path.slice(1, -1)), ...groups].sort();
}

/** `hash` of a document makes the address change with it. */
export function openApiV3Index(kinds: readonly Kind[], hash: (path: string) => string): Json {
  const entry = (path: string): Json => ({ serverRelativeURL: `/openapi/v3/${path}?hash=${hash(path)}` });
  return { paths: Object.fromEntries(openApiV3Paths(kinds).map((path) => [path, entry(path)])) };
}

/** By the path it has in the index; undefined: there is none. */
export function openApiV3(path: string, kinds: readonly Kind[], options: OpenApiOptions): Json | undefined {
  const found = itemsOf(path, kinds);
  if (!found || found.items.length === 0) return undefined;
  const { items, gv } = found;
  const operations = items.flatMap((item) => item.operations);
  const own = kinds.filter((kind) => kind.group === gv.group);
  const custom = Object.assign(
    {},
    ...own.flatMap((kind) => kind.versions.filter(({ version }) => version === gv.version).map((version) => customSchemas(kind, version, 3, options.describe))),
  ) as Record<string, Json>;
  // What is made of definitions comes from a builder of its own upstream.
  const isOfDefinitions = Object.keys(custom).length > 0;
  const types = reachableTypes([...operations.flatMap(typesOf), ...(isOfDefinitions ? METADATA : [])]);
  const schemas: Record<string, Json> = { ...custom };
  for (const type of types) schemas[type] = typeSchema(type, { version: 3, ...(!isOfDefinitions && { gv }), ...(options.describe && { describe: options.describe }) });
  const sorted = Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    openapi: '3.0.0',
    info: { title: isOfDefinitions ? 'Kubernetes CRD Swagger' : 'Kubernetes', version: options.version },
    paths: Object.fromEntries(items.map((item) => [item.path, writtenPath(item, FORM)])),
    components: {
      ...(sorted.length > 0 && { schemas: Object.fromEntries(sorted) }),
      ...(!isOfDefinitions && { securitySchemes: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } } }),
    },
  };
}

const METADATA = ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta'];

function isCustom(kinds: readonly Kind[], group: string): boolean {
  return kinds.some((kind) => kind.group === group && kind.custom !== undefined);
}

function itemsOf(path: string, kinds: readonly Kind[]): { items: PathItem[]; gv: GroupVersion } | undefined {
  const none = { group: '', version: '' };
  const other = OTHER_PATHS.filter((item) => item.path === `/${path}/`);
  if (other.length > 0) return { items: other, gv: none };
  if (path === 'api' || path === 'apis') return { items: groupPaths(undefined, path), gv: none };
  const [root, first = '', second, ...rest] = path.split('/');
  if (rest.length > 0) return undefined;
  if (root === 'api' && second === undefined) return { items: versionPaths(kinds, { group: '', version: first }), gv: { group: '', version: first } };
  if (root !== 'apis' || !kinds.some(({ group }) => group === first)) return undefined;
  if (second === undefined) return isCustom(kinds, first) ? undefined : { items: groupPaths(first, 'apis'), gv: none };
  const gv = { group: first, version: second };
  return kinds.some(({ group, versions }) => group === first && versions.some(({ version }) => version === second)) ? { items: versionPaths(kinds, gv), gv } : undefined;
}

const FORM = { operation: operationOf, parameter: parameterOf };

function operationOf(operation: Operation, own: readonly Parameter[]): Json {
  const { id, tag, action, gvk, body, consumes, produces, responses } = operation;
  return {
    tags: [tag],
    operationId: id,
    ...(own.length > 0 && { parameters: own.map(parameterOf) }),
    ...(body && { requestBody: { content: contentOf(consumes, refTo(body.type, 3)), ...(body.required && { required: true }) } }),
    responses: {
      ...Object.fromEntries(responses.map(([code, type]) => [code, { description: STATUS_TEXTS[code], content: contentOf(produces, type === undefined ? { type: 'string' } : refTo(type, 3)) }])),
      401: { description: STATUS_TEXTS[401] },
    },
    ...(action && { 'x-kubernetes-action': action }),
    ...(gvk && { 'x-kubernetes-group-version-kind': gvk }),
  };
}

function contentOf(types: readonly string[], schema: Json): Json {
  return Object.fromEntries([...types].sort().map((type) => [type, { schema }]));
}

function parameterOf({ name, in: place, type }: Parameter): Json {
  return { name, in: place, ...(place === 'path' && { required: true }), schema: { type, uniqueItems: true } };
}
