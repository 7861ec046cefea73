/** From a parsed path to the function that answers: verbs of resources, subresources, and paths that are no resources. */
import { goQuote } from '../api/go-quote.ts';
import { ApiError, badRequest, notFound } from '../api/status.ts';
import type { Core } from './core.ts';
import type { Answer, Exchange } from './exchange.ts';
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH } from './request/patch-body.ts';
import type { Resource } from './registry/resource.ts';
import type { Route } from './request/route.ts';
import { create } from './verbs/create.ts';
import { remove } from './verbs/delete.ts';
import { deleteCollection } from './verbs/deletecollection.ts';
import { get } from './verbs/get.ts';
import { list } from './verbs/list.ts';
import { patch } from './verbs/patch.ts';
import { update } from './verbs/update.ts';
import { watch } from './verbs/watch.ts';

export type Handler = (core: Core, exchange: Exchange, resource: Resource) => Promise<Answer>;

export interface Handlers {
  /** By `plural.group/subresource` (or `plural/subresource`), where the general ones do not do. */
  readonly subresources: ReadonlyMap<string, Handler>;
  /** Whole resources that are not stored: reviews, componentstatuses. By `plural.group`. */
  readonly resources: ReadonlyMap<string, Handler>;
  /** Answers what is another server's to answer. */
  readonly aggregated: (exchange: Exchange) => Promise<Answer> | undefined;
  readonly paths: (core: Core, exchange: Exchange) => Promise<Answer | undefined> | Answer | undefined;
}

const VERBS: Readonly<Record<string, Handler>> = { get, list, watch, create, update, patch, delete: remove, deletecollection: deleteCollection };
/** The name of the handler that all custom kinds with a Scale share. */
export const CUSTOM_SCALE = '*/scale';
const OF_ONE = new Set(['get', 'update', 'patch', 'delete']);
const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** Throws what the path is refused for. */
export function dispatch(core: Core, handlers: Handlers, exchange: Exchange): Answer | Promise<Answer> {
  const { route } = exchange;
  const elsewhere = handlers.aggregated(exchange);
  if (elsewhere) return elsewhere;
  if (!route.isResource) return answerPath(core, handlers, exchange);
  const resource = core.registry.find(route.group, route.version, route.resource);
  if (!resource) {
    if (!core.registry.hasGroup(route.group) || core.registry.isCustomGroup(route.group)) return pageNotFound();
    throw unknownResource();
  }
  const handler = handlerOf(handlers, exchange, resource);
  if (route.verb === 'patch' && route.subresource !== '' && route.subresource !== 'proxy' && resource.kind.custom === undefined) refuseOtherPatches(exchange);
  // Told before anything is done: an answer that cannot be given is not asked for. What answers behind a connection is not ours to know.
  if (!CONNECTS.has(route.subresource)) exchange.accepted({ custom: resource.kind.custom !== undefined, tables: hasTables(resource, route.subresource) });
  checkSegment(route.name);
  warnOfAge(exchange, resource);
  return handler(core, exchange, resource);
}

async function answerPath(core: Core, handlers: Handlers, exchange: Exchange): Promise<Answer> {
  return (await handlers.paths(core, exchange)) ?? pageNotFound();
}

/** Throws 400 on what can be no object's name. */
function checkSegment(name: string): void {
  if (name === '.' || name === '..') throw badRequest(`Name parameter invalid: ${goQuote(name)}: may not be '${name}'`);
  if (name.includes('%')) throw badRequest(`Name parameter invalid: ${goQuote(name)}: may not contain '%'`);
}

const PATCHES = new Set([JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH]);

/** Throws 415, as a route does. */
function refuseOtherPatches({ body }: Exchange): void {
  if (body.form === 'bytes' && !PATCHES.has(body.contentType.split(';', 1)[0]?.trim() ?? '')) throw new ApiError({ code: 415, reason: 'UnsupportedMediaType', message: '415: Unsupported Media Type', details: {} });
}

const CONNECTS: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);
const WITHOUT_TABLES = new Set(['token', 'binding', 'eviction']);

/** What is only spoken to, and never kept, has no columns. */
function hasTables({ kind }: Resource, subresource: string): boolean {
  return !WITHOUT_TABLES.has(subresource) && !(kind.verbs.length === 1 && kind.verbs[0] === 'create');
}

