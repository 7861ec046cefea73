/** What stands at paths that are no resources: health, version, discovery, OpenAPI, keys of token issuers, metrics. */
import type { Core } from '../core.ts';
import type { Answer, Exchange } from '../exchange.ts';
import type { HandlerParts } from '../handlers.ts';
import { discovery } from './discovery.ts';
import { health } from './health.ts';
import { metrics } from './metrics.ts';
import { openapi } from './openapi.ts';
import { VERSION } from './version.ts';

export function pathsOf(parts: HandlerParts): (core: Core, exchange: Exchange) => Promise<Answer | undefined> | Answer | undefined {
  const { readiness, tokens, traffic, core } = parts;
  const count = metrics(traffic, core.registry);
  const docs = openapi(parts.core.registry);
  const disco = discovery(parts.core.registry);
  return (_core, exchange) => {
    const { path } = exchange.route;
    const root = path.split('/', 2)[1] ?? '';
    switch (root) {
      case 'healthz':
      case 'livez':
      case 'readyz':
        return health(readiness, root, exchange);
      case 'version':
        return path === '/version' || path === '/version/' ? document(VERSION) : undefined;
      case 'api':
      case 'apis':
        return disco(exchange);
      case 'openapi':
        return docs(exchange);
      case 'metrics':
        return path === '/metrics' ? count() : undefined;
      case 'openid':
        return path === '/openid/v1/jwks' ? { ...document(tokens.jwks()), contentType: 'application/jwk-set+json' } : undefined;
      case '.well-known':
        return path === '/.well-known/openid-configuration' ? document(tokens.discovery(String(exchange.headers.host ?? ''))) : undefined;
      case '':
        return document({ paths: ROOT_PATHS });
      default:
        return undefined;
    }
  };
}

const ROOT_PATHS = [
  '/.well-known/openid-configuration', '/api', '/api/v1', '/apis', '/apis/', '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/openid/v1/jwks', '/readyz', '/version',
];

function document(object: object): Extract<Answer, { type: 'document' }> {
  return { type: 'document', code: 200, object };
}
