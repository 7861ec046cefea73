/** JSON merge patch (RFC 7386) with the library's one deviation: nulls also vanish from objects inside new lists. */
import { put } from '../../std/deep.ts';
import { badRequest } from '../status.ts';
import { isObject, jsonTypeName } from './refusals.ts';
import { copyOf } from './values.ts';

/** The result shares with the document what the patch leaves alone, and with the patch nothing. `lax`: nobody wants to hear of unknown fields, and a list takes the document's place. */
export function applyMergePatch(document: unknown, patch: unknown, lax = false): unknown {
  if (lax && Array.isArray(patch)) return copyOf(patch);
  if (patch === null || patch === undefined || (lax && !isObject(patch))) throw badRequest('Invalid JSON Patch');
  if (!isObject(patch)) {
    const found = jsonTypeName(patch);
    throw badRequest(`error decoding patch: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`);
  }
  return merge(isObject(document) ? document : {}, patch);
}

function merge(before: Readonly<Record<string, unknown>>, patch: Record<string, unknown>): Record<string, unknown> {
  const target = { ...before };
  for (const [key, value] of Object.entries(patch)) {
    const current = Object.hasOwn(target, key) ? target[key] : undefined;
    if (value === null || value === undefined) delete target[key];
    else if (isObject(current)) put(target, key, isObject(value) ? merge(current, value) : copyOf(value));
    else put(target, key, withoutNulls(value));
  }
  return target;
}

/** A copy without the null fields of objects; nulls in lists stay. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (inner !== null && inner !== undefined) put(copy, key, withoutNulls(inner));
  }
  return copy;
}
