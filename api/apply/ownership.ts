/** What a change does to the ownership of fields: conflicts found, and fields that changed or went away taken from their owners. */
import { deepEqual } from '../../std/deep.ts';
import type { ApiObject, Metadata } from '../kind.ts';
import type { Schema } from '../schema.ts';
import { typeOf, type Type } from './atoms.ts';
import { misfit } from './check.ts';
import { compare, type Comparison } from './compare.ts';
import { difference, intersection, isEmpty, pathsOf, recursiveDifference, setOf, union, type FieldSet } from './field-set.ts';
import { withSet, type Entries, type Manager } from './managers.ts';
import { reconciled } from './to-set.ts';

/** An object in another version of its kind, and that version's schema. Undefined: no longer served; its managers are forgotten. */
export type Convert = (object: ApiObject, apiVersion: string) => { readonly object: ApiObject; readonly schema: Schema } | undefined;

export interface Scope {
  readonly type: Type;
  readonly apiVersion: string;
  readonly convert: Convert | undefined;
  /** Fields that this request cannot change, whatever it says. */
  readonly reset: FieldSet;
}

export interface Change {
  readonly live: ApiObject;
  readonly next: ApiObject;
  /** Whether `next` is a whole object, and not the outcome of a merge. */
  readonly complete: boolean;
}

/** The fields of others that an apply would change. */
export class Conflicts extends Error {
  readonly list: readonly Conflict[];
  constructor(list: readonly Conflict[]) {
    super(`${list.length} conflicts`);
    this.list = list;
  }
}

export interface Conflict {
  readonly manager: Manager;
  readonly path: readonly string[];
}

/** Who makes a change, by identity. */
export interface Settling {
  /** Somebody who applies keeps what he has: his set has been replaced. */
  readonly applier?: string;
  /** Somebody who updates comes to own what he changes: of that he loses nothing but what nobody may own. */
  readonly updater?: string;
  readonly force: boolean;
}

/** Takes changed and removed fields from all managers but who makes the change. Without `force`, changed fields of others throw Conflicts. */
export function settle(scope: Scope, change: Change, entries: Entries, { applier, updater, force }: Settling): Effect {
  const own = effectOf(filtered(compare(scope.type, change.live, change.next, change.complete), scope.reset));
  const effects = new Map<string, Effect | undefined>([[scope.apiVersion, own]]);
  const conflicts: Conflict[] = [];
  const updates: [string, FieldSet][] = [];
  for (const [id, entry] of entries) {
    if (id === applier) continue;
    if (!effects.has(entry.apiVersion)) effects.set(entry.apiVersion, inVersion(scope, change, entry.apiVersion, own));
    const effect = effects.get(entry.apiVersion);
    if (!effect) {
      entries.delete(id);
      continue;
    }
    const lost = intersection(id === updater ? intersection(NEVER_OWNED, effect.changed) : effect.changed, entry.set);
    const some = !isEmpty(lost);
    if (some && !force) conflicts.push(...pathsOf(lost).map((path) => ({ manager: entry, path })));
    if (some || !isEmpty(effect.removed)) updates.push([id, difference(difference(entry.set, lost), effect.removed)]);
    else if (isEmpty(entry.set)) entries.delete(id);
  }
  if (conflicts.length > 0) throw new Conflicts(conflicts);
  for (const [id, set] of updates) {
    const entry = entries.get(id);
    if (isEmpty(set)) entries.delete(id);
    else if (entry && set !== entry.set) entries.set(id, withSet(entry, set));
  }
  return own;
}

/** What a change does to the fields of an object. */
export interface Effect {
  /** Modified or added. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

function effectOf({ added, modified, removed }: Comparison): Effect {
  return { changed: union(modified, added), removed };
}

export function filtered(comparison: Comparison, reset: FieldSet): Comparison {
  if (!reset.children) return comparison;
  return {
    added: recursiveDifference(comparison.added, reset),
    modified: recursiveDifference(comparison.modified, reset),
    removed: recursiveDifference(comparison.removed, reset),
  };
}

/** Without a converter, other versions differ in name only. */
function inVersion(scope: Scope, change: Change, apiVersion: string, own: Effect): Effect | undefined {
  if (!scope.convert) return own;
  const live = scope.convert(change.live, apiVersion);
  const next = scope.convert(change.next, apiVersion);
  if (!live || !next) return undefined;
  checkFit(live, 'failed to convert old object: ');
  checkFit(next, 'failed to convert new object: ');
  return effectOf(filtered(compare(typeOf(next.schema), live.object, next.object, change.complete), scope.reset));
}

/** An object that does not fit the version of one of its managers. */
export class Misfit extends Error {}

/** Throws Misfit, which begins with `what`. Versions of built-in kinds have the same fields. */
export function checkFit({ object, schema }: NonNullable<ReturnType<Convert>>, what = ''): void {
  const problem = 'structural' in schema ? misfit(typeOf(schema), object) : undefined;
  if (problem !== undefined) throw new Misfit(what + problem);
}

/** Follows a custom resource's schema where it became coarser since the entries were written. */
export function reconcile(scope: Scope, schema: Schema, entries: Entries): void {
  if ('type' in schema) return;
  for (const [id, entry] of entries) {
    if (entry.apiVersion !== scope.apiVersion) continue;
    const set = reconciled(entry.set, scope.type);
    if (set !== entry.set) entries.set(id, withSet(entry, set));
  }
}

/** What nobody owns: identity and what the server keeps. */
const NEVER_OWNED = setOf([
  ['apiVersion'],
  ['kind'],
  ['metadata'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map((field) => [
    'metadata',
    field,
  ]),
]);

export function owned(set: FieldSet): FieldSet {
  return difference(set, NEVER_OWNED);
}

/** The object without its managed fields; shares the rest. */
export function bare(object: ApiObject): ApiObject {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata }: Metadata = object.metadata;
  return { ...object, metadata };
}

/**
 * Restores the times of ownership where nothing else about the object changed, so that a write that changes nothing is
 * seen to change nothing.
 */
export function keepTimesOfNoChange(live: ApiObject, next: ApiObject): void {
  const [before, after] = [live.metadata.managedFields, next.metadata.managedFields];
  if (!before || !after || before.length !== after.length || deepEqual(before, after)) return;
  if (!deepEqual(bare(live), bare(next)) || !deepEqual(timeless(before), timeless(after))) return;
  next.metadata.managedFields = before;
}

function timeless(managedFields: readonly unknown[]): string[] {
  const texts = managedFields.map((entry) => {
    const { time: _, ...rest } = entry as Record<string, unknown>;
    return JSON.stringify(rest);
  });
  return texts.sort();
}
