/** Traces of requests: a span for each that its caller, or chance, has chosen. */
import { load } from 'js-yaml';
import type { Clock } from '../../std/clock.ts';
import type { Random } from '../../std/random.ts';
import { codeOf } from '../chain/code-of.ts';
import type { Step } from '../chain/chain.ts';
import type { Exporter } from './exporter.ts';
import { formatTraceparent, parseTraceparent, randomId } from './trace-context.ts';

export interface TracingConfiguration {
  readonly endpoint: string;
  /** Of requests whose callers have not decided: so many of a million. */
  readonly samplingRatePerMillion: number;
}

/** A collector on this machine, by its usual port. */
const ENDPOINT = 'http://127.0.0.1:4318';
const VERSIONS = ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1'];
const MILLION = 1_000_000;

/** Throws on a text that is no tracing configuration. */
export function parseTracing(text: string): TracingConfiguration {
  const file = load(text) as Partial<Record<string, unknown>> | undefined;
  if (file?.['kind'] !== 'TracingConfiguration' || !VERSIONS.includes(String(file['apiVersion']))) throw new Error(`a tracing configuration must be a TracingConfiguration of ${VERSIONS[0]}`);
  const { endpoint = ENDPOINT, samplingRatePerMillion = 0 } = file as { endpoint?: string; samplingRatePerMillion?: number };
  if (!Number.isInteger(samplingRatePerMillion) || samplingRatePerMillion < 0 || samplingRatePerMillion > MILLION) {
    throw new Error(`samplingRatePerMillion: Invalid value: ${JSON.stringify(samplingRatePerMillion)}: sampling rate must be in the range [0, 1000000]`);
  }
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
    if (!sampled) return;
    const traceId = parent?.traceId ?? randomId(random, 16);
    const spanId = randomId(random, 8);
    exchange.traceparent = formatTraceparent({ traceId, spanId, sampled });
    const startMs = clock.now();
    exchange.after.push(() => {
      const code = codeOf(exchange);
      exporter.add({
        traceId, spanId, ...(parent && { parentSpanId: parent.spanId }), name: 'KubernetesAPI', startMs, endMs: clock.now(), failed: code >= 500,
        attributes: { 'audit-id': exchange.id, 'http.request.method': exchange.method, 'url.path': exchange.route.path, 'http.response.status_code': code, 'user_agent.original': exchange.headers['user-agent'] ?? '' },
      });
    });
  };
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
