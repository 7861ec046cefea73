/**
 * Changing an object that exists: read, decide, compare-and-swap, and decide anew when somebody else was faster.
 *
 * The first attempt starts from the cache. What fails there, or comes out as no change, is decided again from the store:
 * a stale picture must not refuse or swallow a write. Provenance: GuaranteedUpdate in apiserver/pkg/storage/etcd3 of v0.36.
 */
import { withStoredLists } from '../../api/codec/stored-lists.ts';
import type { ApiObject } from '../../api/kind.ts';
import { notFound } from '../../api/status.ts';
import { deepEqual } from '../../std/deep.ts';
import type { Core, Settle } from '../core.ts';
import type { StoredForm } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';
import { Conflict } from '../storage/store.ts';
import { encodeStored, StoredObject } from '../registry/stored-form.ts';
import { cachedState, isStale, stateOf, storedEntry, storedState, type Current } from './current.ts';
import { modifiedError, put, remove } from './put.ts';

export type Decision =
  | { readonly do: 'write'; readonly object: ApiObject; readonly settle?: Settle | undefined }
  /**
   * The object goes, and `object` is its last state. `unversioned`: it is answered with the version it had, as upstream does where a write lets it go.
   * `marked`: that state is written before, so that watches see it.
   */
  | { readonly do: 'remove'; readonly object: ApiObject; readonly unversioned?: boolean; readonly marked?: boolean }
  | { readonly do: 'nothing' };

export interface ChangeRequest {
  readonly resource: Resource;
  readonly key: string;
  readonly name: string;
  readonly dryRun: boolean;
  /** `current` is undefined when nothing is there; then only kinds that create on update may write. */
  readonly decide: (current: Current | undefined) => Promise<Decision> | Decision;
  /** The write came about, or not, after a decision: gives back what was charged for it. */
  readonly refused?: () => void;
  /** The object need not exist. */
  readonly mayCreate?: boolean;
  /** Do not trust the cache even for the first attempt. */
  readonly fromStore?: boolean;
}

export interface Changed {
  readonly object: StoredForm;
  readonly created: boolean;
  readonly removed: boolean;
}

/** Somebody else was faster this often in a row: give up. */
export const ATTEMPT_LIMIT = 100;

export async function change(core: Core, request: ChangeRequest): Promise<Changed> {
  const { resource, key, name } = request;
  let current = request.fromStore ? undefined : cachedState(resource, key);
  current ??= await storedState(core, resource, key);
  for (let attempt = 0; attempt < ATTEMPT_LIMIT; attempt++) {
    const outcome = await attemptChange(core, request, current);
    if ('changed' in outcome) return outcome.changed;
    current = outcome.current;
  }
  throw modifiedError(resource, name);
}

type Outcome = { readonly changed: Changed } | { readonly current: Current | undefined };

async function attemptChange(core: Core, request: ChangeRequest, current: Current | undefined): Promise<Outcome> {
  const { resource, key, name, dryRun } = request;
  if (!current && !request.mayCreate) throw notFound(resource.subject(name));
  let decision: Decision;
  try {
    decision = await request.decide(current);
  } catch (error) {
    if (!current?.cached) throw error;
    const fresh = await storedEntry(core, key);
    if (fresh?.revision === current.revision) throw error;
    return { current: fresh && stateOf(resource, fresh) };
  }
  if (decision.do === 'nothing' || (decision.do === 'write' && current && !current.stale && isSame(resource.formed(decision.object), current))) {
    request.refused?.();
    if (decision.do === 'write') await decision.settle?.rollback();
    if (!current?.cached) return { changed: { object: asIs(current), created: false, removed: false } };
    const fresh = await storedEntry(core, key);
    if (fresh?.revision === current.revision && !(decision.do === 'write' && isStale(resource, fresh))) return { changed: { object: asIs(current), created: false, removed: false } };
    return { current: fresh && stateOf(resource, fresh) };
  }
  const { object } = decision;
  const expected = current?.revision ?? 0;
  try {
    if (decision.do === 'remove') {
      if (decision.marked && current && !dryRun) return { changed: await removeMarked(core, request, object, current) };
      const revision = await remove(core, { resource, key, expected, old: current?.object ?? object, dryRun });
      return { changed: { object: StoredObject.at(encodeStored(object), decision.unversioned ? expected : revision), created: false, removed: true } };
    }
    const stored = await put(core, { resource, key, name, expected, object, old: current?.object, dryRun, settle: decision.settle });
    return { changed: { object: stored, created: !current, removed: false } };
  } catch (error) {
    request.refused?.();
    if (!(error instanceof Conflict)) throw error;
    return { current: error.current && stateOf(resource, error.current) };
  }
}

/** Once it is marked it goes, whatever else is written to it meanwhile. Provenance: Store.Delete in apiserver/pkg/registry/generic of v0.36. */
async function removeMarked(core: Core, { resource, key, name }: ChangeRequest, object: ApiObject, before: Current): Promise<Changed> {
  let last = await put(core, { resource, key, name, expected: before.revision, object, old: before.object, dryRun: false });
  for (let attempt = 0; attempt < ATTEMPT_LIMIT; attempt++) {
    const old = last.object as Readonly<ApiObject>;
    try {
      const revision = await remove(core, { resource, key, expected: Number(old.metadata.resourceVersion), old, dryRun: false });
      return { object: StoredObject.at(encodeStored(withoutVersion(old)), revision), created: false, removed: true };
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const now = error.current && stateOf(resource, error.current);
      if (!now || now.object.metadata.uid !== object.metadata.uid) return { object: last, created: false, removed: true };
      last = asIs(now);
    }
  }
  throw modifiedError(resource, name);
}

function withoutVersion(object: Readonly<ApiObject>): ApiObject {
  const { resourceVersion: _shown, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Whatever their versions. */
function isSame(object: ApiObject, current: Current): boolean {
  const [own, old] = [withStoredLists(object), withStoredLists(current.object)];
  for (const key in own) if (key !== 'metadata' && !deepEqual(own[key], old[key])) return false;
  for (const key in old) if (old[key] !== undefined && (!Object.hasOwn(own, key) || own[key] === undefined)) return false;
  const { resourceVersion: _mine, ...metadata } = own.metadata;
  const { resourceVersion: _theirs, ...oldMetadata } = old.metadata;
  return deepEqual(metadata, oldMetadata);
}

function asIs(current: Current | undefined): StoredForm {
  if (!current) throw new Error('nothing was changed, and nothing was there');
  return new StoredObject(current.bytes, current.object);
}
