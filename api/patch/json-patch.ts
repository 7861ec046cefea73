/** JSON patch (RFC 6902) with the habits of evanphx/json-patch v4: negative indices, and `replace` adds a missing key. */
import { put } from '../../std/deep.ts';
import { ApiError, badRequest } from '../status.ts';
import { isObject, jsonTypeName, unprocessable } from './refusals.ts';
import { copyOf, sameValue } from './values.ts';

export const MAX_OPERATIONS = 10_000;
/** What all copies of one patch may add, as JSON text. */
export const MAX_COPIED_BYTES = 3 * 1024 * 1024;

/**
 * Throws 400 on what is no list of operations, 413 on too many, 422 where one cannot be carried out. The result shares with
 * the document what no operation has touched.
 * `lax`: nobody wants to hear of unknown fields, and operations are looked at when their turn comes.
 */
export function applyJsonPatch(document: unknown, operations: unknown, lax = false): unknown {
  const patch: Patch = { root: document, own: new Set(), copied: 0 };
  for (const operation of lax ? list(operations, LAX) : decode(operations)) apply(patch, operation);
  return patch.root;
}

interface Operation {
  readonly op?: string | null;
  readonly path?: string | null;
  readonly from?: string | null;
  readonly value?: unknown;
}

interface Patch {
  root: unknown;
  /** What was copied to be changed. */
  readonly own: Set<unknown>;
  copied: number;
}

/** An object or list, and the name or index of a place in it. */
interface Place {
  readonly parent: Record<string, unknown> | unknown[];
  readonly key: string;
}

/** What decoders say they were to read. */
interface Wording {
  readonly list: string;
  readonly operation: string;
  readonly before: string;
}

const STRICT: Wording = { list: '[]handlers.jsonPatchOp', operation: 'handlers.jsonPatchOp', before: 'error decoding patch: ' };
const LAX: Wording = { list: 'jsonpatch.Patch', operation: 'jsonpatch.Operation', before: '' };

function decode(operations: unknown): Operation[] {
  const all = list(operations, STRICT);
  for (const operation of all) {
    for (const field of ['op', 'path', 'from'] as const) {
      const found: unknown = operation[field] ?? '';
      if (typeof found !== 'string') throw undecodable(found, `struct field jsonPatchOp.${field} of type string`, STRICT);
    }
  }
  return all;
}

/** Null is an empty list, or an operation that says nothing. */
function list(found: unknown, wording: Wording): Operation[] {
  const operations = found ?? [];
  if (!Array.isArray(operations)) throw undecodable(operations, `value of type ${wording.list}`, wording);
  for (const operation of operations as unknown[]) {
    if (operation !== null && !isObject(operation)) throw undecodable(operation, `value of type ${wording.operation}`, wording);
  }
  if (operations.length > MAX_OPERATIONS) {
    const message = `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${operations.length}`;
    throw new ApiError({ code: 413, reason: 'RequestEntityTooLarge', message });
  }
  return operations.map((operation: unknown) => (operation ?? {}) as Operation);
}

function undecodable(found: unknown, where: string, { before }: Wording): ApiError {
  return badRequest(`${before}json: cannot unmarshal ${jsonTypeName(found)} into Go ${where}`);
}

/** The container of the place is not there. */
const NO_PLACE = 'missing value';

/** Provenance: the errors of evanphx/json-patch v4. */
function apply(patch: Patch, operation: Operation): void {
  switch (operation.op) {
    case 'add': {
      const path = told(operation, 'path', NO_PLACE);
      const place = under(`add operation does not apply: doc is missing path: ${JSON.stringify(path)}: `, () => reach(patch, path));
      return under(`error in add for path: '${path}': `, () => add(place, copyOf(operation.value ?? null)));
    }
    case 'remove': {
      const path = told(operation, 'path', NO_PLACE);
      const place = under(`remove operation does not apply: doc is missing path: ${JSON.stringify(path)}: `, () => reach(patch, path));
      return under(`error in remove for path: '${path}': `, () => remove(place));
    }
    case 'replace':
      return replace(patch, told(operation, 'path'), copyOf(operation.value ?? null));
    case 'move':
      return move(patch, operation);
    case 'copy':
      return copy(patch, operation);
    case 'test': {
      const path = told(operation, 'path');
      const place = path === '' ? undefined : under(`test operation does not apply: is missing path: ${path}: `, () => find(patch.root, path));
      const value = place ? under(`error in test for path: '${path}': `, () => get(place)) : patch.root;
      if (!sameValue(value ?? null, operation.value ?? null)) throw unprocessable(`testing value ${path} failed: test failed`);
      return;
    }
    default:
      throw unprocessable(`Unexpected kind: ${typeof operation.op === 'string' ? operation.op : 'unknown'}`);
  }
}

/** The path that an operation must tell; `lacking` is all that is said of any odd one. */
function told(operation: Operation, field: 'path' | 'from', lacking?: string): string {
  const found: unknown = operation[field];
  if (typeof found === 'string') return found;
  const why = found !== undefined && found !== null ? `json: cannot unmarshal ${jsonTypeName(found)} into Go value of type string` : `operation${field === 'from' ? ',' : ''} missing ${field} field: ${NO_PLACE}`;
  throw unprocessable(`${operation.op ?? ''} operation failed to decode ${field}: ${lacking ?? why}`);
}

