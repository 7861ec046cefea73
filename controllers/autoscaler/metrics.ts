/** Asks the metrics APIs: resource use, and whatever adapters serve as custom and external metrics. */
import { formatSelector, compileLabelSelector } from '../../api/selectors.ts';
import { milliValue, parseQuantity } from '../../api/quantity.ts';
import type { ApiCall } from '../../api/request.ts';
import { ApiError, qualified } from '../../api/status.ts';
import type { CrossVersionObjectReference, MetricIdentifier, MetricSpec } from '../../api/types/autoscaling.v2.ts';
import { timeMs } from '../../client/time.ts';
import type { Client } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { statusProblem } from '../../std/network-problem.ts';
import type { AnyRef } from '../served.ts';
import type { PodReading, Reading } from './readings.ts';

export interface MetricsQuery {
  readonly namespace: string;
  /** Of the pods, as in the scale. */
  readonly selector: string;
  readonly resourceOf: (group: string, kind: string) => AnyRef | undefined;
}

type Spec = DeepReadonly<MetricSpec>;

const DEFAULT_WINDOW_MS = 60_000;
const CUSTOM = 'custom.metrics.k8s.io';
/** Of adapters that have not moved on. */
const OLDER_CUSTOM_VERSION = 'v1beta1';
const NO_PAGE = '404 page not found';
/** The mark of an answer that is no Status. */
const UNEXPECTED = 'UnexpectedServerResponse';

/** Never rejects: what went wrong is the reading. */
export async function readMetric(client: Client, spec: Spec, query: MetricsQuery): Promise<Reading> {
  try {
    switch (spec.type) {
      case 'Resource':
        return await resource(client, spec.resource?.name ?? '', '', query);
      case 'ContainerResource':
        return await resource(client, spec.containerResource?.name ?? '', spec.containerResource?.container ?? '', query);
      case 'Pods':
        return await ofPods(client, spec.pods?.metric ?? { name: '' }, query);
      case 'Object':
        return await ofObject(client, spec.object?.metric ?? { name: '' }, spec.object?.describedObject ?? { kind: '', name: '' }, query);
      case 'External':
        return await external(client, spec.external?.metric ?? { name: '' }, query);
      default:
        return { kind: 'error', message: `unknown metric source type ${JSON.stringify(spec.type)}` };
    }
  } catch (error) {
    return { kind: 'error', message: error instanceof Error ? error.message : String(error) };
  }
}

interface PodMetrics {
  readonly metadata: { readonly name: string };
  readonly timestamp: string;
  readonly window: string;
  readonly containers: readonly { readonly name: string; readonly usage: Readonly<Record<string, string>> }[] | null;
}

async function resource(client: Client, name: string, container: string, { namespace, selector }: MetricsQuery): Promise<Reading> {
  const call: ApiCall = { verb: 'list', group: 'metrics.k8s.io', version: 'v1beta1', resource: 'pods', namespace, query: { labelSelector: selector } };
  const { items } = await ask<{ readonly items: readonly PodMetrics[] | null }>(client, call, 'resource');
  if (!items || items.length === 0) throw new Error('no metrics returned from resource metrics API');
  const pods = new Map<string, PodReading>();
  for (const { metadata, timestamp, window, containers } of items) {
    const chosen = (containers ?? []).filter((one) => !container || one.name === container);
    const amounts = chosen.map(({ usage }) => usage[name]);
    if (amounts.length === 0 || amounts.includes(undefined)) continue;
    const value = amounts.reduce((sum, amount) => sum + milli(amount), 0);
    pods.set(metadata.name, { value, timestampMs: timeMs(timestamp), windowMs: windowMs(window) });
  }
  return { kind: 'pods', pods };
}

interface MetricValue {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp: string;
  readonly windowSeconds?: number;
  readonly window?: number;
  readonly value: string;
}

async function ofPods(client: Client, { name, selector: of }: DeepReadonly<MetricIdentifier>, { namespace, selector }: MetricsQuery): Promise<Reading> {
  const { items } = await ask<{ readonly items: readonly MetricValue[] | null }>(client, custom({ resource: 'pods', namespace, name: '*', subresource: name, query: { labelSelector: selector, ...metricLabels(of) } }), 'custom');
  if (!items || items.length === 0) throw new Error('no metrics returned from custom metrics API');
  return {
    kind: 'pods',
    pods: new Map(items.map(({ describedObject, timestamp, windowSeconds, value }) => [
      describedObject?.name ?? '',
      { value: milli(value), timestampMs: timeMs(timestamp), windowMs: windowSeconds === undefined ? DEFAULT_WINDOW_MS : windowSeconds * 1000 },
    ])),
  };
}

