/** `/openapi/v2`: one Swagger document of everything that is served. */
import { groupsOf } from '../discovery/discovery.ts';
import type { Kind } from '../kind.ts';
import { customSchemas } from './custom.ts';
import { groupPaths, OTHER_PATHS, versionPaths, type Operation, type PathItem } from './operations.ts';
import { SHARED_BODIES, type Parameter } from './parameters.ts';
import { STATUS_TEXTS, typesOf, writtenPath } from './path-item.ts';
import { reachableTypes, refTo, typeSchema, type Describe, type Json } from './schemas.ts';

export { OPENAPI_V2_PROTOBUF, openApiV2Protobuf } from './v2-protobuf.ts';

export interface OpenApiOptions {
  /** `info.version`. */
  readonly version: string;
  /** Texts for types and fields; absent: there are none. */
  readonly describe?: Describe;
}

export function openApiV2(kinds: readonly Kind[], options: OpenApiOptions): Json {
  const items = allPaths(kinds);
  const operations = items.flatMap((item) => item.operations);
  const custom = Object.assign({}, ...kinds.flatMap((kind) => kind.versions.map((version) => customSchemas(kind, version, 2, options.describe)))) as Record<string, Json>;
  const types = reachableTypes([...operations.flatMap(typesOf), ...(Object.keys(custom).length > 0 ? METADATA : [])]);
  const definitions: Record<string, Json> = { ...custom };
  for (const type of types) definitions[type] = typeSchema(type, { version: 2, ...(options.describe && { describe: options.describe }) });
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: options.version },
    paths: Object.fromEntries(items.map((item) => [item.path, writtenPath(item, FORM)])),
    definitions: Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1))),
    parameters: sharedParameters(operations),
    securityDefinitions: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
    security: [{ BearerToken: [] }],
  };
}

const METADATA = ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta'];

function allPaths(kinds: readonly Kind[]): PathItem[] {
  const custom = new Set(kinds.filter((kind) => kind.custom !== undefined).map(({ group }) => group));
  const groups = groupsOf(kinds).flatMap(({ group, versions }) => [
    ...(group === '' || custom.has(group) ? [] : groupPaths(group, 'apis')),
    ...versions.flatMap((version) => versionPaths(kinds, { group, version })),
  ]);
  return [...OTHER_PATHS, ...groupPaths(undefined, 'api'), ...groupPaths(undefined, 'apis'), ...groups].sort((a, b) => (a.path < b.path ? -1 : 1));
}

const FORM = { operation: operationOf, parameter: parameterOf };

function operationOf(operation: Operation, own: readonly Parameter[]): Json {
  const { id, tag, action, gvk, body, consumes, produces, responses } = operation;
  const parameters = [...(body ? [bodyOf(body)] : []), ...own.map(parameterOf)];
  return {
    ...(consumes.length > 0 && { consumes }),
    produces,
    schemes: ['https'],
    tags: [tag],
    operationId: id,
    ...(parameters.length > 0 && { parameters }),
    responses: {
      ...Object.fromEntries(responses.map(([code, type]) => [code, { description: STATUS_TEXTS[code], schema: type === undefined ? { type: 'string' } : refTo(type, 2) }])),
      401: { description: STATUS_TEXTS[401] },
    },
    ...(action && { 'x-kubernetes-action': action }),
    ...(gvk && { 'x-kubernetes-group-version-kind': gvk }),
  };
}

function bodyOf({ type, required }: { type: string; required: boolean }): Json {
  const shared = SHARED_BODIES[type];
  return shared ? { $ref: `#/parameters/${shared}` } : bodyDefinition(type, required);
}

function bodyDefinition(type: string, required: boolean): Json {
  return { name: 'body', in: 'body', ...(required && { required: true }), schema: refTo(type, 2) };
}

function parameterOf(parameter: Parameter): Json {
  return parameter.shared ? { $ref: `#/parameters/${parameter.shared}` } : parameterDefinition(parameter);
}

function parameterDefinition({ name, in: place, type }: Parameter): Json {
  return { uniqueItems: true, type, name, in: place, ...(place === 'path' && { required: true }) };
}

function sharedParameters(operations: readonly Operation[]): Json {
  const shared = new Map<string, Json>();
  for (const { parameters, body } of operations) {
    for (const parameter of parameters) if (parameter.shared) shared.set(parameter.shared, parameterDefinition(parameter));
    const name = body && SHARED_BODIES[body.type];
    if (name) shared.set(name, bodyDefinition(body.type, body.required));
  }
  return Object.fromEntries([...shared].sort(([a], [b]) => (a < b ? -1 : 1)));
}
