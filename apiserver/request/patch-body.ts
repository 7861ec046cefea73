/** What a PATCH sends, and what it makes of an object: read by its type, with the complaints of strict decoding about the patch itself. */
import { duplicatePaths } from '../../api/codec/duplicate-fields.ts';
import { JsonSyntaxError, parseJsonText } from '../../api/codec/json-text.ts';
import { strictProblem } from '../../api/codec/json.ts';
import { parseYamlBytes, yamlDuplicatesProblem } from '../../api/codec/yaml.ts';
import { invalid, Path } from '../../api/field-error.ts';
import type { ApiObject } from '../../api/kind.ts';
import { applyJsonPatch } from '../../api/patch/json-patch.ts';
import { applyMergePatch } from '../../api/patch/merge-patch.ts';
import { patchedText } from '../../api/patch/patched-text.ts';
import { goText, isObject, jsonTypeName } from '../../api/patch/refusals.ts';
import { applyStrategicPatch } from '../../api/patch/strategic.ts';
import { ApiError, badRequest, isReason } from '../../api/status.ts';
import { readValue } from './decode.ts';
import type { Expected } from '../registry/expected.ts';
import type { Exchange } from '../exchange.ts';
import { invalidObject } from '../invalid.ts';
import type { FieldValidation } from './write-options.ts';

export const JSON_PATCH = 'application/json-patch+json';
export const MERGE_PATCH = 'application/merge-patch+json';
export const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
export const APPLY_PATCH = 'application/apply-patch+yaml';

export interface Patch {
  readonly type: string;
  readonly value: unknown;
  /** About the patch itself: unknown and repeated fields, as far as the client wants to hear of them. */
  readonly complaints: readonly string[];
}

/** The patch is looked at when the result is called, and not before it is known to what it is. The result throws 400. */
export async function readPatch(exchange: Exchange, type: string, validation: FieldValidation): Promise<() => Patch> {
  const { body } = exchange;
  if (body.form === 'value') return () => ({ type, value: body.value, complaints: [] });
  const bytes = await body.read();
  let patch: Patch | undefined;
  return () => (patch ??= type === APPLY_PATCH ? readApply(bytes, validation) : readJson({ type, text: bytes.toString() }, validation));
}

function readApply(bytes: Uint8Array, validation: FieldValidation): Patch {
  let read;
  try {
    read = parseYamlBytes(bytes);
  } catch (error) {
    throw isReason(error, 'BadRequest') ? badRequest(`error decoding YAML: ${error.message}`) : error;
  }
  const value = read.value ?? {};
  if (!isObject(value)) throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonTypeName(value)} into Go value of type map[string]interface {}`);
  const { duplicates } = read;
  if (duplicates.length === 0 || validation === 'Ignore') return { type: APPLY_PATCH, value, complaints: [] };
  return { type: APPLY_PATCH, value, complaints: validation === 'Warn' ? duplicates : [yamlDuplicatesProblem(duplicates)] };
}

/** What an apply's body repeats is told when the apply itself went well. Throws 400. */
export function tellOfApply(exchange: Exchange, { complaints }: Patch, validation: FieldValidation): void {
  if (complaints.length === 0) return;
  if (validation === 'Strict') throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${complaints.join(', ')}`);
  exchange.warnings.push(...complaints);
}

function readJson({ type, text }: { readonly type: string; readonly text: string }, validation: FieldValidation): Patch {
  let read;
  try {
    read = parseJsonText(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    if (type === STRATEGIC_PATCH) throw badRequest(error.message);
    if (validation !== 'Ignore') throw badRequest(`error decoding patch: ${error.message}`);
    throw badRequest(type === MERGE_PATCH ? 'Invalid JSON Patch' : error.message);
  }
  const { value } = read;
  if (validation === 'Ignore') return { type, value, complaints: [] };
  const twice = duplicatePaths(read).map((path) => `duplicate field "${path}"`);
  if (type !== JSON_PATCH) return { type, value, complaints: twice };
  const complaints = [...twice, ...unknownFields(value)].map((complaint) => `json patch ${complaint}`);
  return { type, value, complaints: [...complaints, ...twice.flatMap((complaint) => twiceInObject(complaint, value))] };
}

/** What is repeated in a value is repeated in the object that it comes to. */
function twiceInObject(complaint: string, operations: unknown): string[] {
  const match = /^duplicate field "\[(\d+)\]\.value\.(.*)"$/s.exec(complaint);
  const operation = match && (operations as { op?: unknown; path?: unknown }[])[Number(match[1])];
  if (!operation || (operation.op !== 'add' && operation.op !== 'replace') || typeof operation.path !== 'string') return [];
  const steps = operation.path.split('/').slice(1).map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const place = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('').replace(/^\./, '');
  return [`duplicate field "${place}.${match[2]}"`];
}

const OPERATION = new Set(['op', 'path', 'from', 'value']);

function unknownFields(operations: unknown): string[] {
  if (!Array.isArray(operations)) return [];
  return operations.flatMap((operation: unknown, at) =>
    isObject(operation) ? Object.keys(operation).filter((key) => !OPERATION.has(key)).map((key) => `unknown field "[${at}].${key}"`) : []);
}

/** What a patch makes of an object: it must be one of the expected kind again. Throws 400, 413, 422. */
export function patched(exchange: Exchange, { type, value, complaints }: Patch, { expected, before, validation }: {
  readonly expected: Expected;
  readonly before: unknown;
  readonly validation: FieldValidation;
}): ApiObject {
  const strategic = type === STRATEGIC_PATCH;
  const after = patchValue(type, expected, value, validation === 'Ignore')(before);
  const unfit = (why: string): ApiError => {
    const shown = strategic ? goText(withoutRetained(value)) : 'type' in expected.schema ? patchedText(after, value, expected.schema.type) : patchedText(after, undefined);
    return invalidObject('', '', '', [invalid(Path.of('patch'), shown, why)]);
  };
  let read;
  try {
    read = readValue(expected, after, strategic ? 'unstructured' : 'json');
  } catch (error) {
    throw isReason(error, 'BadRequest') ? unfit(error.message) : error;
  }
  const unreadable = expected.unreadable?.(read.object);
  if (unreadable !== undefined) throw strategic ? new ApiError({ code: 500, message: unreadable }) : unfit(unreadable);
  const strict = [...complaints, ...read.strict];
  if (strict.length === 0 || validation === 'Ignore') return read.object;
  if (validation === 'Strict') throw unfit(strictProblem(strict));
  exchange.warnings.push(...strict);
  return read.object;
}

/** The merge takes these directives out of a patch as it follows them. */
function withoutRetained(patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== '$retainKeys').map(([key, inner]) => [key, withoutRetained(inner)]));
}

function patchValue(type: string, { schema }: Expected, sent: unknown, lax: boolean): (before: unknown) => unknown {
  switch (type) {
    case JSON_PATCH:
      return (before) => applyJsonPatch(before, sent, lax);
    case STRATEGIC_PATCH:
      return (before) => applyStrategicPatch('type' in schema ? schema.type : '', before, sent);
    default:
      return (before) => applyMergePatch(before, sent, lax);
  }
}
