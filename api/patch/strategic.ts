/** Strategic merge patch: lists merge by key where the type says so, with the directives `$patch`, `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…`. */
import { put } from '../../std/deep.ts';
import { badRequest } from '../status.ts';
import { DIRECTIVE, elementKind, goTypeOf, keyOf, unknownDirective, type Fields } from './items.ts';
import { mergeList, orderList } from './merge-list.ts';
import { patchMeta, type PatchMeta } from './patch-meta.ts';
import { goText, isObject, jsonTypeName, mergeFailure } from './refusals.ts';
import { copyOf, sameValue } from './values.ts';

/** `type` is a name of the facts table. The result shares with the document what the patch leaves alone, and changes neither. Follows apimachinery's `util/strategicpatch`. */
export function applyStrategicPatch(type: string, document: unknown, patch: unknown): unknown {
  if (patch !== null && !isObject(patch)) {
    throw badRequest(`json: cannot unmarshal ${jsonTypeName(patch)} into Go value of type map[string]interface {}`);
  }
  return mergeObject(document as Fields, copyOf(patch ?? {}) as Fields, type);
}

const RETAIN_KEYS = '$retainKeys';
const SET_ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';

/** The result may be the patch. `type` is undefined where the facts end. */
function mergeObject(before: Readonly<Fields>, patch: Fields, type: string | undefined): Fields {
  if (Object.hasOwn(patch, DIRECTIVE)) return direct(patch);
  const original: Fields = { ...before };
  retainKeys(original, patch);
  for (const key of Object.keys(patch)) {
    if (key.startsWith(SET_ORDER)) mergeOrdered(original, patch, key, type);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) deleteFromList(original, key.slice(DELETE_FROM.length), value, type);
    else mergeField(original, key, value, type);
  }
  return original;
}

function direct(patch: Fields): Fields {
  const directive = patch[DIRECTIVE];
  if (directive === 'delete') return {};
  if (directive !== 'replace') throw unknownDirective(directive, patch);
  delete patch[DIRECTIVE];
  return patch;
}

function mergeField(original: Fields, key: string, value: unknown, type: string | undefined): void {
  if (value === null || value === undefined) {
    delete original[key];
    return;
  }
  const current = Object.hasOwn(original, key) ? original[key] : undefined;
  if (isObject(current) && isObject(value)) {
    const meta = patchMeta(type, key);
    put(original, key, meta.strategy === 'replace' ? value : mergeObject(current, value, meta.type));
  } else if (Array.isArray(current) && Array.isArray(value)) {
    const meta = listMeta(type, key);
    put(original, key, meta.strategy === 'merge' ? mergeList(current, value, meta, mergeObject) : value);
  } else {
    discardNulls(value);
    const kept = withoutDirectives(value);
    if (kept === undefined) delete original[key];
    else put(original, key, kept);
  }
}

function listMeta(type: string | undefined, key: string): PatchMeta {
  const meta = patchMeta(type, key);
  if (!meta.list) throw mergeFailure('expected slice or array type, but got: struct');
  return meta;
}

function deleteFromList(original: Fields, key: string, values: unknown, type: string | undefined): void {
  if (key === '') return;
  if (values === null) {
    delete original[key];
    return;
  }
  const current = Object.hasOwn(original, key) ? original[key] : undefined;
  if (!Array.isArray(current) || !Array.isArray(values)) return;
  const meta = listMeta(type, key);
  if (current.length === 0 && values.length === 0) return;
  const element = elementKind([current, values]);
  if (element === 'object') original[key] = mergeList(current, values, meta, mergeObject);
  else original[key] = (current as unknown[]).filter((item) => !values.some((one) => sameValue(one, item)));
}

/** Drops what the directive does not name; all that the patch sets must be named. */
function retainKeys(original: Fields, patch: Fields): void {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return;
  const keys = patch[RETAIN_KEYS];
  delete patch[RETAIN_KEYS];
  const wrong = badRequest('invalid patch format of retainKeys');
  if (!Array.isArray(keys)) throw wrong;
  const retained = new Set<unknown>(keys);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER)) continue;
    if (!retained.has(key)) throw wrong;
  }
  for (const key of Object.keys(original)) if (!retained.has(key)) delete original[key];
}

/** Merges one list and puts it in the order that its directive asks for; both leave the patch. */
function mergeOrdered(original: Fields, patch: Fields, directive: string, type: string | undefined): void {
  const order = patch[directive];
  const key = directive.slice(SET_ORDER.length);
  delete patch[directive];
  const current = list(original, key);
  const changes = list(patch, key);
  if (!Array.isArray(order)) throw mergeFailure(`expected a []interface {}, but received a ${goTypeOf(order)}`);
  const meta = listMeta(type, key);
  if (changes) checkOrder(changes, order, meta.mergeKey);
  if (!current && !changes) return;
  let merged = current ?? [];
  if (current && changes) merged = meta.strategy === 'merge' ? mergeList(current, changes, meta, mergeObject) : changes;
  else if (changes) merged = withoutDirectives(changes) as unknown[];
  elementKind([current ?? [], changes ?? []], true);
  put(original, key, orderList(merged, order, current ?? [], meta.mergeKey));
  delete patch[key];
}

function list(fields: Fields, key: string): unknown[] | undefined {
  if (!Object.hasOwn(fields, key)) return undefined;
  const value = fields[key];
  if (!Array.isArray(value)) throw mergeFailure(`expected a []interface {}, but received a ${goTypeOf(value)}`);
  return value;
}

/** What the patch sets must come in the order that the directive gives. */
function checkOrder(changes: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined): void {
  if (changes.length === 0 || order.length === 0) return;
  const items = changes.filter((item) => !isObject(item) || !Object.hasOwn(item, DIRECTIVE));
  let at = 0;
  for (const wanted of order) {
    if (at >= items.length) break;
    if (sameItem(items[at], wanted, mergeKey)) at++;
  }
  if (at < items.length) {
    throw mergeFailure(`The order in patch list:\n${goText(changes)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`);
  }
}

function sameItem(left: unknown, right: unknown, mergeKey: string | undefined): boolean {
  if (mergeKey === undefined) return sameValue(left, right);
  return sameValue(keyOf(left, mergeKey), keyOf(right, mergeKey));
}

/** Null fields of objects go, in lists too. */
function discardNulls(value: unknown): void {
  if (Array.isArray(value)) value.forEach(discardNulls);
  else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      if (inner === null) delete value[key];
      else discardNulls(inner);
    }
  }
}

/** Objects that are directives vanish; undefined where the whole value is one. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const kept = withoutDirectives(inner);
    if (kept === undefined) delete value[key];
    else put(value, key, kept);
  }
  return value;
}
