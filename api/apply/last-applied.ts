/** The bridge from kubectl's client-side apply, whose annotation says what it applied last. */
import { deepCopy } from '../../std/deep.ts';
import type { ApiObject } from '../kind.ts';
import { checkApplied } from './check.ts';
import { compare } from './compare.ts';
import { difference, has, union } from './field-set.ts';
import { bare, type Conflict, type Scope } from './ownership.ts';
import { fieldsOf } from './to-set.ts';

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The annotations of an object may not take more, so a larger one is left out. */
const MAX_ANNOTATION_BYTES = 256 * 1024;

/** The conflicts that are not about fields which kubectl itself applied and which still have the values it gave them. */
export function conflictsBeyondLastApplied(scope: Scope, live: ApiObject, conflicts: readonly Conflict[]): readonly Conflict[] {
  const applied = parse(live.metadata.annotations?.[LAST_APPLIED]);
  if (!applied || applied.apiVersion !== scope.apiVersion || checkApplied(scope.type, applied) !== undefined) return conflicts;
  const { added, modified, removed } = compare(scope.type, applied, bare(live), true);
  const allowed = difference(fieldsOf(scope.type, applied), union(union(added, modified), removed));
  return conflicts.filter(({ path }) => !has(allowed, path));
}

/** Keeps the annotation in step with what was applied. */
export function updateLastApplied(object: ApiObject, applied: ApiObject): void {
  const copy = deepCopy(applied) as ApiObject;
  if (copy.metadata.annotations) delete copy.metadata.annotations[LAST_APPLIED];
  const text = `${JSON.stringify(sortedKeys(copy))}\n`;
  const annotations = object.metadata.annotations ?? {};
  if (text.length > MAX_ANNOTATION_BYTES) delete annotations[LAST_APPLIED];
  else annotations[LAST_APPLIED] = text;
}

function parse(text: string | undefined): ApiObject | undefined {
  if (!text) return undefined;
  try {
    const object = JSON.parse(text) as unknown;
    return typeof object === 'object' && object !== null ? (object as ApiObject) : undefined;
  } catch {
    return undefined;
  }
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortedKeys(inner)]));
}
