/** GET of one object: one buffer out of the cache. */
import { badRequest, notFound } from '../../api/status.ts';
import { NotYet } from '../cache/cache.ts';
import type { Core } from '../core.ts';
import type { Exchange, ObjectAnswer, Query, StoredForm } from '../exchange.ts';
import { storedState } from '../objects/current.ts';
import type { Resource } from '../registry/resource.ts';
import { tooLarge, versionForList, versionForOthers } from '../request/resource-version.ts';

export async function get(core: Core, exchange: Exchange, resource: Resource): Promise<ObjectAnswer> {
  const { namespace, name } = exchange.route;
  refuseExport(exchange.query);
  const key = resource.key(namespace, name);
  let object: StoredForm | undefined;
  try {
    await reach(resource, exchange.query.get('resourceVersion'));
    object = resource.cache.get(key);
  } catch (error) {
    // A webhook that does not convert all objects may convert this one.
    if (!resource.isView) throw error;
    object = await storedState(core, resource, key);
  }
  if (!object) throw notFound(resource.subject(name));
  return { type: 'object', code: 200, resource, object };
}

/** Objects without what clusters add to them are a thing of the past. Throws 400. */
function refuseExport(query: Query): void {
  const asked = query.get('export');
  if (asked !== null && asked !== 'false' && asked !== '0') throw badRequest('the export parameter, deprecated since v1.14, is no longer supported');
}

/** How long a read waits for a version that has not come. */
export const VERSION_WAIT_MS = 3_000;

/** No version: everything acknowledged. 0: whatever is there. Any other: at least that. */
async function reach({ cache, kind }: Resource, asked: string | null): Promise<void> {
  if (asked === null || asked === '') return cache.fresh();
  // Upstream reads Events past its caches.
  const revision = kind.ttlSeconds === undefined ? versionForOthers(asked) : versionForList(asked);
  if (revision === undefined) return cache.ready();
  try {
    await cache.waitFor(revision, VERSION_WAIT_MS);
  } catch (error) {
    throw error instanceof NotYet ? tooLarge(revision, cache.revision) : error;
  }
}
