/** `/api` and `/apis` and what stands below them, in both forms; made once, until what is served changes. */
import type { Aggregator } from '../aggregation/aggregator.ts';
import { mergeAggregated, mergeGroup, mergeGroups } from '../aggregation/merge-discovery.ts';
import { prioritiesOf } from '../upkeep/api-services.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '../../api/discovery/discovery.ts';
import { methodNotAllowed, unknownResource } from '../dispatch.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { encodeDocument } from '../forms/encode.ts';
import { contentType, type Media } from '../request/negotiate.ts';
import type { Registry } from '../registry/registry.ts';
import { hostOf } from './host-of.ts';
import { tagged } from './tagged.ts';

export function discovery(registry: Registry, { discovery: others }: Pick<Aggregator, 'discovery'>): (exchange: Exchange) => Answer | undefined {
  let made = new Map<string, unknown>();
  registry.onChange(() => (made = new Map()));
  others.onChange(() => (made = new Map()));
  const once = <T>(key: string, make: () => T): T => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key) as T;
  };
  return (exchange) => {
    const { route, headers, method } = exchange;
    const path = route.path.replace(/\/$/, '');
    const [, root, ...rest] = path.split('/');
    const { kinds } = registry;
    if (rest.length > 0) return below({ registry, others, once: (key, make) => once(key, make) }, exchange, rest);
    if (method !== 'GET' && path !== '/apis') throw methodNotAllowed();
    // Where the path ends in a slash, upstream's older handler answers.
    const media = route.path === '/apis/' ? undefined : aggregatedMedia(headers.accept);
    if (!media) {
      exchange.accepted();
      if (root === 'api') return document(apiVersions(hostOf(headers)));
      return document(once(path, () => mergeGroups(apiGroupList(kinds), others.listed((group, version) => registry.hasVersion(group, version)), prioritiesOf)));
    }
    const bytes = once(`${path} ${media}`, () => encodeDocument(root === 'api' ? aggregatedDiscovery(kinds, 'core') : mergeAggregated(aggregatedDiscovery(kinds, 'groups'), others.versions, prioritiesOf), { media, pretty: false }));
    exchange.extraHeaders['Cache-Control'] = 'public';
    return tagged(exchange, bytes, { contentType: `${contentType(media)};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`, vary: 'Accept', exactly: true });
  };
}

interface Sources {
  readonly registry: Registry;
  readonly others: Aggregator['discovery'];
  readonly once: (key: string, make: () => object | undefined) => object | undefined;
}

/** A group, or the resources of a version. */
function below({ registry, others, once }: Sources, exchange: Exchange, rest: readonly string[]): Answer | undefined {
  const { path } = exchange.route;
  const isCore = path.startsWith('/api/');
  const [group = '', version] = isCore ? ['', rest[0]] : rest;
  if (group === '' && !isCore) return undefined;
  const listed = others.listed((served, at) => registry.hasVersion(served, at));
  if (!registry.hasGroup(group) && !listed.some((one) => one.group === group)) return undefined;
  const { kinds } = registry;
  if (version === undefined) {
    exchange.accepted();
    return document(once(path, () => mergeGroup(apiGroup(kinds, group), group, listed, prioritiesOf)));
  }
  if (!registry.hasVersion(group, version)) {
    if (!registry.hasGroup(group) || registry.isCustomGroup(group)) return undefined;
    throw unknownResource();
  }
  if (exchange.method !== 'GET') throw methodNotAllowed();
  exchange.accepted();
  return document(once(path, () => apiResourceList(kinds, { group, version })));
}

function document(object: object | undefined): Answer | undefined {
  return object && { type: 'document', code: 200, object };
}

/** The media type of the aggregated form, where the client takes it at all. */
function aggregatedMedia(accept: string | undefined): Media | undefined {
  for (const clause of (accept ?? '').split(',')) {
    const [type, ...parameters] = clause.split(';').map((part) => part.trim());
    if (!['g=apidiscovery.k8s.io', 'v=v2', 'as=APIGroupDiscoveryList'].every((part) => parameters.includes(part))) continue;
    if (type === 'application/json') return 'json';
    if (type === 'application/vnd.kubernetes.protobuf') return 'protobuf';
  }
  return undefined;
}
