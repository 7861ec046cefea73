/** `/metrics`: what the server counts, in the text format of Prometheus; counted only once somebody has looked. */
import type { Registry as MetricsRegistry } from 'prom-client';
import type { Answer } from '../exchange.ts';
import type { Registry } from '../registry.ts';
import type { Traffic } from '../chain/traffic.ts';

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

export function metrics(traffic: Traffic, registry: Registry): () => Promise<Answer> {
  let made: Promise<MetricsRegistry> | undefined;
  return async () => {
    made ??= create(traffic, registry);
    return { type: 'text', code: 200, text: await (await made).metrics(), contentType: CONTENT_TYPE };
  };
}

/** Loaded on demand: start-up does not pay for it. */
async function create(traffic: Traffic, registry: Registry): Promise<MetricsRegistry> {
  const { Counter, Gauge, Registry: Metrics, collectDefaultMetrics } = await import('prom-client');
  const own = new Metrics();
  const registers: MetricsRegistry[] = [];
  collectDefaultMetrics({ register: own });
  own.registerMetric(new Counter({
    name: 'apiserver_request_total', help: 'Requests by verb, resource and code.', labelNames: ['verb', 'group', 'version', 'resource', 'subresource', 'code'], registers,
    collect() {
      this.reset();
      for (const { labels, count } of traffic.counts()) this.inc(labels, count);
    },
  }));
  own.registerMetric(new Gauge({
    name: 'apiserver_current_inflight_requests', help: 'Requests that are worked on now.', labelNames: ['request_kind'], registers,
    collect() {
      const { reading, writing } = traffic.inFlight();
      this.set({ request_kind: 'readOnly' }, reading);
      this.set({ request_kind: 'mutating' }, writing);
    },
  }));
  own.registerMetric(new Gauge({
    name: 'apiserver_storage_objects', help: 'Objects in the watch cache by resource.', labelNames: ['resource'], registers,
    collect() {
      for (const kind of registry.kinds) {
        const resource = registry.hub(kind.group, kind.plural);
        if (resource && resource.cache.size > 0) this.set({ resource: kind.group ? `${kind.plural}.${kind.group}` : kind.plural }, resource.cache.size);
      }
    },
  }));
  return own;
}
