/** Answers what is asked of metrics.k8s.io: nodes and pods that exist, with what they use now. */
import { nodes, pods } from '../../api/resources.ts';
import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector } from '../../api/selectors.ts';
import { badRequest, notFound } from '../../api/status.ts';
import type { Core } from '../core.ts';
import type { Handler } from '../dispatch.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { includeOption, table } from '../forms/table.ts';
import type { Resource } from '../registry/resource.ts';
import { METRICS_GROUP, METRICS_VERSION, type Metrics, type NodeMetrics, type PodMetrics } from './kinds.ts';
import type { NodeStatistics } from './node-statistics.ts';
import type { Measured, Usage } from './usage.ts';

export function nodeMetricsHandler(statistics: NodeStatistics): Handler {
  return async (core, exchange, resource) => {
    const chosen = select(exchange, core.reader.list(nodes));
    const labels = new Map(chosen.map(({ metadata }) => [metadata.name, metadata.labels]));
    const usages = await statistics.usage(chosen.map(({ metadata }) => metadata.name));
    const found = [...usages].flatMap(([name, usage]): NodeMetrics[] => {
      if (!usage.node) return [];
      return [{ ...described(resource, usage, core), metadata: { name, creationTimestamp: timeText(core.clock.now()), ...labelled(labels.get(name)) }, usage: amounts(usage.node) }];
    });
    return answer(core, exchange, resource, found);
  };
}

export function podMetricsHandler(statistics: NodeStatistics): Handler {
  return async (core, exchange, resource) => {
    const { namespace } = exchange.route;
    await core.reader.upToDate(pods);
    const chosen = select(exchange, namespace ? core.reader.list(pods, namespace) : core.reader.list(pods)).filter(({ spec, status }) => spec?.nodeName && status?.phase === 'Running');
    const labels = new Map(chosen.map(({ metadata }) => [`${metadata.namespace}/${metadata.name}`, metadata.labels]));
    const usages = await statistics.usage([...new Set(chosen.map(({ spec }) => spec?.nodeName ?? ''))]);
    const found = [...usages.values()].flatMap((node) => node.pods).filter(({ namespace: of, name }) => labels.has(`${of}/${name}`)).map((pod): PodMetrics => ({
      ...described(resource, pod, core),
      metadata: { name: pod.name, namespace: pod.namespace, creationTimestamp: timeText(core.clock.now()), ...labelled(labels.get(`${pod.namespace}/${pod.name}`)) },
      containers: pod.containers.map(({ name, ...usage }) => ({ name, usage: amounts(usage) })),
    }));
    found.sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
    return answer(core, exchange, resource, found);
  };
}

function keyOf({ metadata }: Metrics): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** By name, or by the selectors of a list. */
function select<T extends { readonly metadata: { readonly name: string; readonly namespace: string; readonly labels?: Readonly<Record<string, string>> } }>({ route, query }: Exchange, all: readonly T[]): readonly T[] {
  if (route.verb === 'get') return all.filter(({ metadata }) => metadata.name === route.name);
  try {
    const labels = parseLabelSelector(query.get('labelSelector') ?? '');
    const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
    return all.filter(({ metadata }) => matchesLabels(labels, metadata.labels) && matchesFields(fields, (field) => (field === 'metadata.name' ? metadata.name : field === 'metadata.namespace' ? (metadata.namespace ?? '') : undefined)));
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
}

function described(resource: Resource, { at, windowMs }: Measured, { clock }: Core): { kind: string; apiVersion: string; timestamp: string; window: string } {
  return { kind: resource.kind.kind, apiVersion: `${METRICS_GROUP}/${METRICS_VERSION}`, timestamp: timeText(Math.min(at, clock.now())), window: `${windowMs / 1000}s` };
}

function amounts({ cpuNanoCores, memoryBytes }: Usage): Record<string, string> {
  return { cpu: cpuNanoCores === 0 ? '0' : `${cpuNanoCores}n`, memory: `${Math.ceil(memoryBytes / 1024)}Ki` };
}

function labelled(labels: Readonly<Record<string, string>> | undefined): { labels?: Record<string, string> } {
  return labels ? { labels: { ...labels } } : {};
}

function answer(core: Core, exchange: Exchange, resource: Resource, found: readonly Metrics[]): Answer {
  const { route, query } = exchange;
  const [first] = found;
  if (route.verb === 'get' && !first) throw notFound({ group: METRICS_GROUP, resource: route.resource, name: route.namespace ? `${route.namespace}/${route.name}` : route.name });
  const { as, asVersion } = exchange.accepted();
  if (as === 'Table') {
    const options = { kind: resource, version: asVersion, include: includeOption(query.get('includeObject')), now: core.clock.now(), columns: true, show: (object: object) => object };
    return { type: 'document', code: 200, object: table(found, {}, options) };
  }
  if (route.verb === 'get') return { type: 'document', code: 200, object: first as Metrics };
  return { type: 'document', code: 200, object: { kind: resource.kind.listKind, apiVersion: resource.apiVersion, metadata: {}, items: found } };
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
