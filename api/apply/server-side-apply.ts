/** Server-side apply: merges a configuration into the live object, in the name of a manager who from then on owns what it sets. */
import { deepCopy, deepEqual } from '../../std/deep.ts';
import type { ApiObject } from '../kind.ts';
import type { Schema } from '../schema.ts';
import { timestamp } from '../timestamp.ts';
import { ApiError, badRequest } from '../status.ts';
import { typeOf } from './atoms.ts';
import { checkApplied } from './check.ts';
import { conflictError } from './conflict.ts';
import { equalSets, isEmpty, recursiveDifference, setOf } from './field-set.ts';
import { conflictsBeyondLastApplied, LAST_APPLIED, updateLastApplied } from './last-applied.ts';
import { decodeManagedFields, encodeManagedFields, identity, type Entries, type Manager } from './managers.ts';
import { merge } from './merge.ts';
import { bare, Conflicts, Misfit, owned, reconcile, settle, type Convert, type Scope } from './ownership.ts';
import { pruneAbandoned } from './prune.ts';
import { fieldsOf } from './to-set.ts';
import { recordUpdate } from './track-update.ts';
import { ItemError } from './values.ts';

export interface ApplyOptions {
  readonly schema: Schema;
  /** Undefined where the apply creates. */
  readonly live: ApiObject | undefined;
  readonly applied: ApiObject;
  readonly manager: string;
  readonly force: boolean;
  /** Of the request, which `live` is in. */
  readonly apiVersion: string;
  /** Of the request; defaults to that of the live object. */
  readonly kind?: string;
  readonly subresource?: string;
  readonly now: number;
  readonly resetFields?: readonly (readonly string[])[];
  readonly convert?: Convert | undefined;
}

/**
 * The merged object with its managed fields, to be defaulted by the caller. Shares nothing with the arguments. Throws 400 on
 * what is no configuration for this kind, 409 with the conflicts unless `force`, 500 on what does not fit the schema.
 */
export function serverSideApply(options: ApplyOptions): ApiObject {
  const { live, applied } = options;
  checkIdentity(options);
  const entries = decodeManagedFields(live?.metadata.managedFields);
  if (!entries) throw failure('failed to decode managed fields: malformed entry');
  if (entries.size === 0 && live) recordUpdate({ ...options, live: undefined, next: live, manager: 'before-first-apply' }, entries);
  if ((applied.metadata?.managedFields ?? undefined) !== undefined) throw badRequest('metadata.managedFields must be nil');
  const type = typeOf(options.schema);
  const problem = checkApplied(type, applied);
  if (problem) throw failure(`failed to create typed patch object (${named(applied)}): ${problem}`);
  const scope: Scope = { type, apiVersion: options.apiVersion, convert: options.convert, reset: setOf(options.resetFields ?? []) };
  reconcile(scope, options.schema, entries);

  const result = attempt(options, scope, entries);
  const object = deepCopy(result.object) as ApiObject;
  // What is created may come without; that it has no name is for others to say.
  object.metadata ??= {};
  if (options.manager === 'kubectl' && object.metadata.annotations?.[LAST_APPLIED]) updateLastApplied(object, applied);
  const managedFields = encodeManagedFields(result.entries);
  if (managedFields) object.metadata.managedFields = managedFields;
  return object;
}

interface Outcome {
  readonly object: ApiObject;
  readonly entries: Entries;
}

/** kubectl's own client-side applies are no conflicts for its server-side ones. */
function attempt(options: ApplyOptions, scope: Scope, entries: Entries): Outcome {
  try {
    return apply(options, scope, new Map(entries), options.force);
  } catch (error) {
    if (error instanceof ItemError) throw failure(`failed to create typed live object (${named(options.live ?? options.applied)}): ${error.message}`);
    if (error instanceof Misfit) throw failure(error.message);
    if (!(error instanceof Conflicts)) throw error;
    const left = options.manager === 'kubectl' && options.live ? conflictsBeyondLastApplied(scope, options.live, error.list) : error.list;
    if (left.length > 0) throw conflictError(left);
    return apply(options, scope, entries, true);
  }
}

function apply(options: ApplyOptions, scope: Scope, entries: Entries, force: boolean): Outcome {
  const live = options.live ? bare(options.live) : undefined;
  const manager: Manager = { manager: options.manager || 'unknown', operation: 'Apply', apiVersion: options.apiVersion, subresource: options.subresource ?? '' };
  const id = identity(manager);
  const last = entries.get(id);
  const set = recursiveDifference(fieldsOf(scope.type, options.applied), scope.reset);
  entries.set(id, { ...manager, time: last?.time, set });

  const merged = merge(scope.type, live, options.applied) as ApiObject;
  const next = last ? pruneAbandoned(scope, merged, entries, { last, set, applied: options.applied }) : merged;
  const base = live ?? { apiVersion: next.apiVersion, kind: next.kind, metadata: {} };
  settle(scope, { live: base, next, complete: false }, entries, { applier: id, force });

  const kept = owned(set);
  const changed = !live || !deepEqual(live, next);
  const time = changed ? timestamp(options.now) : last?.time;
  if (isEmpty(kept)) entries.delete(id);
  else {
    const same = last && last.apiVersion === manager.apiVersion && equalSets(last.set, kept);
    entries.set(id, { ...manager, time, set: kept, ...(same && { encoded: last.encoded }) });
  }
  return { object: changed ? next : (live ?? next), entries };
}

function checkIdentity({ live, applied, apiVersion, kind = live?.kind }: ApplyOptions): void {
  if (applied.apiVersion === apiVersion && (kind === undefined || applied.kind === kind)) return;
  throw badRequest(`invalid object type: ${groupVersionKind(applied)}`);
}

/** `ns/name; apps/v1, Kind=Deployment` */
function named(object: ApiObject): string {
  return `${asText(object.metadata?.namespace)}/${asText(object.metadata?.name)}; ${groupVersionKind(object)}`;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What is no text is nothing. */
function groupVersionKind(object: { readonly apiVersion?: unknown; readonly kind?: unknown }): string {
  const apiVersion = asText(object.apiVersion);
  const kind = asText(object.kind);
  if (apiVersion.split('/').length > 2) return '/, Kind=';
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

/** What came of an apply has its type's form, and yet cannot become an object as the server keeps it. */
export function unversionedFailure(applied: ApiObject, why: string): ApiError {
  return failure(`failed to convert to unversioned (${named(applied)}): ${why}`);
}

/** What came of an apply cannot be an object of its kind. */
export function conversionFailure(applied: ApiObject, why: string): ApiError {
  return failure(`failed to convert new object (${named(applied)}) to proper version: unable to convert unstructured object to ${groupVersionKind(applied)}: ${why}`);
}

function failure(message: string): ApiError {
  return new ApiError({ code: 500, message });
}
