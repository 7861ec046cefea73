/**
 * What values on their way into the store were made of: the caches of the same process need not parse what it has just encoded.
 *
 * An entry stands from before the write until its writer has its answer. Who comes later, or sees other bytes (an encrypted
 * store, another process), parses.
 */
import type { ApiObject } from '../api/kind.ts';
import type { DeepReadonly } from '../std/deep.ts';
import { spliceRevision } from '../api/codec/encode.ts';

/** The value as it stands in the store, with its revision. */
export interface Shown {
  readonly revision: number;
  readonly bytes: Buffer;
  readonly object: DeepReadonly<ApiObject>;
}

interface Written {
  /** Undefined: it was made in another thread. */
  readonly object: ApiObject | undefined;
  shown: Shown | undefined;
}

/** Bounded by the writes under way. */
const underWay = new Map<Buffer, Written>();

/** `object` is frozen from here on. It must say what its bytes say: one with undefined properties does not. */
export function announce(value: Buffer, object: ApiObject): void {
  if (sealed(object)) underWay.set(value, { object, shown: undefined });
}

/** Another thread of this process encoded it: it is sound, though the object is not here. */
export function vouch(value: Buffer): void {
  underWay.set(value, { object: undefined, shown: undefined });
}

let allSound = false;

/** All values that are met meanwhile were encoded by this process. */
export function soundly(run: () => void): void {
  allSound = true;
  try {
    run();
  } finally {
    allSound = false;
  }
}

/** Whether this process encoded the value, so that nobody need look whether it can be read. */
export function isSound(value: Buffer): boolean {
  return allSound || underWay.has(value);
}

export function withdraw(value: Buffer): void {
  underWay.delete(value);
}

/** The value at its revision, where it was announced; `allocate` gives room for its bytes where they are not made yet. */
export function shownAt(value: Buffer, revision: number, allocate?: (size: number) => Buffer): Shown | undefined {
  const written = underWay.get(value);
  if (!written?.object) return undefined;
  if (written.shown?.revision === revision) return written.shown;
  const { kind, apiVersion, metadata, ...rest } = written.object;
  const object = Object.freeze({ kind, apiVersion, metadata: Object.freeze({ ...metadata, resourceVersion: String(revision) }), ...rest }) as DeepReadonly<ApiObject>;
  return (written.shown = { revision, bytes: spliceRevision(value, revision, allocate), object });
}

/** Freezes what is not frozen yet (what is was parsed or sealed); false where something is undefined. */
function sealed(value: object): boolean {
  if (Object.isFrozen(value)) return true;
  Object.freeze(value);
  let clean = true;
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key];
    if (inner === undefined) clean = false;
    else if (typeof inner === 'object' && inner !== null && !sealed(inner)) clean = false;
  }
  return clean;
}
