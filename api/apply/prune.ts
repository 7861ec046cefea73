/** Taking away what a manager applied last time and leaves out now, unless somebody else owns it. */
import type { ApiObject } from '../kind.ts';
import { typeOf, type Type } from './atoms.ts';
import { contains, difference, emptySet, intersection, isEmpty, union, type FieldSet } from './field-set.ts';
import type { Entries, Entry } from './managers.ts';
import { removeFields } from './merge.ts';
import { checkFit, type Scope } from './ownership.ts';
import { fieldsOf, withNamedFields } from './to-set.ts';

/** `entries` has the manager's new set already, which `applied` says; `last` is what it had before. */
export function pruneAbandoned(scope: Scope, merged: ApiObject, entries: Entries, { last, set, applied }: Applied): ApiObject {
  if (isEmpty(last.set)) return merged;
  if (last.apiVersion === scope.apiVersion && isAllOf(scope.apiVersion, entries) && contains(set, last.set) && saysSomething(applied)) return merged;
  const start = inVersion(scope, merged, last.apiVersion);
  if (!start) return merged;
  const lastSet = withNamedFields(last.set, start.type);
  let pruned = removeFields(start.type, start.object, lastSet) as ApiObject;
  pruned = addBackOwned(scope, start.object, pruned, entries, last.apiVersion);
  const mergedSet = withNamedFields(fieldsOf(start.type, start.object), start.type);
  const prunedInLast = inVersion(scope, pruned, last.apiVersion)?.object ?? pruned;
  const prunedSet = withNamedFields(fieldsOf(start.type, prunedInLast), start.type);
  const result = removeFields(start.type, start.object, intersection(difference(mergedSet, prunedSet), lastSet)) as ApiObject;
  return inVersion(scope, result, scope.apiVersion)?.object ?? result;
}

export interface Applied {
  readonly last: Entry;
  readonly set: FieldSet;
  readonly applied: ApiObject;
}

/** Nothing has to be converted. */
function isAllOf(apiVersion: string, entries: Entries): boolean {
  for (const entry of entries.values()) if (entry.apiVersion !== apiVersion) return false;
  return true;
}

/**
 * Whether everything in the configuration holds a value. Who leaves nothing out takes nothing away then: whatever he had is in what he
 * has now, with all that it stands in. An empty map, or null, would own what others have put there.
 */
function saysSomething(value: unknown): boolean {
  if (typeof value !== 'object') return true;
  if (value === null) return false;
  let some = false;
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key];
    if (inner === undefined) continue;
    if (!saysSomething(inner)) return false;
    some = true;
  }
  return some;
}

/** Returns what others, or the new configuration, claim. The version of the last apply goes first: conversions may need its fields. */
function addBackOwned(scope: Scope, merged: ApiObject, pruned: ApiObject, entries: Entries, first: string): ApiObject {
  const managed = new Map<string, FieldSet>([[first, emptySet]]);
  for (const entry of entries.values()) managed.set(entry.apiVersion, union(managed.get(entry.apiVersion) ?? emptySet, entry.set));
  let result = pruned;
  for (const [apiVersion, set] of managed) {
    const whole = inVersion(scope, merged, apiVersion);
    const part = inVersion(scope, result, apiVersion);
    if (!whole || !part || isEmpty(set)) continue;
    const { type } = whole;
    const named = (fields: FieldSet): FieldSet => withNamedFields(fields, type);
    const keep = union(named(fieldsOf(type, part.object)), named(set));
    const back = removeFields(type, whole.object, difference(named(fieldsOf(type, whole.object)), keep)) as ApiObject;
    result = inVersion(scope, back, first)?.object ?? back;
  }
  return result;
}

function inVersion(scope: Scope, object: ApiObject, apiVersion: string): { object: ApiObject; type: Type } | undefined {
  const isThere = object.apiVersion === apiVersion;
  if (!scope.convert || (isThere && apiVersion === scope.apiVersion)) return { object, type: scope.type };
  const converted = scope.convert(object, apiVersion);
  if (!converted) return undefined;
  // Its type is that version's own, not the one of the request.
  if (isThere) return { object, type: typeOf(converted.schema) };
  checkFit(converted);
  return { object: converted.object, type: typeOf(converted.schema) };
}