/** Throws 404 and 405. */
function handlerOf(handlers: Handlers, exchange: Exchange, resource: Resource): Handler {
  const { method, route } = exchange;
  const { verb, subresource } = route;
  const id = resource.kind.group === '' ? resource.plural : `${resource.plural}.${resource.kind.group}`;
  // A definition may take a name for which we have an answer of our own: its objects are kept like any others.
  if (resource.kind.custom !== undefined && (resource.kind.custom === id || !handlers.resources.has(id))) return customHandlerOf(handlers, route, resource);
  if (route.tooLong || !placed(route, resource)) throw unknownResource();
  if (subresource !== '') {
    const known = resource.subresource(subresource);
    if (!known) throw unknownResource();
    const handler = handlers.subresources.get(known.scale ? CUSTOM_SCALE : `${id}/${subresource}`);
    // What is passed on may be asked in any way.
    if (subresource === 'proxy' && (method === 'OPTIONS' || method === 'HEAD') && handler) return handler;
    if (!METHODS.has(method)) throw methodNotAllowed();
    if (!known.verbs.includes(verb as never)) throw methodNotAllowed();
    return handler ?? (VERBS[verb] as Handler);
  }
  if (verb === 'watch' && method === 'GET' && !resource.has('watch') && resource.has('list')) {
    warnOfAge(exchange, resource);
    throw notSupported(verb, resource);
  }
  // What is only spoken to has no objects, and what is spoken to within a namespace is nowhere else.
  if (resource.kind.verbs.length === 1 && resource.has('create') && (route.name !== '' || (resource.kind.namespaced && route.namespace === ''))) throw unknownResource();
  if (!METHODS.has(method) || !resource.has(verb) || OF_ONE.has(verb) !== (route.name !== '' && verb !== 'watch')) throw methodNotAllowed();
  if (verb === 'create' && route.name !== '') throw methodNotAllowed();
  if (verb === 'watch' && method !== 'GET') throw methodNotAllowed();
  // Collections over all namespaces can be read only.
  if (resource.kind.namespaced && route.namespace === '' && verb !== 'list' && verb !== 'watch') throw methodNotAllowed();
  return handlers.resources.get(id) ?? (VERBS[verb] as Handler);
}

function warnOfAge(exchange: Exchange, { version: { deprecated } }: Resource): void {
  if (!deprecated) return;
  exchange.warnings.push(deprecated.warning);
  exchange.auditAnnotations?.set('k8s.io/deprecated', 'true');
}

function notSupported(verb: string, resource: Resource): ApiError {
  const { group, resource: plural } = resource.subject('');
  const message = `${verb} is not supported on resources of kind ${goQuote(group ? `${plural}.${group}` : plural)}`;
  return new ApiError({ code: 405, reason: 'MethodNotAllowed', message, details: { ...(group && { group }), kind: plural } });
}

const ACROSS_NAMESPACES = new Set(['list', 'watch']);
const NAMED = new Set(['update', 'patch']);

/** Custom resources have no routes of their own: only the verb counts, whatever the method was and what follows in the path. Throws 400, 404 and 405. */
function customHandlerOf(handlers: Handlers, { verb, namespace, name, subresource }: Route, resource: Resource): Handler {
  const { namespaced } = resource.kind;
  if (namespaced ? namespace === '' && !ACROSS_NAMESPACES.has(verb) : namespace !== '') return async () => pageNotFound();
  const known = subresource === '' ? undefined : resource.subresource(subresource);
  if (subresource !== '' && !known) throw notFound(resource.subject(name));
  const handler = known?.scale ? handlers.subresources.get(CUSTOM_SCALE) : Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (!handler || (known && !known.verbs.includes(verb as never))) throw notSupported(verb, resource);
  if (name === '' && NAMED.has(verb)) throw badRequest('name must be provided');
  return handler;
}

/** Whether a resource is found at such a path: namespaced ones within a namespace, others without. */
function placed(route: Route, { kind }: Resource): boolean {
  if (!kind.namespaced) return route.namespace === '' || (kind.plural === 'namespaces' && kind.group === '' && route.namespace === route.name);
  return route.namespace !== '' || route.name === '';
}

export function unknownResource(): ApiError {
  return new ApiError({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource', details: {} });
}

export function methodNotAllowed(): ApiError {
  return new ApiError({ code: 405, reason: 'MethodNotAllowed', message: 'the server does not allow this method on the requested resource', details: {} });
}

export function pageNotFound(): Answer {
  return { type: 'text', code: 404, text: '404 page not found\n', contentType: 'text/plain; charset=utf-8' };
}
