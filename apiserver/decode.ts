/** From what a client sent to an object of one version: format, schema, field validation, identity of the kind. */
import { decodeJson, normalize, type Decoded } from '../api/codec/json.ts';
import { decodeProtobuf } from '../api/codec/protobuf.ts';
import { parseYaml } from '../api/codec/yaml.ts';
import type { ApiObject } from '../api/kind.ts';
import type { Schema } from '../api/schema.ts';
import { badRequest } from '../api/status.ts';
import { bodyMedia } from './body.ts';
import type { Exchange } from './exchange.ts';
import type { FieldValidation } from './write-options.ts';

export interface Expected {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: Schema;
  /** Options are known in every group's version. */
  readonly anyVersion?: boolean;
}

/** An object of the expected kind; its kind and apiVersion may be left out. Not defaulted. Throws 400, 413, 415. */
export async function decodeBody(exchange: Exchange, expected: Expected, validation: FieldValidation): Promise<ApiObject> {
  const decoded = await read(exchange, expected);
  const object = decoded.object as ApiObject;
  checkKind(object, expected);
  tellProblems(exchange, expected, decoded, validation);
  object.kind = expected.kind;
  if (!expected.anyVersion) object.apiVersion = expected.apiVersion;
  object.metadata ??= {};
  return object;
}

/** A value that has been made on this side (a patched object): brought into the schema's form. Throws 400. */
export function decodeValue(exchange: Exchange, expected: Expected, value: unknown, validation: FieldValidation): ApiObject {
  const decoded = normalize(expected.schema, value);
  const object = decoded.object as ApiObject;
  checkKind(object, expected);
  tellProblems(exchange, expected, decoded, validation);
  object.kind = expected.kind;
  object.apiVersion = expected.apiVersion;
  object.metadata ??= {};
  return object;
}

/** Unknown and repeated fields, as the client wants to hear of them. Throws 400 when strict. */
export function tellProblems(exchange: Exchange, { kind, apiVersion }: Expected, problems: Pick<Decoded, 'strict'>, validation: FieldValidation): void {
  const all = problems.strict;
  if (all.length === 0 || validation === 'Ignore') return;
  if (validation === 'Warn') {
    exchange.warnings.push(...all);
    return;
  }
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: strict decoding error: ${all.join(', ')}`);
}

async function read(exchange: Exchange, { schema, kind, apiVersion }: Expected): Promise<Decoded> {
  const { body } = exchange;
  if (body.form === 'value') return normalize(schema, body.value ?? null);
  const media = bodyMedia(body.contentType);
  const bytes = await body.read();
  try {
    if (media === 'protobuf') return { object: decodeProtobuf(bytes), unknown: [], duplicates: [], strict: [] };
    if (media === 'json') return decodeJson(schema, bytes.toString());
    const { value, duplicates } = parseYaml(bytes.toString());
    const decoded = normalize(schema, value);
    return { ...decoded, strict: [...duplicates, ...decoded.strict] };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
    throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error.message}`);
  }
}

function checkKind(object: ApiObject, { apiVersion, kind, anyVersion }: Expected): void {
  if (object.kind && object.kind !== kind) {
    throw badRequest(`${object.kind} in version ${JSON.stringify(apiVersion)} cannot be handled as a ${kind}: no kind ${JSON.stringify(object.kind)} is registered here`);
  }
  if (object.apiVersion && object.apiVersion !== apiVersion && !anyVersion) {
    throw badRequest(`the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersion})`);
  }
}
