/** What stands at paths that are no resources: health, version, discovery, OpenAPI, keys of token issuers, metrics. */
import type { Core } from '../core.ts';
import type { Answer, Exchange } from '../exchange.ts';
import type { HandlerParts } from '../handler-parts.ts';
import { methodNotAllowed, unknownResource } from '../dispatch.ts';
import { DUMPS, type DumpView } from '../flow/dump.ts';
import { discovery } from './discovery.ts';
import { health } from './health.ts';
import { hostOf } from './host-of.ts';
import { healthSeries } from '../metrics/health-series.ts';
import { metrics, METRICS_TYPE } from './metrics.ts';
import { demandType } from '../request/negotiate.ts';
import { openapi } from './openapi.ts';
import type { Readiness } from '../readiness.ts';
import type { Registry } from '../registry/registry.ts';
import { VERSION } from '../version.ts';
import { flagz, statusz, type ZpageFacts } from './zpages.ts';

export function pathsOf(parts: HandlerParts): (core: Core, exchange: Exchange) => Promise<Answer | undefined> | Answer | undefined {
  const { readiness, tokens, meter, flow, core } = parts;
  const count = metrics(meter, parts.companions?.counted);
  const startedMs = core.clock.now();
  const series = healthSeries(startedMs);
  const facts = (): ZpageFacts => ({ startedMs, nowMs: core.clock.now(), paths: rootPaths(core.registry, readiness), flags: parts.flags ?? {} });
  const docs = openapi(parts.core.registry, parts.aggregator);
  const disco = discovery(parts.core.registry, parts.aggregator);
  return (_core, exchange) => {
    const { path } = exchange.route;
    const root = path.split('/', 2)[1] ?? '';
    switch (root) {
      case 'healthz':
      case 'livez':
      case 'readyz':
        return health({ readiness, series }, root, exchange);
      case 'version':
        return path === '/version' || path === '/version/' ? versionFor(exchange) : noSuchRoute();
      case 'api':
      case 'apis':
        return disco(exchange);
      case 'openapi':
        return docs(exchange);
      case 'metrics':
        if (path === '/metrics/slis') return { ...text(series.meter.text()), contentType: METRICS_TYPE };
        return path === '/metrics' ? count() : undefined;
      case 'statusz':
        return path === '/statusz' ? statusz(exchange, facts()) : undefined;
      case 'flagz':
        return path === '/flagz' ? flagz(exchange, facts()) : undefined;
      case 'debug': {
        const dump = DUMPS[path];
        return dump && text(dump(flow.levels, dumpView(core, exchange)));
      }
      case 'openid':
        if (!path.startsWith(`${JWKS}/`) && path !== JWKS) return undefined;
        return path.length <= JWKS.length + 1 ? keys(exchange, tokens.jwks()) : noSuchRoute();
      case '.well-known':
        if (!path.startsWith(`${ISSUER}/`) && path !== ISSUER) return undefined;
        if (path.length > ISSUER.length + 1) return noSuchRoute();
        onlyRead(exchange, JSON_TYPE);
        exchange.extraHeaders['Cache-Control'] = FOR_AN_HOUR;
        return document(tokens.discovery(hostOf(exchange.headers)));
      case '':
      case 'index.html':
        if (path !== '/' && path !== '/index.html') return undefined;
        return indented({ paths: rootPaths(core.registry, readiness) });
      default:
        return undefined;
    }
  };
}

const FIXED_PATHS = [
  '/.well-known/openid-configuration', '/api', '/apis', '/apis/', '/flagz', '/healthz', '/livez', '/metrics', '/metrics/slis', '/openapi/v2', '/openapi/v3', '/openapi/v3/', '/openid/v1/jwks',
  '/readyz', '/statusz', '/version',
];

const HEALTH_ROOTS = ['healthz', 'livez', 'readyz'] as const;

function rootPaths(registry: Registry, readiness: Pick<Readiness, 'checksOf'>): string[] {
  const paths = new Set(FIXED_PATHS);
  for (const root of HEALTH_ROOTS) for (const { name } of readiness.checksOf(root)) paths.add(`/${root}/${name}`);
  for (const { group, versions } of registry.kinds) {
    if (group !== '') paths.add(`/apis/${group}`);
    for (const { version } of versions) paths.add(group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
  }
  return [...paths].sort();
}

const ISSUER = '/.well-known/openid-configuration';
const JWKS = '/openid/v1/jwks';

/** Throws 404: these paths are routes, and have nothing below them. */
function noSuchRoute(): never {
  throw unknownResource();
}

const FOR_AN_HOUR = 'public, max-age=3600';
const JSON_TYPE = 'application/json';
const KEYS_TYPE = 'application/jwk-set+json';

/** A set of keys is only given to those who take one. */
function keys(exchange: Exchange, set: object): Answer {
  onlyRead(exchange, KEYS_TYPE);
  exchange.extraHeaders['Cache-Control'] = FOR_AN_HOUR;
  return { type: 'document', code: 200, object: {}, bytes: Buffer.from(JSON.stringify(set)), contentType: KEYS_TYPE };
}

function text(body: string): Extract<Answer, { type: 'text' }> {
  return { type: 'text', code: 200, text: body, contentType: 'text/plain; charset=utf-8' };
}

function dumpView({ clock }: Core, { query }: Exchange): DumpView {
  const offset = clock.now() - clock.monotonic();
  return { details: (query.get('includeRequestDetails') ?? '') !== '', timeOf: (ms) => new Date(offset + ms).toISOString() };
}

/** For people, whoever asks. */
function indented(object: object): Answer {
  return { type: 'document', code: 200, object, bytes: Buffer.from(JSON.stringify(object, null, 2)) };
}

/** Throws 405 and 406. */
function onlyRead({ method, headers }: Exchange, type: string): void {
  if (method !== 'GET') throw methodNotAllowed();
  demandType(headers.accept, [type]);
}

function versionFor(exchange: Exchange): Answer {
  onlyRead(exchange, JSON_TYPE);
  return indented(VERSION);
}

function document(object: object): Extract<Answer, { type: 'document' }> {
  return { type: 'document', code: 200, object };
}
