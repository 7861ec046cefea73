/** From what a client sent to an object of one version: format, schema, field validation, identity of the kind. */
import { goQuote } from '../../api/go-quote.ts';
import { cannotHandle, decodeJson, decodeMade, fromUnstructured, isUnreadable, normalize, strictProblem, unrecognized, type Decoded } from '../../api/codec/json.ts';
import { emptiesOf } from '../../api/codec/empties.ts';
import { decodeProtobuf, openProtobuf } from '../../api/codec/protobuf.ts';
import { parseYamlBytes, yamlDuplicatesProblem, yamlProblem } from '../../api/codec/yaml.ts';
import { invalid, Path } from '../../api/field-error.ts';
import type { ApiObject } from '../../api/kind.ts';
import { patchedText } from '../../api/patch/patched-text.ts';
import { ApiError, badRequest } from '../../api/status.ts';
import { bodyMedia } from './body.ts';
import type { Exchange } from '../exchange.ts';
import { invalidObject } from '../invalid.ts';
import { formOf, whyUnexpected } from '../registry/registered-kinds.ts';
import type { FieldValidation } from './write-options.ts';
import type { Expected } from '../registry/expected.ts';

/** An object of the expected kind; its kind and apiVersion may be left out. Not defaulted. Throws 400, 413, 415. */
export async function decodeBody(exchange: Exchange, expected: Expected, validation: FieldValidation): Promise<ApiObject> {
  // All that follows looks at what has been read.
  if (exchange.body.form === 'bytes') await exchange.body.read();
  const decoded = read(exchange, expected, validation);
  const object = decoded.object as ApiObject;
  if ((object.apiVersion ?? '').split('/').length > 2) {
    const why = `unexpected GroupVersion string: ${object.apiVersion}`;
    throw expected.anyVersion ? badRequest(why) : unrecognized(expected.kind, why, textOf(exchange));
  }
  const own = isOther(object, expected) ? ownForm(expected, rootOf(exchange)) : undefined;
  const text = (object.kind && object.apiVersion) || !('structural' in expected.schema) ? '' : textOf(exchange);
  const other = checkKind(object, expected, (why) => unrecognized(expected.kind, why(text), text));
  // What its own version does not know is told before that it is the wrong one.
  tellProblems(exchange, other && object.apiVersion ? { ...expected, apiVersion: object.apiVersion } : expected, own ?? decoded, validation);
  if (other) throw other;
  object.kind = expected.kind;
  if (!expected.anyVersion) object.apiVersion = expected.apiVersion;
  object.metadata ??= {};
  if ('type' in expected.schema && clearsOwnership(object, exchange)) object.metadata.managedFields = [];
  const unreadable = expected.unreadable?.(object);
  if (unreadable !== undefined) throw cannotHandle({ version: versionOf(object.apiVersion), kind: object.kind }, object.kind, unreadable);
  return object;
}

function textOf({ body }: Exchange): string {
  return body.form === 'value' ? JSON.stringify(body.value) : (body.soFar() ?? NO_BYTES).toString();
}

const NO_BYTES = Buffer.alloc(0);

/** An empty list of managers means something, but for custom resources: that nobody owns anything. Decoding drops it, as it drops all empty lists. */
function clearsOwnership({ metadata }: ApiObject, { body }: Exchange): boolean {
  return body.form === 'value' ? isCleared(body.value) : emptiesOf(metadata)?.['managedFields'] === 'list';
}

function isCleared(value: unknown): boolean {
  const fields = (value as Partial<ApiObject> | undefined)?.metadata?.managedFields;
  return Array.isArray(fields) && fields.length === 0;
}

/** A value that has been made on this side: brought into the schema's form. Throws 400. */
export function decodeValue(exchange: Exchange, expected: Expected, value: unknown, validation: FieldValidation): ApiObject {
  const { object, strict } = readValue(expected, value, 'json');
  tellProblems(exchange, expected, { strict }, validation);
  return object;
}

