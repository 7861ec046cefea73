/** From what a client sent to an object of one version: format, schema, field validation, identity of the kind. */
import { cannotHandle, decodeJson, isUnreadable, normalize, strictProblem, unrecognized, type Decoded } from '../api/codec/json.ts';
import { decodeProtobuf } from '../api/codec/protobuf.ts';
import { parseYaml, yamlDuplicatesProblem } from '../api/codec/yaml.ts';
import { invalid, Path } from '../api/field-error.ts';
import type { ApiObject } from '../api/kind.ts';
import type { Schema } from '../api/schema.ts';
import { ApiError, badRequest } from '../api/status.ts';
import { bodyMedia } from './body.ts';
import type { Exchange } from './exchange.ts';
import { invalidObject } from './invalid.ts';
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
  const decoded = await read(exchange, expected, validation);
  const object = decoded.object as ApiObject;
  if ((object.apiVersion ?? '').split('/').length > 2) throw unrecognized(expected.kind, `unexpected GroupVersion string: ${object.apiVersion}`, await textOf(exchange));
  checkKind(object, expected);
  tellProblems(exchange, expected, decoded, validation);
  object.kind = expected.kind;
  if (!expected.anyVersion) object.apiVersion = expected.apiVersion;
  object.metadata ??= {};
  if (await clearsOwnership(exchange)) object.metadata.managedFields = [];
  return object;
}

async function textOf({ body }: Exchange): Promise<string> {
  return body.form === 'value' ? JSON.stringify(body.value) : (await body.read()).toString();
}

/** An empty list of managers means something: that nobody owns anything. Decoding drops it, as it drops all empty lists. */
async function clearsOwnership({ body }: Exchange): Promise<boolean> {
  if (body.form === 'value') return isCleared(body.value);
  const bytes = await body.read();
  return bytes.includes('"managedFields"') && /"managedFields"\s*:\s*\[\s*\]/.test(bytes.toString('latin1'));
}

function isCleared(value: unknown): boolean {
  const fields = (value as Partial<ApiObject> | undefined)?.metadata?.managedFields;
  return Array.isArray(fields) && fields.length === 0;
}

/** A value that has been made on this side (a patched object): brought into the schema's form. Throws 400. */
export function decodeValue(exchange: Exchange, expected: Expected, value: unknown, validation: FieldValidation): ApiObject {
  const decoded = normalize(expected.schema, value);
  const object = decoded.object as ApiObject;
  checkKind(object, expected);
  tellProblems(exchange, expected, { strict: [...decoded.strict].sort() }, validation);
  object.kind = expected.kind;
  object.apiVersion = expected.apiVersion;
  object.metadata ??= {};
  if (isCleared(value)) object.metadata.managedFields = [];
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
  throw cannotHandle({ version: versionOf(apiVersion), kind }, kind, strictProblem(all));
}

async function read(exchange: Exchange, expected: Expected, validation: FieldValidation): Promise<Decoded> {
  const { body } = exchange;
  const { schema, kind } = expected;
  if (body.form === 'value') return complete(expected, kind, () => normalize(schema, present(body.value ?? null)));
  const media = bodyMedia(body.contentType);
  const bytes = await body.read();
  if (media === 'protobuf') return { object: decodeProtobuf(bytes), unknown: [], duplicates: [], strict: [] };
  const text = bytes.toString();
  if (media === 'json') return complete(expected, text, () => decodeJson(schema, text));
  return complete(expected, text, () => {
    const { value, duplicates } = parseYaml(text);
    const decoded = normalize(schema, value);
    return duplicates.length === 0 ? decoded : { ...decoded, strict: [...('structural' in schema || validation === 'Warn' ? duplicates : [yamlDuplicatesProblem(duplicates)]), ...decoded.strict] };
  });
}

/** The decoder tells what is wrong; here it becomes a refusal of this kind's body. */
function complete({ apiVersion, kind }: Expected, text: string, run: () => Decoded): Decoded {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'BadRequest') throw error;
    if (isUnreadable(error)) throw unrecognized(kind, error.message, text);
    throw cannotHandle({ version: versionOf(apiVersion), kind }, kind, error.message);
  }
}

/** A value that was handed over may have properties that are undefined; in JSON they would not be there. */
function present(value: unknown): unknown {
  return hasUndefined(value) ? (JSON.parse(JSON.stringify(value)) as unknown) : value;
}

function hasUndefined(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === undefined;
  for (const key in value) if (hasUndefined((value as Record<string, unknown>)[key])) return true;
  return false;
}

function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf('/') + 1);
}

function checkKind(object: ApiObject, { apiVersion, kind, anyVersion, schema }: Expected): void {
  if ('structural' in schema) checkCustomKind(object, kind, apiVersion);
  if (object.kind && object.kind !== kind) {
    const sent = object.apiVersion || apiVersion;
    throw cannotHandle({ version: versionOf(sent), kind: object.kind }, kind, `converting (${object.kind}) to (${kind}): unknown conversion`);
  }
  if (object.apiVersion && object.apiVersion !== apiVersion && !anyVersion) {
    throw badRequest(`the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersion})`);
  }
}

/** Custom resources say what they are; another kind is told by validation. */
function checkCustomKind(object: ApiObject, kind: string, apiVersion: string): void {
  for (const [field, word] of [['kind', 'Kind'], ['apiVersion', 'apiVersion']] as const) {
    if (!object[field]) throw unrecognized(kind, `Object '${word}' is missing in '${JSON.stringify(object)}'`, JSON.stringify(object));
  }
  if (object.kind === kind || object.apiVersion !== apiVersion) return;
  const wrong = invalid(Path.of('kind'), object.kind, `must be ${kind}`);
  throw invalidObject(apiVersion.slice(0, apiVersion.indexOf('/')), object.kind, object.metadata?.name ?? '', [wrong]);
}
