/** Objects as those hold them who hold many: without what says who set which field, and of pods with one copy of what many of them say alike. */
import { Alike } from '../std/alike.ts';
import { remembered } from '../std/remembered.ts';
import type { Stored } from './client.ts';

/**
 * Who set which field is a third of an object, and no cache is asked for it (as upstream's controller manager leaves it out). An update
 * without it leaves it as it is. All in one process that are given the same object hold the same one.
 */
export function trimmed<T>(object: Stored<T>): Stored<T> {
  return 'managedFields' in object.metadata ? (withoutManagedFields(object) as Stored<T>) : object;
}

type Fields = Readonly<Record<string, unknown>>;

const withoutManagedFields = remembered((object: Stored<unknown>): Stored<unknown> => {
  const { managedFields: _who, ...metadata } = object.metadata as Stored<unknown>['metadata'] & Fields;
  const { kind, status } = object as { readonly kind?: string; readonly status?: Fields };
  if (kind !== 'Pod' || !status) return Object.freeze({ ...object, metadata: Object.freeze(metadata) });
  return Object.freeze({ ...object, metadata: withShared(metadata, ['labels', 'ownerReferences']), status: withShared(status, ['conditions', 'hostIPs']) });
});

function withShared<T extends object>(fields: T, names: readonly string[]): T {
  const out = { ...fields } as Record<string, unknown>;
  for (const name of names) if (out[name] !== undefined) out[name] = parts.of(out[name]);
  return Object.freeze(out) as T;
}

const parts = new Alike();
