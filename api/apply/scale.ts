/** Ownership of `replicas` seen through the scale subresource, and what a write there means for the main resource. */
import { difference, growingSet, has, insert, isEmpty, type FieldSet } from './field-set.ts';
import { decodeManagedFields, encodeEntries, withSet, type Entry } from './managers.ts';

/** Where each version of the main resource has its replicas, as field names. */
export type ReplicasPaths = Readonly<Record<string, readonly string[]>>;

const SCALE_VERSION = 'autoscaling/v1';
const SCALE_PATH = ['f:spec', 'f:replicas'];

/** The managed fields of the Scale: the owners of replicas. */
export function scaleManagedFields(parent: unknown, paths: ReplicasPaths): unknown[] | undefined {
  const owners: Entry[] = [];
  for (const entry of decodeManagedFields(parent)?.values() ?? []) {
    const path = pathIn(paths, entry.apiVersion);
    if (path && has(entry.set, path)) owners.push({ ...withSet(entry, single(SCALE_PATH)), apiVersion: SCALE_VERSION });
  }
  return encodeEntries(owners);
}

/**
 * The managed fields of the main resource after a write to its Scale, whose own are `scale`. Who no longer stands there loses
 * replicas here (an applier who stands there with anything keeps them, as upstream); new owners get an entry in `apiVersion`, without a time, as servers write it.
 */
export function parentManagedFields(parent: unknown, scale: unknown, apiVersion: string, paths: ReplicasPaths): unknown[] | undefined {
  const path = pathIn(paths, apiVersion);
  const scaled = new Map([...(decodeManagedFields(scale)?.values() ?? [])].map((entry) => [scaleIdentity(entry), entry]));
  const entries: Entry[] = [];
  for (const entry of decodeManagedFields(parent)?.values() ?? []) {
    const own = pathIn(paths, entry.apiVersion);
    if (!own) continue;
    // Upstream tells updaters apart by their version too, which is never that of the Scale: they lose replicas, and get them anew.
    if (!has(entry.set, own) || (entry.operation === 'Apply' && scaled.delete(scaleIdentity(entry)))) {
      entries.push(entry);
      continue;
    }
    const left = difference(entry.set, single(own));
    if (!isEmpty(left)) entries.push(withSet(entry, left));
  }
  if (path) for (const owner of scaled.values()) if (has(owner.set, SCALE_PATH)) entries.push({ ...withSet(owner, single(path)), apiVersion, time: undefined });
  return encodeEntries(entries);
}

function pathIn(paths: ReplicasPaths, apiVersion: string): string[] | undefined {
  return Object.hasOwn(paths, apiVersion) ? paths[apiVersion]?.map((name) => `f:${name}`) : undefined;
}

/** Entries that are the same but for the version, which is another in the Scale. */
function scaleIdentity({ manager, operation, subresource }: Entry): string {
  return `${operation}\n${subresource}\n${manager}`;
}

function single(path: readonly string[]): FieldSet {
  const set = growingSet();
  insert(set, path);
  return set;
}
