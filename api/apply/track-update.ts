/** Ownership of fields after a create, an update or a patch that is no apply: it moves to who made the change. */
import { deepEqual, deepFreeze } from '../../std/deep.ts';
import type { ApiObject } from '../kind.ts';
import type { Schema } from '../schema.ts';
import { timestamp } from '../timestamp.ts';
import { typeOf } from './atoms.ts';
import { misfit } from './check.ts';
import { compare } from './compare.ts';
import { encodeFields, isEmpty, recursiveDifference, setOf, union } from './field-set.ts';
import { capUpdaters, decodeManagedFields, encodeManagedFields, identity, type Entries, type Manager } from './managers.ts';
import { newFields } from './new-fields.ts';
import { bare, Misfit, owned, reconcile, settle, type Convert, type Scope } from './ownership.ts';
import { ItemError } from './values.ts';

export interface TrackOptions {
  readonly schema: Schema;
  /** Undefined on create. */
  readonly live: ApiObject | undefined;
  /** Its `metadata.managedFields` are replaced. */
  readonly next: ApiObject;
  readonly manager: string;
  /** Of the request, which both objects are in. */
  readonly apiVersion: string;
  /** '' for the main resource. */
  readonly subresource?: string;
  readonly now: number;
  /** Fields that this kind and subresource do not let through: their changes are nobody's. */
  readonly resetFields?: readonly (readonly string[])[];
  readonly convert?: Convert | undefined;
  /** Custom resources only: a manager in any other version makes an end of all ownership, as upstream has it. */
  readonly versions?: readonly string[] | undefined;
}

/** An object whose ownership was cleared stays without until it is first applied. */
export function trackUpdate(options: TrackOptions): void {
  const { live, next } = options;
  const entries = startingEntries(options);
  delete next.metadata.managedFields;
  if ((entries.size === 0 && live) || isUnfit(options) || hasStranger(options, entries)) return;
  try {
    recordUpdate(options, entries);
  } catch (error) {
    // Lists whose items cannot be told apart, and fields that another manager's version does not have: nobody owns anything, as upstream has it.
    if (error instanceof ItemError || error instanceof Misfit) return;
    throw error;
  }
  const managedFields = encodeManagedFields(entries);
  if (managedFields) next.metadata.managedFields = managedFields;
}

/**
 * Custom resources only, which may hold what their schema does not take: what a write does not let through is validated by nobody, and
 * schemas change. Where an object does not even fit its type, nobody owns anything afterwards, as upstream has it.
 */
function isUnfit({ schema, live, next }: TrackOptions): boolean {
  if (!('structural' in schema)) return false;
  const type = typeOf(schema);
  return [next, live].some((object) => object && misfit(type, Object.fromEntries(Object.entries(object).filter(([key]) => !KEPT.has(key)))) !== undefined);
}

function hasStranger({ versions }: TrackOptions, entries: Entries): boolean {
  if (versions) for (const { apiVersion } of entries.values()) if (!versions.includes(apiVersion)) return true;
  return false;
}

const KEPT: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** Changes the entries for a change from `live` to `next`. */
export function recordUpdate(options: TrackOptions, entries: Entries): void {
  const { schema, apiVersion, now } = options;
  const next = bare(options.next);
  if (!options.live && entries.size === 0) return recordNew(options, next, entries);
  const scope: Scope = { type: typeOf(schema), apiVersion, convert: options.convert, reset: setOf(options.resetFields ?? []) };
  reconcile(scope, schema, entries);
  const live = options.live ? bare(options.live) : blank(next);
  const manager: Manager = { manager: options.manager || 'unknown', operation: 'Update', apiVersion, subresource: options.subresource ?? '' };
  const id = identity(manager);
  const { changed } = settle(scope, { live, next, complete: true }, entries, { updater: id, force: true });
  const mine = owned(changed);
  if (!isEmpty(mine)) {
    const before = entries.get(id);
    const set = before ? union(before.set, mine) : mine;
    entries.set(id, { ...manager, time: timestamp(now), set, ...(set === before?.set && { encoded: before.encoded }) });
  }
  capUpdaters(entries);
}

/** Everything that a new object says is its creator's. */
function recordNew({ schema, apiVersion, now, manager, subresource = '', resetFields = [] }: TrackOptions, next: ApiObject, entries: Entries): void {
  const type = typeOf(schema);
  const { set, encoded } = newFields(type, next, resetFields, () => {
    const { added, modified } = compare(type, blank(next), next, true);
    const set = owned(recursiveDifference(union(modified, added), setOf(resetFields)));
    return { set, encoded: deepFreeze(encodeFields(set)) };
  });
  if (isEmpty(set)) return;
  const creator: Manager = { manager: manager || 'unknown', operation: 'Update', apiVersion, subresource };
  entries.set(identity(creator), { ...creator, time: timestamp(now), set, encoded });
}

/** What the client sent counts if it is well formed: `[]` and `[{}]` clear, nothing at all keeps. Subresources cannot touch ownership. */
function startingEntries({ live, next, subresource }: TrackOptions): Entries {
  const sent = next.metadata.managedFields;
  if (!live && !sent) return new Map();
  const kept = (): Entries => decodeManagedFields(live?.metadata.managedFields) ?? new Map();
  if (subresource) return kept();
  if (isReset(sent)) return new Map();
  // What is sent back as it was read has been decoded before.
  if (live && deepEqual(sent, live.metadata.managedFields)) return kept();
  const entries = decodeManagedFields(sent);
  return entries && entries.size > 0 ? entries : kept();
}

function isReset(managedFields: readonly unknown[] | null | undefined): boolean {
  if (!managedFields) return false;
  const only = managedFields[0];
  return managedFields.length === 0 || (managedFields.length === 1 && typeof only === 'object' && only !== null && Object.keys(only).length === 0);
}

function blank(object: ApiObject): ApiObject {
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: {} };
}
