/** An object as upstream's libraries print it after a patch: what the patch went through has its keys in order, the rest stands as it was. */
import type { FieldFact } from '../facts/fact.ts';
import { typeFact } from '../facts/facts.ts';
import { isObject } from './refusals.ts';

/** `patch` is a list of operations or a merge patch. Without one, all keys come in order. `type`: of the object, whose maps always have theirs in order. */
export function patchedText(object: unknown, patch: unknown, type?: string): string {
  const touched = patch === undefined ? undefined : new Set(['', ...(Array.isArray(patch) ? ofOperations(patch) : ofMerge(patch, ''))]);
  const print = (value: unknown, path: string, field: FieldFact | undefined): string => {
    if (Array.isArray(value)) return `[${value.map((item, i) => print(item, `${path}/${i}`, field?.of)).join(',')}]`;
    if (!isObject(value)) return JSON.stringify(value ?? null);
    const keys = Object.keys(value).filter((key) => value[key] !== undefined);
    if (!touched || touched.has(path) || field?.kind === 'map') keys.sort();
    else if (path === '/metadata') keys.sort((a, b) => METADATA.indexOf(a) - METADATA.indexOf(b));
    return `{${keys.map((key) => `${JSON.stringify(key)}:${print(value[key], `${path}/${key}`, inside(field, key))}`).join(',')}}`;
  };
  return print(object, '', type === undefined ? undefined : { kind: 'ref', ref: type }).replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What stands under a key. */
function inside(field: FieldFact | undefined, key: string): FieldFact | undefined {
  if (field?.kind === 'map') return field.of;
  if (field?.kind !== 'ref' || field.ref === undefined) return undefined;
  for (const one of typeFact(field.ref)?.fields ?? []) {
    const found = one.inline ? inside(one, key) : one.name === key ? one : undefined;
    if (found) return found;
  }
  return undefined;
}

const METADATA = [
  'name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds',
  'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields',
];

/** The containers on the way to each place. */
function ofOperations(operations: readonly unknown[]): string[] {
  const places: string[] = [];
  for (const operation of operations) {
    if (!isObject(operation)) continue;
    for (const pointer of [operation['path'], operation['from']]) {
      if (typeof pointer !== 'string') continue;
      const parts = pointer.split('/').slice(1, -1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
      parts.forEach((_, i) => places.push(`/${parts.slice(0, i + 1).join('/')}`));
    }
  }
  return places;
}

function ofMerge(patch: unknown, path: string): string[] {
  if (Array.isArray(patch)) return patch.flatMap((inner, i) => ofMerge(inner, `${path}/${i}`));
  if (!isObject(patch)) return [];
  return [path, ...Object.entries(patch).flatMap(([key, inner]) => ofMerge(inner, `${path}/${key}`))];
}