/** What goes wrong is told with what was to be done. */
function under<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof ApiError && typeof error.cause === 'string' ? unprocessable(what + error.cause) : error;
  }
}

function move(patch: Patch, operation: Operation): void {
  const from = told(operation, 'from');
  const place = under(`move operation does not apply: doc is missing from path: ${from}: `, () => reach(patch, from));
  const value = under(`error in move for path: '${place.key}': `, () => {
    const found = get(place);
    remove(place);
    return found ?? null;
  });
  const path = told(operation, 'path');
  const target = under(`move operation does not apply: doc is missing destination path: ${path}: `, () => reach(patch, path));
  under(`error in move for path: '${path}': `, () => add(target, value));
}

function replace(patch: Patch, path: string, value: unknown): void {
  if (path === '') {
    if (!isObject(value) && !Array.isArray(value)) throw unprocessable('replace operation value must be object or array: %!w(<nil>)');
    patch.root = value;
    return;
  }
  const place = under(`replace operation does not apply: doc is missing path: ${path}: `, () => reach(patch, path));
  if (Array.isArray(place.parent) && !isPosition(place.parent, place.key)) throw unprocessable(`replace operation does not apply: doc is missing key: ${path}: ${NO_PLACE}`);
  set(place, value);
}

function set({ parent, key }: Place, value: unknown): void {
  if (Array.isArray(parent)) parent[existing(parent, key)] = value;
  else put(parent, key, value);
}

function copy(patch: Patch, operation: Operation): void {
  const from = told(operation, 'from');
  const place = under(`copy operation does not apply: doc is missing from path: ${from}: `, () => find(patch.root, from));
  const value = under(`error in copy for from: '${from}': `, () => get(place)) ?? null;
  const path = told(operation, 'path', NO_PLACE);
  const target = under(`copy operation does not apply: doc is missing destination path: ${path}: `, () => reach(patch, path));
  if (value !== null) patch.copied += JSON.stringify(value).length;
  if (patch.copied > MAX_COPIED_BYTES) {
    throw unprocessable(`Unable to complete the copy, the accumulated size increase of copy is ${patch.copied}, exceeding the limit ${MAX_COPIED_BYTES}`);
  }
  under('error while adding value during copy: ', () => add(target, copyOf(value)));
}

/** What stands before the first slash does not count, as in the library. */
function find(root: unknown, path: string): Place {
  const parts = path.split('/');
  if (parts.length < 2) throw unprocessable(NO_PLACE);
  let node = root;
  for (const part of parts.slice(1, -1)) node = inside({ parent: container(node), key: unescape(part) });
  return { parent: container(node), key: unescape(parts[parts.length - 1] ?? '') };
}

/** A place where something is to be changed: all that it stands in is the patch's own from then on. */
function reach(patch: Patch, path: string): Place {
  const parts = path.split('/');
  if (parts.length < 2) throw unprocessable(NO_PLACE);
  let parent = ownOf(patch, patch.root);
  patch.root = parent;
  for (const part of parts.slice(1, -1)) {
    const place: Place = { parent, key: unescape(part) };
    parent = ownOf(patch, inside(place));
    set(place, parent);
  }
  return { parent, key: unescape(parts[parts.length - 1] ?? '') };
}

function ownOf({ own }: Patch, node: unknown): Place['parent'] {
  const before = container(node);
  if (own.has(before)) return before;
  const copy = Array.isArray(before) ? [...(before as unknown[])] : { ...before };
  own.add(copy);
  return copy;
}

function container(node: unknown): Record<string, unknown> | unknown[] {
  if (Array.isArray(node) || isObject(node)) return node;
  throw unprocessable(NO_PLACE);
}

function unescape(part: string): string {
  return part.includes('~') ? part.replaceAll('~1', '/').replaceAll('~0', '~') : part;
}

/** On the way to a place it does not matter why there is nothing. */
function inside(place: Place): unknown {
  return Array.isArray(place.parent) && !isPosition(place.parent, place.key) ? undefined : get(place);
}

function get({ parent, key }: Place): unknown {
  if (Array.isArray(parent)) return parent[existing(parent, key)] as unknown;
  return Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function add({ parent, key }: Place, value: unknown): void {
  if (!Array.isArray(parent)) return put(parent, key, value);
  const at = key === '-' ? parent.length : under(isIndex(key) ? '' : `value was not a proper array index: '${key}': `, () => position(key, parent.length + 1));
  parent.splice(at, 0, value);
}

function remove({ parent, key }: Place): void {
  if (Array.isArray(parent)) parent.splice(existing(parent, key), 1);
  else if (Object.hasOwn(parent, key)) delete parent[key];
  else throw unprocessable(`Unable to remove nonexistent key: ${key}: missing value`);
}

function existing(list: readonly unknown[], key: string): number {
  return position(key, list.length);
}

function isPosition(list: readonly unknown[], key: string): boolean {
  const at = Number(key);
  return isIndex(key) && at < list.length && at >= -list.length;
}

function isIndex(key: string): boolean {
  return /^[-+]?[0-9]{1,15}$/.test(key);
}

/** Negative positions count from the end. */
function position(key: string, size: number): number {
  if (!isIndex(key)) throw unprocessable(`strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`);
  const at = Number(key);
  if (at >= size || at < -size) throw unprocessable(`Unable to access invalid index: ${at}: invalid index referenced`);
  return at < 0 ? at + size : at;
}
