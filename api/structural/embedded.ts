/** Objects within objects (`x-kubernetes-embedded-resource`): their kind, version and metadata. Provenance: apiextensions-apiserver pkg/apiserver/schema/objectmeta of v0.36. */
import { invalid, Path, required, type FieldError } from '../field-error.ts';
import type { Metadata } from '../kind.ts';
import { dns1035Label } from '../kinds/shared/formats.ts';
import { nameIsPathSegment } from '../kinds/shared/names.ts';
import { validateMetadata } from '../kinds/shared/object-meta.ts';
import { additionalOf, isObject, itemsOf, type Json, type JsonSchema, propertyOf, someSchema } from './json-schema.ts';
import { inKeyOrder } from './key-order.ts';

/** Of what is inside; the object itself is checked elsewhere. */
export function validateEmbedded(object: unknown, schema: JsonSchema): FieldError[] {
  return inside(object, schema, checkObject);
}

/** Of an object and what is inside. */
export function validateResource(object: Json, schema: JsonSchema): FieldError[] {
  return outsideToo(object, schema, checkObject);
}

/** The first thing that is not of its type, in what is inside. */
export function misshapenEmbedded(object: unknown, schema: JsonSchema): FieldError | undefined {
  return inside(object, schema, checkShape)[0];
}

export function misshapenResource(object: Json, schema: JsonSchema): FieldError | undefined {
  return outsideToo(object, schema, checkShape)[0];
}

type Check = (object: Json, path: Path) => FieldError[];

function inside(object: unknown, schema: JsonSchema, check: Check): FieldError[] {
  return hasEmbedded(schema) ? walk(object, schema, Path.of(), check) : [];
}

function outsideToo(object: Json, schema: JsonSchema, check: Check): FieldError[] {
  const errors = inside(object, schema, check);
  return schema['x-kubernetes-embedded-resource'] ? errors : [...check(object, Path.of()), ...errors];
}

const withEmbedded = new WeakMap<JsonSchema, boolean>();

function hasEmbedded(schema: JsonSchema): boolean {
  let known = withEmbedded.get(schema);
  if (known === undefined) withEmbedded.set(schema, (known = someSchema(schema, (one) => one['x-kubernetes-embedded-resource'] === true)));
  return known;
}

function walk(value: unknown, schema: JsonSchema, path: Path, check: Check): FieldError[] {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items ? value.flatMap((item, at) => walk(item, items, path.index(at), check)) : [];
  }
  if (!isObject(value)) return [];
  const errors = schema['x-kubernetes-embedded-resource'] ? check(value, path) : [];
  const additional = additionalOf(schema);
  for (const [name, inner] of Object.entries(value)) {
    const property = propertyOf(schema, name);
    if (property) errors.push(...walk(inner, property, path.child(name), check));
    else if (additional) errors.push(...walk(inner, additional, path.key(name), check));
  }
  return errors;
}

function checkShape(object: Json, path: Path): FieldError[] {
  const errors = ['apiVersion', 'kind'].filter((name) => Object.hasOwn(object, name) && typeof object[name] !== 'string')
    .map((name) => invalid(path.child(name), inKeyOrder(object[name]), 'must be a string'));
  const { metadata } = object;
  const odd = metadata === undefined ? undefined : metadataProblem(metadata);
  return odd === undefined ? errors : [...errors, invalid(path.child('metadata'), inKeyOrder(metadata), odd)];
}

function checkObject(object: Json, path: Path): FieldError[] {
  const { apiVersion, kind, metadata } = object;
  const errors = [...checkText(apiVersion, path.child('apiVersion')), ...checkText(kind, path.child('kind'))];
  if (typeof apiVersion === 'string' && apiVersion.split('/').length > 2) {
    errors.push(invalid(path.child('apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  }
  if (typeof kind === 'string' && kind !== '') {
    const wrong = dns1035Label(kind.toLowerCase());
    if (wrong.length > 0) errors.push(invalid(path.child('kind'), kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`));
  }
  if (!Object.hasOwn(object, 'metadata')) return errors;
  const odd = metadataProblem(metadata);
  if (odd !== undefined) return [...errors, invalid(path.child('metadata'), inKeyOrder(metadata), odd)];
  const meta = { ...(metadata as Metadata), name: (metadata as Metadata).name || 'fakename' };
  return [...errors, ...validateMetadata(meta, { namespaced: Boolean(meta.namespace), validateName: nameIsPathSegment }, path.child('metadata'))];
}

function checkText(value: unknown, path: Path): FieldError[] {
  if (value === undefined) return [required(path)];
  if (typeof value !== 'string') return [invalid(path, value, 'must be a string')];
  return value === '' ? [invalid(path, value, 'must not be empty')] : [];
}

const TEXTS = ['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion'];
const TEXT_MAPS = ['labels', 'annotations'];

/** Why metadata cannot be read as such, in the words of Go's decoder. */
export function metadataProblem(metadata: unknown): string | undefined {
  if (metadata === null) return undefined;
  if (!isObject(metadata)) return `json: cannot unmarshal ${jsonKind(metadata)} into Go value of type v1.ObjectMeta`;
  const wrong = (value: unknown, field: string, type: string): string => `json: cannot unmarshal ${jsonKind(value)} into Go struct field ObjectMeta.${field} of type ${type}`;
  for (const name of TEXTS) if (isGiven(metadata[name]) && typeof metadata[name] !== 'string') return wrong(metadata[name], name, name === 'uid' ? 'types.UID' : 'string');
  for (const name of TEXT_MAPS) {
    const map = metadata[name];
    if (!isGiven(map)) continue;
    if (!isObject(map)) return wrong(map, name, 'map[string]string');
    const odd = Object.values(map).find((value) => isGiven(value) && typeof value !== 'string');
    if (odd !== undefined) return wrong(odd, name, 'string');
  }
  for (const name of ['finalizers', 'ownerReferences']) {
    const list = metadata[name];
    if (!isGiven(list)) continue;
    if (!Array.isArray(list)) return wrong(list, name, name === 'finalizers' ? '[]string' : '[]v1.OwnerReference');
    const odd: unknown = list.find((item) => (name === 'finalizers' ? typeof item !== 'string' : !isObject(item)));
    if (odd !== undefined) return wrong(odd, name, name === 'finalizers' ? 'string' : 'v1.OwnerReference');
  }
  return undefined;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'number' : typeof value;
}