/** The same, without a word about the complaints. What comes `unstructured` is of the expected kind, whatever it says. Throws 400. */
export function readValue(expected: Expected, value: unknown, form: 'json' | 'unstructured'): { readonly object: ApiObject; readonly strict: readonly string[] } {
  if (form === 'json' && hasNoVersion(expected, value)) return { object: { ...BLANK, metadata: {} }, strict: unknownToAll(value) };
  const decoded = form === 'json' ? decodeMade(expected.schema, value) : fromUnstructured(expected.schema, value);
  const object = decoded.object as ApiObject;
  const other = form === 'json' ? checkKind(object, expected, (why) => badRequest(why(patchedText(value, undefined))), true) : undefined;
  if (other) throw other;
  object.kind = expected.kind;
  object.apiVersion = expected.apiVersion;
  object.metadata ??= {};
  if ('type' in expected.schema && isCleared(value)) object.metadata.managedFields = [];
  return { object, strict: [...decoded.strict].sort() };
}

const BLANK = { kind: '', apiVersion: '' };

/** A made object that lost its version is read as one of no version, in which fields have other names. */
function hasNoVersion({ schema, kind }: Expected, value: unknown): boolean {
  const made = (value ?? {}) as Partial<ApiObject>;
  return 'type' in schema && made.kind === kind && (made.apiVersion ?? '') === '';
}

function unknownToAll(value: unknown): string[] {
  return Object.keys(value as object).filter((key) => key !== 'kind' && key !== 'apiVersion').sort().map((key) => `unknown field "${key}"`);
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

function read(exchange: Exchange, expected: Expected, validation: FieldValidation): Decoded {
  const { body } = exchange;
  const { schema, kind } = expected;
  if (body.form === 'value') return complete(expected, kind, () => normalize(schema, present(body.value ?? null)));
  const media = bodyMedia(body.contentType);
  const bytes = body.soFar() ?? NO_BYTES;
  if (media === 'protobuf') return { object: readProtobuf(bytes, expected), unknown: [], duplicates: [], strict: [] };
  if (media === 'json') {
    const text = bytes.toString();
    return complete(expected, bytes, () => decodeJson(schema, text), () => JSON.parse(text) as unknown);
  }
  let value: unknown;
  return complete(expected, bytes, () => {
    const parsed = parseYamlBytes(bytes);
    ({ value } = parsed);
    const { duplicates } = parsed;
    const read = decodeMade(schema, value);
    // Upstream makes JSON of it first, whose keys are in order.
    const decoded = read.strict.length > 1 ? { ...read, strict: decodeMade(schema, byKeys(value)).strict } : read;
    return duplicates.length === 0 ? decoded : { ...decoded, strict: [...(validation === 'Warn' ? duplicates : [yamlDuplicatesProblem(duplicates)]), ...decoded.strict] };
  }, () => value);
}

function byKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(byKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, byKeys(inner)]));
}

