/** A Swagger document as one of OpenAPI version 3, for servers that have no such document. What version 2 does not say stays unsaid. Pure. Provenance: kube-openapi pkg/openapiconv. */

type Json = Readonly<Record<string, unknown>>;

const OLD_REFERENCE = '#/definitions/';
const NEW_REFERENCE = '#/components/schemas/';
const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch']);

export function convertSwagger(swagger: Json): Record<string, unknown> {
  const { info, externalDocs, paths = {}, definitions, securityDefinitions, responses, produces } = swagger as { readonly [name: string]: unknown; readonly paths?: Json; readonly definitions?: Json; readonly securityDefinitions?: Json; readonly responses?: Json; readonly produces?: readonly string[] };
  const components = {
    ...(definitions && { schemas: each(definitions, schemaOf) }),
    ...(securityDefinitions && { securitySchemes: each(securityDefinitions, securityOf) }),
    ...(responses && { responses: each(responses, (one) => responseOf(one, produces)) }),
  };
  return { openapi: '3.0.0', ...(info !== undefined && { info }), ...(externalDocs !== undefined && { externalDocs }), paths: each(paths, pathOf), components };
}

function each(map: Json, convert: (value: Json) => unknown): Json {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, name.startsWith('x-') ? value : convert(value as Json)]));
}

function pathOf(item: Json): Json {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => {
    if (METHODS.has(name)) return [name, operationOf(value as Json)];
    return [name, name === 'parameters' ? (value as Json[]).map(parameterOf) : value];
  }));
}

function operationOf(operation: Json): Json {
  const { consumes, produces, parameters = [], responses = {}, schemes: _schemes, ...rest } = operation as { readonly [name: string]: unknown; readonly consumes?: readonly string[]; readonly produces?: readonly string[]; readonly parameters?: readonly Json[]; readonly responses?: Json };
  const isBody = ({ name, schema }: Json): boolean => name === 'body' && schema !== undefined;
  const body = parameters.find(isBody);
  const others = parameters.filter((one) => !isBody(one));
  return {
    ...rest,
    ...(others.length > 0 && { parameters: others.map(parameterOf) }),
    ...(body && { requestBody: consumes ? { content: contentOf(body['schema'] as Json, consumes) } : {} }),
    responses: each(responses, (one) => responseOf(one, produces)),
  };
}

function contentOf(schema: Json, types: readonly string[]): Json {
  return Object.fromEntries(types.map((type) => [type, { schema: schemaOf(schema) }]));
}

function responseOf(response: Json, produces: readonly string[] | undefined): Json {
  const { schema, headers: _headers, examples: _examples, $ref, ...rest } = response;
  return { ...rest, ...(typeof $ref === 'string' && { $ref: $ref.replace('#/responses/', '#/components/responses/') }), ...(schema !== undefined && produces && { content: contentOf(schema as Json, produces) }) };
}

/** What stands on the parameter itself in version 2 is a schema in version 3. */
function parameterOf(parameter: Json): Json {
  const { name, description, in: place, required, schema, allowEmptyValue, type, format, uniqueItems, $ref } = parameter;
  const extensions = Object.fromEntries(Object.entries(parameter).filter(([key]) => key.startsWith('x-')));
  if (typeof $ref === 'string') return { $ref: $ref.replace('#/parameters/', '#/components/parameters/') };
  const own = { ...(type !== undefined && { type }), ...(format !== undefined && { format }), ...(uniqueItems === true && { uniqueItems }) };
  return {
    name, in: place, ...(description !== undefined && { description }), ...(required === true && { required }), ...(allowEmptyValue === true && { allowEmptyValue }),
    schema: schema === undefined ? own : schemaOf(schema as Json), ...extensions,
  };
}

function securityOf(scheme: Json): Json {
  const { flow, authorizationUrl, tokenUrl, scopes, ...rest } = scheme;
  return typeof flow === 'string' && flow !== '' ? { ...rest, flows: { [flow]: { ...(authorizationUrl !== undefined && { authorizationUrl }), ...(tokenUrl !== undefined && { tokenUrl }), ...(scopes !== undefined && { scopes }) } } } : rest;
}

/** A reference that has anything beside it stands in `allOf`: version 3 would pass over the rest. */
function schemaOf(schema: Json): Json {
  const converted = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, partOf(key, value)]));
  const { $ref, ...rest } = converted;
  return $ref === undefined || Object.keys(rest).length === 0 ? converted : { ...rest, allOf: [{ $ref }] };
}

function partOf(key: string, value: unknown): unknown {
  if (key === '$ref') return String(value).replace(OLD_REFERENCE, NEW_REFERENCE);
  if (key === 'properties') return Object.fromEntries(Object.entries(value as Json).map(([name, one]) => [name, schemaOf(one as Json)]));
  if (key !== 'items' && key !== 'additionalProperties' && key !== 'additionalItems') return value;
  if (Array.isArray(value)) return value.map((one) => schemaOf(one as Json));
  return typeof value === 'object' && value !== null ? schemaOf(value as Json) : value;
}
