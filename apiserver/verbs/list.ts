/** GET of a collection: a page of it, filtered, at a version. */
import { ApiError, badRequest } from '../../api/status.ts';
import { NotYet, type CachePage } from '../cache/cache.ts';
import type { Core } from '../core.ts';
import { decodeContinue, encodeContinue, type Position } from '../request/continue-token.ts';
import type { Exchange, ListAnswer } from '../exchange.ts';
import { checkListOptions, parseListOptions, type ListOptions } from '../request/list-options.ts';
import type { Resource } from '../registry/resource.ts';
import { expired, tooLarge, versionForList } from '../request/resource-version.ts';
import { Compacted } from '../storage/store.ts';
import { VERSION_WAIT_MS } from './get.ts';

export async function list(_core: Core, exchange: Exchange, resource: Resource): Promise<ListAnswer> {
  const options = parseListOptions(exchange.query, resource);
  checkListOptions(options, false);
  const namespace = resource.kind.namespaced ? exchange.route.namespace : '';
  return listPage(resource, namespace, options);
}

/** `namespace` '': all of them. */
export async function listPage(resource: Resource, namespace: string, options: ListOptions): Promise<ListAnswer> {
  const { namespace: selected } = options.selection;
  const narrowed = namespace === '' && selected !== undefined && resource.kind.namespaced ? selected : namespace;
  const within = narrowed === '' ? {} : { namespace: narrowed };
  const decoded = options.continueToken ? decodeContinue(options.continueToken, resource.prefix) : undefined;
  // One object has no pages: neither its token nor its limit means anything.
  const isOne = options.selection.name !== undefined && (narrowed !== '' || !resource.kind.namespaced);
  const position = isOne ? undefined : decoded;
  if (position && options.resourceVersion !== '' && options.resourceVersion !== '0') throw badRequest('specifying resource version is not allowed when using continue');
  // What may be of any age comes whole.
  const isPaged = options.limit > 0 && options.resourceVersion !== '0' && !isOne;
  return pageOf(resource, { options: { ...options, limit: isPaged ? options.limit : 0 }, within, position });
}

interface PageQuery {
  readonly options: ListOptions;
  readonly within: { readonly namespace?: string };
  readonly position: Position | undefined;
}

async function pageOf(resource: Resource, { options, within, position }: PageQuery): Promise<ListAnswer> {
  const { filter, hint } = options.selection;
  const query = { ...within, ...(filter && { filter }), ...(hint && { hint }), ...(options.limit > 0 && { limit: options.limit }), ...(position && { from: position.from }) };
  const at = await revisionOf(resource, options, position);
  const page = at === 'stored' ? await resource.cache.listStored(query) : at === undefined ? resource.cache.list(query) : await pageAt(resource, at, query, position);
  const more = page.next !== undefined;
  return {
    type: 'list', resource, items: page.items, revision: page.revision,
    continueToken: more ? encodeContinue({ revision: page.revision, from: page.next as string }, resource.prefix) : undefined,
    remaining: more && !filter ? page.remaining : undefined,
  };
}

/** Undefined: as it is now, which has been made sure to be new enough. 'stored': the cache does not come that far, and the store is asked. */
async function revisionOf({ cache, isView }: Resource, options: ListOptions, position: Position | undefined): Promise<number | 'stored' | undefined> {
  const revision = position ? position.revision : options.resourceVersion === '' ? undefined : versionForList(options.resourceVersion);
  if (revision === undefined) {
    try {
      await (options.resourceVersion === '0' && !position ? cache.ready() : cache.fresh());
      return undefined;
    } catch (error) {
      if (error instanceof NotYet || (isView && error instanceof ApiError)) return 'stored';
      throw error;
    }
  }
  try {
    await cache.waitFor(revision, VERSION_WAIT_MS);
  } catch (error) {
    throw error instanceof NotYet ? tooLarge(revision, cache.revision) : error;
  }
  const exact = position !== undefined || options.resourceVersionMatch === 'Exact' || (options.resourceVersionMatch === '' && options.limit > 0);
  return exact ? revision : undefined;
}

async function pageAt({ cache, prefix }: Resource, revision: number, query: Parameters<typeof cache.listAt>[1], position: Position | undefined): Promise<CachePage> {
  try {
    return await cache.listAt(revision, query);
  } catch (error) {
    if (!(error instanceof Compacted)) throw error;
    if (!position) throw expired('The resourceVersion for the provided list is too old.');
    // The fresh token lets the client go on, without the promise of one consistent snapshot.
    const status = new ApiError({
      code: 410, reason: 'Expired',
      message: 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    });
    status.status.metadata['continue'] = encodeContinue({ revision: undefined, from: position.from }, prefix);
    throw status;
  }
}
