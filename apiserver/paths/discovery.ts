/** `/api` and `/apis` and what stands below them, in both forms; made once, until what is served changes. */
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '../../api/discovery/discovery.ts';
import type { Answer, Exchange } from '../exchange.ts';
import type { Registry } from '../registry.ts';
import { createHash } from 'node:crypto';

export function discovery(registry: Registry): (exchange: Exchange) => Answer | undefined {
  let made = new Map<string, object | undefined>();
  registry.onChange(() => (made = new Map()));
  const once = (key: string, make: () => object | undefined): object | undefined => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key);
  };
  return (exchange) => {
    const { route, headers } = exchange;
    const path = route.path.replace(/\/$/, '');
    const [, root, ...rest] = path.split('/');
    const { kinds } = registry;
    if (rest.length === 0) {
      const aggregated = aggregatedForm(headers.accept);
      if (aggregated) return withTag(exchange, once(`${root} ${aggregated}`, () => aggregatedDiscovery(kinds, root === 'api' ? 'core' : 'groups')), aggregated);
      return answer(once(path, () => (root === 'api' ? apiVersions(String(headers.host ?? '')) : apiGroupList(kinds))));
    }
    if (root === 'api') {
      if (rest.length > 1 || !registry.hasVersion('', rest[0] ?? '')) return rest.length === 1 ? answer(unknown(), 404) : undefined;
      return answer(once(path, () => apiResourceList(kinds, { group: '', version: rest[0] ?? '' })));
    }
    const [group = '', version] = rest;
    if (!registry.hasGroup(group)) return undefined;
    if (version === undefined) return answer(once(path, () => apiGroup(kinds, group)));
    if (!registry.hasVersion(group, version)) return answer(unknown(), 404);
    return answer(once(path, () => apiResourceList(kinds, { group, version })));
  };
}

function unknown(): object {
  return {
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'the server could not find the requested resource', reason: 'NotFound', details: {},
    code: 404,
  };
}

function answer(object: object | undefined, code = 200): Answer | undefined {
  return object && { type: 'document', code, object };
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** The content type of the aggregated form where the client takes it before plain JSON. */
function aggregatedForm(accept: string | undefined): string | undefined {
  for (const clause of (accept ?? '').split(',')) {
    const parts = clause.split(';').map((part) => part.trim());
    const type = parts.shift();
    const has = (part: string): boolean => parts.includes(part);
    if (type !== 'application/json') continue;
    if (!has('as=APIGroupDiscoveryList')) return undefined;
    if (has('g=apidiscovery.k8s.io') && has('v=v2')) return AGGREGATED;
  }
  return undefined;
}

function withTag(exchange: Exchange, object: object | undefined, contentType: string): Answer | undefined {
  if (!object) return undefined;
  const bytes = Buffer.from(JSON.stringify(object));
  const tag = `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"`;
  exchange.extraHeaders['ETag'] = tag;
  exchange.extraHeaders['Vary'] = 'Accept';
  if (exchange.headers['if-none-match'] === tag) return { type: 'text', code: 304, text: '', contentType };
  return { type: 'document', code: 200, object, bytes, contentType };
}