function readProtobuf(bytes: Buffer, expected: Expected): ApiObject {
  const { kind, anyVersion } = expected;
  const unreadable = (why: string): ApiError => (anyVersion ? badRequest(why) : unrecognized(kind, why, bytes));
  if (bytes.length === 0) throw unreadable('empty data');
  if (!bytes.subarray(0, PROTOBUF_MAGIC.length).equals(PROTOBUF_MAGIC)) throw unreadable('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  if (bytes.length === PROTOBUF_MAGIC.length) throw unreadable('empty body');
  const sent = openedAs(bytes, expected, unreadable);
  if (!anyVersion && formOf(sent, expected) === undefined) checkKind({ ...sent, metadata: {} }, expected, () => unreadable(''));
  try {
    return decodeProtobuf(bytes, sent);
  } catch (error) {
    if (anyVersion || !(error instanceof ApiError) || error.reason !== 'BadRequest') throw error;
    throw cannotHandle({ version: versionOf(sent.apiVersion), kind: sent.kind }, kind, error.message);
  }
}

/** What the envelope says it holds; what it leaves out is what is expected. */
function openedAs(bytes: Buffer, expected: Expected, unreadable: (why: string) => ApiError): { readonly kind: string; readonly apiVersion: string } {
  try {
    const { kind, apiVersion } = openProtobuf(bytes);
    return { kind: kind || expected.kind, apiVersion: apiVersion || expected.apiVersion };
  } catch (error) {
    throw error instanceof ApiError ? unreadable(error.message) : error;
  }
}

const PROTOBUF_MAGIC = Buffer.from('k8s\0');

/** The decoder tells what is wrong; here it becomes a refusal of this kind's body. `root` is what the body holds, where that can be read. */
function complete(expected: Expected, sent: Uint8Array | string, run: () => Decoded, root?: () => unknown): Decoded {
  const { apiVersion, kind, anyVersion } = expected;
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'BadRequest') throw error;
    const yaml = yamlProblem(error);
    if (anyVersion) throw yaml === undefined ? error : badRequest(yaml);
    if (yaml !== undefined || isUnreadable(error)) throw unrecognized(kind, yaml ?? error.message, sent);
    if ('structural' in expected.schema) checkWhatItIs(expected, root?.(), sent);
    else refuseOther(expected, root?.());
    throw cannotHandle({ version: versionOf(apiVersion), kind }, kind, error.message);
  }
}

/** Whether it says that it is something else than what is expected. */
function isOther({ kind, apiVersion }: Partial<ApiObject>, expected: Expected): boolean {
  if (!('type' in expected.schema) || expected.anyVersion) return false;
  if (apiVersion && apiVersion !== expected.apiVersion && !expected.alsoVersions?.includes(apiVersion)) return true;
  return Boolean(kind) && kind !== expected.kind;
}

/** What is of another kind, or version, must have that one's form before it is told that it is the wrong one. Throws 400. */
function ownForm(expected: Expected, root: unknown): Decoded | undefined {
  const { kind = expected.kind, apiVersion = expected.apiVersion } = (root ?? {}) as Partial<ApiObject>;
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') return undefined;
  const type = formOf({ kind, apiVersion }, expected);
  if (type === undefined) return undefined;
  try {
    return decodeMade({ type }, root);
  } catch (error) {
    if (error instanceof ApiError) throw cannotHandle({ version: versionOf(apiVersion), kind }, expected.kind, error.message);
    throw error;
  }
}

/** Throws 400 where a body that does not have the expected form says that it is something else. */
function refuseOther(expected: Expected, root: unknown): void {
  if (typeof root !== 'object' || root === null || !isOther(root, expected)) return;
  ownForm(expected, root);
  const { kind, apiVersion } = root as ApiObject;
  const other = checkKind({ kind, apiVersion, metadata: {} }, expected, (why) => badRequest(why('')));
  if (other) throw other;
}

/** What the body holds, in any form that is text. */
function rootOf({ body }: Exchange): unknown {
  if (body.form === 'value') return body.value;
  const media = bodyMedia(body.contentType);
  if (media === 'protobuf') return undefined;
  return media === 'json' ? (JSON.parse(textOf({ body } as Exchange)) as unknown) : parseYamlBytes(body.soFar() ?? NO_BYTES).value;
}

/** A custom resource says what it is, before anything else is read. Throws 400. */
function checkWhatItIs({ kind, apiVersion }: Expected, root: unknown, sent: Uint8Array | string): void {
  const { kind: own, apiVersion: version = '' } = (root ?? {}) as Partial<ApiObject>;
  if (!own) throw unrecognized(kind, `Object 'Kind' is missing in '${Buffer.from(sent).toString()}'`, sent);
  if (version !== apiVersion) throw otherVersion(version, apiVersion);
}