async function ofObject(client: Client, { name, selector: of }: DeepReadonly<MetricIdentifier>, object: DeepReadonly<CrossVersionObjectReference>, { namespace, resourceOf }: MetricsQuery): Promise<Reading> {
  const group = object.apiVersion?.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : '';
  const query = metricLabels(of);
  const described = resourceOf(group, object.kind);
  if (!described) throw new Error(`unable to fetch metrics from custom metrics API: unable to map kind ${group ? `${object.kind}.${group}` : object.kind} to resource: no matches for kind "${object.kind}" in group "${group}"`);
  const call = described.kind === 'Namespace' && group === ''
    ? custom({ resource: 'metrics', namespace, name, query })
    : custom({ resource: qualified(described), namespace, name: object.name, subresource: name, query });
  const { items } = await ask<{ readonly items: readonly MetricValue[] | null }>(client, call, 'custom');
  if (items?.length !== 1) throw new Error(`unable to fetch metrics from custom metrics API: the custom metrics API server returned ${items?.length ?? 0} results when we asked for exactly one`);
  return { kind: 'values', values: items.map(({ value }) => milli(value)) };
}

async function external(client: Client, { name, selector }: DeepReadonly<MetricIdentifier>, { namespace }: MetricsQuery): Promise<Reading> {
  const labels = selector ? formatSelector(compileLabelSelector(selector as never)) : '';
  const call: ApiCall = { verb: 'list', group: 'external.metrics.k8s.io', version: 'v1beta1', resource: name, namespace, ...(labels && { query: { labelSelector: labels } }) };
  const { items } = await ask<{ readonly items: readonly { readonly value: string }[] | null }>(client, call, 'external');
  if (!items || items.length === 0) throw new Error('no metrics returned from external metrics API');
  return { kind: 'values', values: items.map(({ value }) => milli(value)) };
}

function custom(call: Pick<ApiCall, 'resource' | 'namespace' | 'name' | 'subresource' | 'query'>): ApiCall {
  return { verb: 'get', group: CUSTOM, version: 'v1beta2', ...call };
}

function metricLabels(selector: DeepReadonly<MetricIdentifier>['selector']): Readonly<Record<string, string>> {
  return selector ? { metricLabelSelector: formatSelector(compileLabelSelector(selector as never)) } : {};
}

async function ask<T>(client: Client, call: ApiCall, which: 'resource' | 'custom' | 'external'): Promise<T> {
  try {
    const answer = await client.call(call);
    // A group that nobody serves is a page that is not there.
    if (typeof answer !== 'object') throw new ApiError({ code: 404, reason: 'NotFound', message: NO_PAGE });
    return answer as T;
  } catch (error) {
    if (call.group === CUSTOM && isNoPage(error)) {
      if (call.version !== OLDER_CUSTOM_VERSION) return ask(client, { ...call, version: OLDER_CUSTOM_VERSION }, which);
      throw new Error('unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered', { cause: error });
    }
    throw new Error(`unable to fetch metrics from ${which} metrics API: ${answerText(error, call)}`, { cause: error });
  }
}

/** Clients name what they asked for where the answer says nothing that they understand. */
export function answerText(error: unknown, { verb, resource: name, group, name: object }: Pick<ApiCall, 'verb' | 'resource' | 'group' | 'name'>): string {
  const text = error instanceof Error ? error.message : String(error);
  const cause = error instanceof ApiError ? error.status.details?.causes?.find(({ reason }) => reason === UNEXPECTED) : undefined;
  const problem = isNoPage(error) ? statusProblem(404, '', true) : cause && statusProblem((error as ApiError).code, cause.message ?? '', true);
  return problem === undefined ? text : `${problem} (${verb === 'list' ? 'get' : verb} ${qualified({ group, resource: name })}${object ? ` ${object}` : ''})`;
}

function isNoPage(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404 && error.message.trim() === NO_PAGE;
}

function milli(text: string | undefined): number {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity ? milliValue(quantity) : 0;
}

/** Go's way of printing durations: `15s`, `1m0s`. */
function windowMs(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|h|m|s)/g)) total += Number(amount) * (unit === 'h' ? 3_600_000 : unit === 'm' ? 60_000 : unit === 'ms' ? 1 : 1000);
  return total;
}
