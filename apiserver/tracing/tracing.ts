/** Traces of requests: spans for each that its caller, or chance, has chosen. Names of spans and their attributes are upstream's. */
import type { Clock } from '../../std/clock.ts';
import type { Random } from '../../std/random.ts';
import { codeOf } from '../chain/code-of.ts';
import type { Step } from '../chain/chain.ts';
import type { Exchange } from '../exchange.ts';
import type { Route } from '../request/route.ts';
import type { Exporter } from './span.ts';
import { begin, finely, span, type Attributes } from './span.ts';
import { formatTraceparent, parseTraceparent, randomId } from './trace-context.ts';
import { jsYaml } from '../../std/js-yaml.ts';

export interface TracingConfiguration {
  readonly endpoint: string;
  /** Of requests whose callers have not decided: so many of a million. */
  readonly samplingRatePerMillion: number;
}

/** A collector on this machine, by the usual port of gRPC. */
const ENDPOINT = 'localhost:4317';
const VERSIONS = ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1'];
/** Those of gRPC; and, which upstream has not, OTLP over HTTP. */
const SCHEMES = ['dns:', 'unix:', 'http:', 'https:'];
const MILLION = 1_000_000;

/** Throws on a text that is no tracing configuration. */
export function parseTracing(text: string): TracingConfiguration {
  const file = jsYaml().load(text) as Partial<Record<string, unknown>> | undefined;
  if (file?.['kind'] !== 'TracingConfiguration' || !VERSIONS.includes(String(file['apiVersion']))) throw new Error(`a tracing configuration must be a TracingConfiguration of ${VERSIONS[0]}`);
  const { endpoint = ENDPOINT, samplingRatePerMillion = 0 } = file as { endpoint?: string; samplingRatePerMillion?: number };
  if (!Number.isInteger(samplingRatePerMillion) || samplingRatePerMillion < 0 || samplingRatePerMillion > MILLION) {
    const why = samplingRatePerMillion < 0 ? 'sampling rate must be positive' : 'sampling rate per million must be less than or equal to one million';
    throw new Error(`samplingRatePerMillion: Invalid value: ${JSON.stringify(samplingRatePerMillion)}: ${why}`);
  }
  const scheme = endpoint.includes('//') ? (/^[a-z][-+.a-z0-9]*:/i.exec(endpoint)?.[0] ?? '') : 'dns:';
  if (!SCHEMES.includes(scheme)) throw new Error(`endpoint: Invalid value: ${JSON.stringify(endpoint)}: unsupported scheme: ${scheme.slice(0, -1)}.  Options are none, dns, unix, http, or https.`);
  return { endpoint, samplingRatePerMillion };
}

export interface TracingParts {
  readonly configuration: TracingConfiguration;
  readonly exporter: Exporter;
  readonly clock: Clock;
  readonly random: Random;
}

/** What the server calls others about (webhooks, aggregated servers) is told by `exchange.traceparent`. */
export function traces({ configuration, exporter, clock, random }: TracingParts): Step {
  return (exchange) => {
    const parent = parseTraceparent(first(exchange.headers['traceparent']));
    const sampled = parent ? parent.sampled : random.next() * MILLION < configuration.samplingRatePerMillion;
    if (!sampled) return begin(undefined);
    const traceId = parent?.traceId ?? randomId(random, 16);
    const spanId = randomId(random, 8);
    exchange.traceparent = formatTraceparent({ traceId, spanId, sampled });
    const time = finely(clock);
    const startMs = time();
    begin({ traceId, spanId, exporter, random, clock });
    exchange.after.push(() => {
      const code = codeOf(exchange);
      exporter.add({
        traceId, spanId, ...(parent && { parentSpanId: parent.spanId }), name: nameOf(exchange), kind: 'server', startMs, endMs: time(), failed: code >= 500,
        attributes: { 'http.request.method': exchange.method, 'url.scheme': 'https', 'url.path': exchange.route.path, 'http.target': exchange.uri, 'audit-id': exchange.id, 'http.response.status_code': code, 'user_agent.original': exchange.headers['user-agent'] ?? '' },
      });
    });
  };
}

/** A step of the chain as a span of its own, while it runs. */
export function spanned(name: string, step: Step): Step {
  return (exchange) => span(name, () => ({ 'audit-id': exchange.id }), () => step(exchange));
}

const VERBS: Readonly<Record<string, string>> = { create: 'Create', update: 'Update', patch: 'Patch', delete: 'Delete', deletecollection: 'Delete', get: 'Get', list: 'List' };

/** What is done with a resource, as a span around it. */
export function spanOfVerb<T>(exchange: Exchange, run: () => T): T {
  const { route } = exchange;
  const name = route.isResource ? VERBS[route.verb] : undefined;
  return name === undefined ? run() : span(name, () => attributesOf(exchange), run);
}

function attributesOf({ id, headers, method, route, uri }: Exchange): Attributes {
  const { group, version, name, subresource, namespace, resource, verb } = route;
  return {
    accept: headers.accept ?? '', 'audit-id': id, 'api-group': group, 'api-version': version, name, subresource, namespace, resource,
    scope: name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster', url: uri.split('?')[0] ?? '', 'user-agent': headers['user-agent'] ?? '', verb: verb === 'list' ? 'LIST' : method,
  };
}

/** `GET /api/v1/namespaces/{:namespace}/pods/{:name}`; of what is no resource the method alone. */
function nameOf({ method, route }: Exchange): string {
  return route.isResource ? `${method} ${templateOf(route)}` : method;
}

function templateOf({ group, version, namespace, resource, name, subresource }: Route): string {
  const root = group === '' ? '/api' : `/apis/${group}`;
  return `${root}/${version}${namespace !== '' ? '/namespaces/{:namespace}' : ''}/${resource}${name !== '' ? '/{:name}' : ''}${subresource !== '' ? `/${subresource}` : ''}`;
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