function otherVersion(sent: string, expected: string): ApiError {
  return badRequest(`the API version in the data (${sent}) does not match the expected API version (${expected})`);
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

/** `unknown` refuses an object that does not say what it is; it knows the text. */
type Unknown = (why: (text: string) => string) => ApiError;

/** Throws what is said at once; another version of the kind is told in the end. */
function checkKind(object: ApiObject, expected: Expected, unknown: Unknown, made = false): ApiError | undefined {
  const { apiVersion, kind, anyVersion, schema } = expected;
  if ('structural' in schema) checkCustomKind(object, { kind, apiVersion, unknown, made });
  const sent = { kind: object.kind || kind, apiVersion: object.apiVersion || apiVersion };
  if (made && sent.apiVersion.split('/').length > 2) throw badRequest(`unexpected GroupVersion string: ${sent.apiVersion}`);
  if (sent.kind === kind && (sent.apiVersion === apiVersion || expected.alsoVersions?.includes(sent.apiVersion))) return undefined;
  if (anyVersion) {
    checkOptions(object, kind);
    return undefined;
  }
  const why = whyOther(sent, expected);
  if (why) throw made ? badRequest(why) : cannotHandle({ version: versionOf(sent.apiVersion), kind: sent.kind }, kind, why);
  if (sent.apiVersion === apiVersion) return undefined;
  const other = otherVersion(sent.apiVersion, apiVersion);
  if ('structural' in schema) throw other;
  return other;
}

function whyOther(sent: { readonly apiVersion: string; readonly kind: string }, { apiVersion, kind, schema }: Expected): string | undefined {
  if ('type' in schema) return whyUnexpected(sent, { apiVersion, kind });
  // Another version of a custom resource is the first thing to be said.
  if ('structural' in schema && sent.apiVersion !== apiVersion) return undefined;
  return sent.kind === kind ? undefined : `converting (${sent.kind}) to (${kind}): unknown conversion`;
}

/** What the scheme of options knows besides them, in the versions that are no group's own. */
const META_KINDS = new Set(['ListOptions', 'CreateOptions', 'PatchOptions', 'UpdateOptions', 'GetOptions', 'WatchEvent', 'Table', 'TableOptions', 'PartialObjectMetadata', 'PartialObjectMetadataList']);
const CORE_KINDS = new Set(['Status', 'APIVersions', 'APIGroup', 'APIGroupList', 'APIResourceList']);
const META = 'meta.k8s.io/v1';

/** Options come in any version, and are told in plain words what they are not. Throws 400. */
function checkOptions(object: ApiObject, kind: string): void {
  const sent = object.kind || kind;
  if (sent === kind) return;
  const apiVersion = object.apiVersion || META;
  if ((apiVersion === META && META_KINDS.has(sent)) || ((apiVersion === 'v1' || !object.apiVersion) && CORE_KINDS.has(sent))) throw badRequest(`converting (v1.${sent}) to (v1.${kind}): unknown conversion`);
  throw badRequest(`no kind ${goQuote(sent)} is registered for version ${goQuote(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`);
}

interface CustomKind {
  readonly kind: string;
  readonly apiVersion: string;
  readonly unknown: Unknown;
  /** It is the outcome of a patch. */
  readonly made: boolean;
}

/** Custom resources say what they are; another kind is told by validation. */
function checkCustomKind(object: ApiObject, { kind, apiVersion, unknown, made }: CustomKind): void {
  if (!object.kind) throw unknown((text) => `Object 'Kind' is missing in '${text}'`);
  if (!object.apiVersion) throw otherVersion('', apiVersion);
  // In a body another version is a mistake of another kind.
  if (!made && object.apiVersion !== apiVersion) return;
  const wrong = (['kind', 'apiVersion'] as const)
    .filter((field) => object[field] !== { kind, apiVersion }[field])
    .map((field) => invalid(Path.of(field), object[field], `must be ${{ kind, apiVersion }[field]}`));
  if (wrong.length > 0) throw invalidObject(object.apiVersion.slice(0, Math.max(0, object.apiVersion.indexOf('/'))), object.kind, object.metadata?.name ?? '', wrong);
}
