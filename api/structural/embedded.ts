/** Objects within objects (`x-kubernetes-embedded-resource`): their kind, version and metadata. Provenance: apiextensions-apiserver pkg/apiserver/schema/objectmeta of v0.36. */
import { invalid, Path, required, type FieldError } from '../field-error.ts';
import type { Metadata } from '../kind.ts';
import { dns1035Label } from '../kinds/shared/formats.ts';
import { nameIsPathSegment } from '../kinds/shared/names.ts';
import { validateMetadata } from '../kinds/shared/object-meta.ts';
import { additionalOf, isObject, itemsOf, type Json, type JsonSchema, propertyOf, someSchema } from './json-schema.ts';

/** Of what is inside; the object itself is checked elsewhere. */
export function validateEmbedded(object: unknown, schema: JsonSchema): FieldError[] {
  if (!hasEmbedded(schema)) return [];
  const errors: FieldError[] = [];
  walk(object, schema, Path.of(), errors);
  return errors;
}

const withEmbedded = new WeakMap<JsonSchema, boolean>();

function hasEmbedded(schema: JsonSchema): boolean {
  let known = withEmbedded.get(schema);
  if (known === undefined) withEmbedded.set(schema, (known = someSchema(schema, (one) => one['x-kubernetes-embedded-resource'] === true)));
  return known;
}

function walk(value: unknown, schema: JsonSchema, path: Path, errors: FieldError[]): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) for (const [at, item] of value.entries()) walk(item, items, path.index(at), errors);
    return;
  }
  if (!isObject(value)) return;
  if (schema['x-kubernetes-embedded-resource']) errors.push(...checkObject(value, path));
  const additional = additionalOf(schema);
  for (const [name, inner] of Object.entries(value)) {
    const property = propertyOf(schema, name);
    if (property) walk(inner, property, path.child(name), errors);
    else if (additional) walk(inner, additional, path.key(name), errors);
  }
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
  if (!isObject(metadata)) return errors;
  const meta = { ...(metadata as Metadata), name: (metadata as Metadata).name || 'fakename' };
  return [...errors, ...validateMetadata(meta, { namespaced: Boolean(meta.namespace), validateName: nameIsPathSegment }, path.child('metadata'))];
}

function checkText(value: unknown, path: Path): FieldError[] {
  if (value === undefined) return [required(path)];
  if (typeof value !== 'string') return [invalid(path, value, 'must be a string')];
  return value === '' ? [invalid(path, value, 'must not be empty')] : [];
}
