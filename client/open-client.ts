/** The client over a door: typed calls in, `ApiCall`s out. */
import type { ApiCall, Door, WatchEvent } from '../api/request.ts';
import type { ResourceRef } from '../api/resources.ts';
import { ApiError, type Status } from '../api/status.ts';
import type { Client, DeleteParameters, Input, ListResult, ObjectKey, Selection, Stored, WriteParameters } from './client.ts';

export interface ClientOptions {
  /** Names the writer: it becomes the field manager of writes that name none. */
  readonly userAgent: string;
}

export function openClient(door: Door, options: ClientOptions): Client {
  const manager = options.userAgent.split('/')[0] ?? options.userAgent;
  const writing = (parameters: WriteParameters | undefined): Pick<ApiCall, 'query' | 'signal'> => ({
    query: { fieldManager: parameters?.fieldManager ?? manager, ...(parameters?.dryRun && { dryRun: 'All' }) },
    ...(parameters?.signal && { signal: parameters.signal }),
  });
  return {
    get: (resource, key) => door.call({ ...named(resource, key), verb: 'get' }) as Promise<never>,
    async list<T>(resource: ResourceRef<T>, selection: Parameters<Client['list']>[1] = {}): Promise<ListResult<T>> {
      const { limit, continue: from, resourceVersion } = selection;
      const query = { ...selectionQuery(selection), ...texts({ limit, continue: from, resourceVersion }) };
      const list = (await door.call({ ...selected(resource, selection), verb: 'list', query })) as ListBody<T>;
      const { resourceVersion: version = '', continue: next } = list.metadata;
      return { items: list.items ?? [], resourceVersion: version, ...(next && { continue: next }) };
    },
    watch<T>(resource: ResourceRef<T>, selection: Parameters<Client['watch']>[1]): AsyncIterable<WatchEvent<Stored<T>>> {
      const { resourceVersion, timeoutSeconds, sendInitialEvents, signal } = selection;
      const initial = sendInitialEvents ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : {};
      const query = { allowWatchBookmarks: 'true', ...selectionQuery(selection), ...texts({ resourceVersion, timeoutSeconds, ...initial }) };
      return events<T>(door.watch({ ...selected(resource, selection), verb: 'watch', query, ...(signal && { signal }) }));
    },
    create: (resource, object, parameters) =>
      door.call({ ...inNamespace(resource, object), verb: 'create', body: typed(resource, object), ...writing(parameters) }) as Promise<never>,
    update: (resource, object, parameters) =>
      door.call({ ...ofObject(resource, object, parameters?.subresource), verb: 'update', body: typed(resource, object), ...writing(parameters) }) as Promise<never>,
    patch: (resource, key, patch, parameters) =>
      door.call({ ...named(resource, key, parameters?.subresource), verb: 'patch', patchType: patch.type, body: patch.body, ...writing(parameters) }) as Promise<never>,
    apply(resource, object, parameters) {
      const { query, ...rest } = writing(parameters);
      const call = { ...ofObject(resource, object, parameters.subresource), verb: 'patch' as const, body: typed(resource, object) };
      return door.call({ ...call, patchType: 'application/apply-patch+yaml', query: { ...query, ...texts({ force: parameters.force }) }, ...rest }) as Promise<never>;
    },
    async delete(resource, key, parameters) {
      await door.call({ ...named(resource, key), verb: 'delete', body: deleteOptions(parameters), ...deleting(parameters) });
    },
    async deleteCollection(resource, selection, parameters) {
      const { query, ...rest } = deleting(parameters);
      const body = deleteOptions(parameters);
      await door.call({ ...selected(resource, selection), verb: 'deletecollection', body, query: { ...selectionQuery(selection), ...query }, ...rest });
    },
    post: (resource, key, subresource, body, parameters) =>
      door.call({ ...named(resource, key, subresource), verb: 'create', body, ...writing(parameters) }) as Promise<never>,
    call: (call) => door.call(call),
  };
}

/** How a resource's group and version stand in an object. */
export function apiVersionOf(resource: { readonly group: string; readonly version: string }): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version;
}

interface ListBody<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly Stored<T>[] | null;
}

type Target = Pick<ApiCall, 'group' | 'version' | 'resource' | 'namespace' | 'name' | 'subresource' | 'metadataOnly'>;

function target(resource: ResourceRef<unknown>): Target {
  return { group: resource.group, version: resource.version, resource: resource.resource };
}

function selected(resource: ResourceRef<unknown>, { namespace, metadataOnly }: Selection): Target {
  return { ...target(resource), ...(namespace && { namespace }), ...(metadataOnly && { metadataOnly }) };
}

function named(resource: ResourceRef<unknown>, { namespace, name }: ObjectKey, subresource?: string): Target {
  return { ...target(resource), ...(namespace && { namespace }), name, ...(subresource && { subresource }) };
}

type Named = { readonly metadata?: { readonly namespace?: string; readonly name?: string } };

function inNamespace<T>(resource: ResourceRef<T>, object: Input<T>): Target {
  const { namespace } = (object as Named).metadata ?? {};
  return { ...target(resource), ...(namespace && { namespace }) };
}

function ofObject<T>(resource: ResourceRef<T>, object: Input<T>, subresource?: string): Target {
  const { name } = (object as Named).metadata ?? {};
  return { ...inNamespace(resource, object), name: name ?? '', ...(subresource && { subresource }) };
}

/** Items of lists come without kind and apiVersion; bodies have them. */
function typed<T>(resource: ResourceRef<T>, object: Input<T>): unknown {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
}

function selectionQuery({ labelSelector, fieldSelector }: Selection): Record<string, string> {
  return { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
}

function texts(values: Readonly<Record<string, string | number | boolean | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])));
}

function deleteOptions(parameters: DeleteParameters = {}): unknown {
  const { gracePeriodSeconds, propagationPolicy, preconditions } = parameters;
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(preconditions && { preconditions }),
  };
}

function deleting(parameters: DeleteParameters | undefined): Pick<ApiCall, 'query' | 'signal'> {
  return { ...(parameters?.dryRun && { query: { dryRun: 'All' } }), ...(parameters?.signal && { signal: parameters.signal }) };
}

/** A watch whose ERROR event has become what it means: a refusal. No generator, as thousands of them wait. */
function events<T>(stream: AsyncIterable<WatchEvent>): AsyncIterable<WatchEvent<Stored<T>>> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = stream[Symbol.asyncIterator]();
      const end = async (): Promise<IteratorResult<WatchEvent<Stored<T>>>> => {
        await iterator.return?.();
        return { done: true, value: undefined };
      };
      const checked = (result: IteratorResult<WatchEvent>): IteratorResult<WatchEvent<Stored<T>>> | Promise<never> => {
        if (result.done || result.value.type !== 'ERROR') return result as IteratorResult<WatchEvent<Stored<T>>>;
        const refusal = new ApiError(result.value.object as Status);
        return end().then(() => Promise.reject(refusal));
      };
      return { next: () => iterator.next().then(checked), return: end };
    },
  };
}
