/** What a PATCH sends: read by its type, with the complaints of strict decoding about the patch itself. */
import { decodeJson } from '../api/codec/json.ts';
import { parseYaml, yamlDuplicatesProblem } from '../api/codec/yaml.ts';
import { invalid, Path } from '../api/field-error.ts';
import { ApiError, badRequest, isReason } from '../api/status.ts';
import type { Exchange } from './exchange.ts';
import { invalidObject } from './invalid.ts';
import type { FieldValidation } from './write-options.ts';

export const JSON_PATCH = 'application/json-patch+json';
export const MERGE_PATCH = 'application/merge-patch+json';
export const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
export const APPLY_PATCH = 'application/apply-patch+yaml';

/** Throws 400, and 422 on what strict decoding does not let through. */
export async function readPatch(exchange: Exchange, type: string, validation: FieldValidation): Promise<unknown> {
  const { body } = exchange;
  if (body.form === 'value') return body.value;
  const text = (await body.read()).toString();
  return type === APPLY_PATCH ? readApply(exchange, text, validation) : readJson(exchange, { type, text }, validation);
}

function readApply(exchange: Exchange, text: string, validation: FieldValidation): unknown {
  const { value, duplicates } = parseYaml(text);
  if (duplicates.length > 0 && validation === 'Strict') {
    throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${yamlDuplicatesProblem(duplicates)}`);
  }
  if (validation === 'Warn') exchange.warnings.push(...duplicates);
  return value;
}

function readJson(exchange: Exchange, { type, text }: { readonly type: string; readonly text: string }, validation: FieldValidation): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`);
  }
  if (validation === 'Ignore') return value;
  const complaints = complaintsAbout(value, text, type);
  if (complaints.length === 0) return value;
  if (validation === 'Strict') throw unfit(text, `strict decoding error: ${complaints.join(', ')}`);
  exchange.warnings.push(...complaints);
  return value;
}

const ANYTHING = { structural: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
const OPERATION = new Set(['op', 'path', 'from', 'value']);

function complaintsAbout(value: unknown, text: string, type: string): string[] {
  if (type === STRATEGIC_PATCH || type === MERGE_PATCH) {
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? [...decodeJson(ANYTHING, text).duplicates] : [];
  }
  if (!Array.isArray(value)) return [];
  // A list becomes a document by being somebody's field.
  const duplicates = decodeJson(ANYTHING, `{"_":${text}}`).duplicates.map((one) => `json patch ${one.replace('"_[', '"[')}`);
  const unknown = value.flatMap((operation: unknown, at) =>
    Object.keys((operation ?? {}) as object).filter((key) => !OPERATION.has(key)).map((key) => `json patch unknown field "[${at}].${key}"`));
  return [...duplicates, ...unknown];
}

/** Runs what makes an object of a patched value: what is wrong with it is wrong with the patch. */
export function ofPatch<T>(sent: unknown, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw isReason(error, 'BadRequest') ? unfit(JSON.stringify(sent), error.message) : error;
  }
}

function unfit(patch: string, why: string): ApiError {
  return invalidObject('', '', '', [invalid(Path.of('patch'), patch, why)]);
}
