/** The state that a write starts from: the cache's when it may be good enough, else the store's. */
import { parseExact } from '../../api/codec/json-text.ts';
import type { ApiObject } from '../../api/kind.ts';
import { deepFreeze } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import type { Resource } from '../registry/resource.ts';
import type { Entry } from '../storage/store.ts';
import { storeFailure } from './put.ts';

export interface Current {
  /** Hub version, frozen, resourceVersion set. */
  readonly object: Readonly<ApiObject>;
  readonly revision: number;
  /** As stored, resourceVersion spliced in. */
  readonly bytes: Buffer;
  /** Out of the cache: others may have written meanwhile. */
  readonly cached: boolean;
  /** Known of what comes from the store: it would be stored otherwise now, and even a write that changes nothing is one. */
  readonly stale: boolean;
}

export function cachedState(resource: Resource, key: string): Current | undefined {
  const found = resource.cache.get(key);
  return found && { object: found.object as Readonly<ApiObject>, revision: found.revision, bytes: found.bytes, cached: true, stale: false };
}

export async function storedState(core: Core, resource: Resource, key: string): Promise<Current | undefined> {
  const entry = await storedEntry(core, key);
  try {
    return entry && stateOf(resource, entry);
  } catch (error) {
    throw storeFailure(error);
  }
}

export async function storedEntry(core: Core, key: string): Promise<Entry | undefined> {
  try {
    return await core.store.get(key);
  } catch (error) {
    throw storeFailure(error);
  }
}

export function stateOf(resource: Resource, entry: Entry): Current {
  const bytes = resource.splice(entry.value, entry.revision);
  const object = deepFreeze(parseExact(bytes.toString()) as ApiObject) as Readonly<ApiObject>;
  return { object, revision: entry.revision, bytes, cached: false, stale: isStale(resource, entry) };
}

/** It would be stored otherwise now. */
export function isStale(resource: Resource, entry: Entry): boolean {
  return entry.stale === true || !hasVersion(entry.value, resource.hubApiVersion);
}

/** Objects are stored with kind and apiVersion first. */
const FIRST_BYTES = 600;

function hasVersion(value: Buffer, apiVersion: string): boolean {
  return value.subarray(0, FIRST_BYTES).includes(`"apiVersion":${JSON.stringify(apiVersion)}`);
}
