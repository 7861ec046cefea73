/** DELETE of a collection: everything that a list would show, one by one. */
import { isReason } from '../../api/status.ts';
import type { CachedObject } from '../cache/cache.ts';
import type { Core } from '../core.ts';
import type { Exchange, ListAnswer } from '../exchange.ts';
import { checkListOptions, parseListOptions } from '../request/list-options.ts';
import { parseDeleteOptions } from '../objects/delete-options.ts';
import type { Resource } from '../registry/resource.ts';
import { deleteObject } from './delete.ts';
import { listPage } from './list.ts';

/** Deletions of one request that run at the same time. */
const WORKERS = 16;

/** Answers what it deleted, as it was before. */
export async function deleteCollection(core: Core, exchange: Exchange, resource: Resource): Promise<ListAnswer> {
  const listOptions = parseListOptions(exchange.query, resource);
  checkListOptions(listOptions, false);
  const options = await parseDeleteOptions(exchange);
  const page = await listPage(resource, resource.kind.namespaced ? exchange.route.namespace : '', listOptions);
  const queue = page.items.values();
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const item of queue) {
      if (failures.length > 0) return;
      try {
        await removeOne(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const removeOne = async ({ namespace, name, object }: CachedObject): Promise<void> => {
    const uid = object.metadata.uid;
    try {
      await deleteObject(core, exchange, { resource, namespace, name, collected: true, options: { ...options, preconditions: options.preconditions ?? { uid } } });
    } catch (error) {
      // Gone meanwhile, or another one by the same name: what was asked for has happened.
      if (!isReason(error, 'NotFound') && !(isReason(error, 'Conflict') && !options.preconditions)) throw error;
    }
  };
  // A precondition is some object's own: the first that it refuses stands for the rest.
  await Promise.all(Array.from({ length: Math.min(options.preconditions ? 1 : WORKERS, page.items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return page;
}
