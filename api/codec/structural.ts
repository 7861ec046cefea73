/** Custom resources as they are read: pruned to their structural schema, with metadata of the known type. */
import { convertType } from './compile.ts';
import type { Context } from './context.ts';
import { inKeyOrder } from '../structural/key-order.ts';
import { setKey, toPlain, WrittenNumber } from './json-text.ts';
import { invalid, Path } from '../field-error.ts';
import { ApiError, badRequest } from '../status.ts';

type Json = Readonly<Record<string, unknown>>;

/** Upstream: apiextensions-apiserver pkg/apiserver/schema/pruning and objectmeta. The input is not changed. */
export function prune(schema: Json, value: unknown, context: Context): unknown {
  if (!isObject(value)) throw badRequest('json: cannot unmarshal into Go value of type map[string]interface {}');
  if (context.duplicates) noteDuplicates(value, context);
  const pruner = new Pruner(context.keepNulls);
  const { kind, apiVersion, metadata, ...rest } = value;
  const out: Record<string, unknown> = {};
  for (const [key, text] of Object.entries({ kind, apiVersion })) {
    if (text === undefined) continue;
    if (typeof text !== 'string') throw badRequest(`Object '${key === 'kind' ? 'Kind' : 'apiVersion'}' is not a string`);
    out[key] = text;
  }
  const meta = convertMetadata(metadata ?? null, ['metadata'], context);
  out['metadata'] = meta;
  Object.assign(out, pruner.object(rest, schema, { path: '', keep: schema['x-kubernetes-preserve-unknown-fields'] === true }));
  for (const path of pruner.unknown.sort()) note(context, path);
  for (const embedded of pruner.embedded) coerce(embedded, context);
  return out;
}

/** An object inside has metadata of the known type too. */
function coerce({ object, path, field }: Embedded, context: Context): void {
  for (const name of ['apiVersion', 'kind']) {
    if (Object.hasOwn(object, name) && typeof object[name] !== 'string') throw refused(field.child(name), object[name], 'must be a string');
  }
  const { metadata } = object;
  if (metadata === undefined) return;
  try {
    object['metadata'] = convertMetadata(metadata, [...path.split('.'), 'metadata'], context);
  } catch (error) {
    if (error instanceof ApiError) throw refused(field.child('metadata'), metadata, error.message);
    throw error;
  }
}

function refused(field: Path, value: unknown, why: string): ApiError {
  const error = invalid(field, inKeyOrder(value), why);
  return badRequest(`${error.field}: ${error.message}`);
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const META_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

function convertMetadata(value: unknown, path: readonly string[], context: Context): unknown {
  const { depth, start, root } = context;
  for (const step of path) context.steps[context.depth++] = step;
  context.start = context.depth;
  context.root = META;
  const meta = convertType(META)(value, context);
  context.settle();
  Object.assign(context, { depth, start, root });
  return meta;
}

function note(context: Context, path: string): void {
  const { depth } = context;
  context.depth = 0;
  context.unknownField(path);
  context.depth = depth;
}

interface Embedded {
  readonly object: Record<string, unknown>;
  readonly path: string;
  readonly field: Path;
}

interface Place {
  readonly path: string;
  /** Fields without a schema stay. */
  readonly keep: boolean;
}

class Pruner {
  readonly unknown: string[] = [];
  readonly embedded: Embedded[] = [];
  readonly #keepNulls: boolean;
  /** The way here; a key of a map is told from a field. */
  readonly #way: string[] = [];

  constructor(keepNulls: boolean) {
    this.#keepNulls = keepNulls;
  }

  object(value: Json, schema: Json | undefined, { path, keep }: Place): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    const embedded = schema?.['x-kubernetes-embedded-resource'] === true;
    const properties = schema?.['properties'] as Readonly<Record<string, Json>> | undefined;
    const additional = schema?.['additionalProperties'];
    for (const key of Object.keys(value)) {
      const inner = value[key];
      const at = path === '' ? key : `${path}.${key}`;
      const property = properties && Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (embedded && META_FIELDS.has(key)) setKey(out, key, plain(inner));
      else if (property) {
        if (inner === null && !this.#keepNulls && property['nullable'] !== true && property['default'] === undefined) continue;
        setKey(out, key, this.#inside(`.${key}`, () => this.value(inner, property, at)));
      } else if (additional !== undefined && additional !== false) {
        setKey(out, key, keep && typeof additional !== 'object' ? plain(inner) : this.#inside(`[${key}]`, () => this.value(inner, isObject(additional) ? additional : undefined, at)));
      } else if (keep) setKey(out, key, plain(inner));
      else this.unknown.push(at);
    }
    if (embedded) this.embedded.push({ object: out, path, field: Path.of(this.#way.join('').slice(1)) });
    return out;
  }

  #inside(step: string, read: () => unknown): unknown {
    this.#way.push(step);
    const value = read();
    this.#way.pop();
    return value;
  }

  value(value: unknown, schema: Json | undefined, path: string): unknown {
    const keep = schema?.['x-kubernetes-preserve-unknown-fields'] === true;
    if (isObject(value)) return this.object(value, schema, { path, keep });
    if (!Array.isArray(value)) return plain(value);
    const items = schema?.['items'] as Json | undefined;
    return value.map((item, i) => (keep && !items ? plain(item) : this.#inside(`[${i}]`, () => this.value(item, items, `${path}[${i}]`))));
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WrittenNumber);
}

/** A copy in which numbers are values. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof WrittenNumber) return toPlain(value);
  if (Array.isArray(value)) return value.map(plain);
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) setKey(out, key, plain((value as Json)[key]));
  return out;
}

/** In the order of the text. */
function noteDuplicates(value: unknown, context: Context): void {
  if (typeof value !== 'object' || value === null) return;
  const list = context.duplicates?.get(value);
  const depth = context.depth++;
  let noted = 0;
  const noteBefore = (index: number): void => {
    if (list) noted = context.duplicatesBefore({ list, from: noted, index, known: () => true, depth });
  };
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  for (const [index, [key, inner]] of entries.entries()) {
    noteBefore(index);
    context.steps[depth] = key;
    noteDuplicates(inner, context);
  }
  noteBefore(Infinity);
  context.depth = depth;
}
