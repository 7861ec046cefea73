/** `/api` and `/apis` and what stands below them, in both forms; made once, until what is served changes. */
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '../../api/discovery/discovery.ts';
import { methodNotAllowed, unknownResource } from '../dispatch.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { encodeDocument } from '../forms/encode.ts';
import { contentType, type Media } from '../negotiate.ts';
import type { Registry } from '../registry.ts';
import { tagged } from './tagged.ts';

export function discovery(registry: Registry): (exchange: Exchange) => Answer | undefined {
  let made = new Map<string, unknown>();
  registry.onChange(() => (made = new Map()));
  const once = <T>(key: string, make: () => T): T => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key) as T;
  };
  return (exchange) => {
    const { route, headers, method } = exchange;
    const path = route.path.replace(/\/$/, '');
    const [, root, ...rest] = path.split('/');
    if (method !== 'GET' && path !== '/apis') throw methodNotAllowed();
    const { kinds } = registry;
    if (rest.length > 0) return below(registry, exchange, rest, (key, make) => once(key, make));
    const media = aggregatedMedia(headers.accept);
    if (!media) {
      exchange.accepted();
      return document(once(path, () => (root === 'api' ? apiVersions(String(headers.host ?? '')) : apiGroupList(kinds))));
    }
    const bytes = once(`${path} ${media}`, () => encodeDocument(aggregatedDiscovery(kinds, root === 'api' ? 'core' : 'groups'), { media, pretty: false }));
    return tagged(exchange, bytes, { contentType: `${contentType(media)};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`, vary: 'Accept' });
  };
}

type Once = (key: string, make: () => object | undefined) => object | undefined;

/** A group, or the resources of a version. */
function below(registry: Registry, exchange: Exchange, rest: readonly string[], once: Once): Answer | undefined {
  const { path } = exchange.route;
  const isCore = path.startsWith('/api/');
  const [group = '', version] = isCore ? ['', rest[0]] : rest;
  if (!registry.hasGroup(group)) return undefined;
  exchange.accepted();
  const { kinds } = registry;
  if (version === undefined) return document(once(path, () => apiGroup(kinds, group)));
  if (!registry.hasVersion(group, version)) {
    if (registry.isCustomGroup(group)) return undefined;
    throw unknownResource();
  }
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
