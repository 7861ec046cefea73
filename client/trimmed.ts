/** Objects as those hold them who hold many: without what says who set which field. */
import { remembered } from '../std/remembered.ts';
import type { Stored } from './client.ts';

/**
 * That is a third of an object, and no cache is asked for it (as upstream's controller manager leaves it out). An update without it
 * leaves it as it is. All in one process that are given the same object hold the same one.
 */
export function trimmed<T>(object: Stored<T>): Stored<T> {
  return 'managedFields' in object.metadata ? (withoutManagedFields(object) as Stored<T>) : object;
}

const withoutManagedFields = remembered((object: Stored<unknown>): Stored<unknown> => {
  const { managedFields: _who, ...metadata } = object.metadata as Stored<unknown>['metadata'] & { readonly managedFields?: unknown };
  return Object.freeze({ ...object, metadata: Object.freeze(metadata) });
});
