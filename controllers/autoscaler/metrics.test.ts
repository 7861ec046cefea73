import { ApiError } from '../../api/status.ts';
import type { ApiCall } from '../../api/request.ts';
import type { Client } from '../../client/client.ts';
import { readMetric } from './metrics.ts';

const QUERY = { namespace: 'a', selector: 'app=web', resourceOf: (group: string, kind: string) => (kind === 'Service' ? { group, version: 'v1', resource: 'services', kind, namespaced: true } : kind === 'Node' ? { group, version: 'v1', resource: 'nodes', kind, namespaced: false } : undefined) };
const NO_PAGE = '404 page not found\n';

function open(answer: (call: ApiCall) => unknown) {
  const calls: ApiCall[] = [];
  const client = { call: async (call: ApiCall) => (calls.push(call), answer(call)) } as unknown as Client;
  return { client, calls };
}
const path = ({ group, version, namespace, resource, name, subresource, query = {} }: ApiCall) => [group, version, namespace, resource, name, subresource, new URLSearchParams(query)].filter((part) => part !== undefined && String(part)).join('/');

test.each<[string, Parameters<typeof readMetric>[1], string, unknown, object]>([
  ['resource', { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }, 'metrics.k8s.io/v1beta1/a/pods/labelSelector=app%3Dweb',
    { items: [{ metadata: { name: 'p' }, timestamp: '2026-01-01T00:00:00Z', window: '1m30s', containers: [{ name: 'c', usage: { cpu: '100m' } }, { name: 'd', usage: { cpu: '50m' } }] }, { metadata: { name: 'q' }, timestamp: '', window: '', containers: [{ name: 'c', usage: {} }] }] },
    { kind: 'pods', pods: new Map([['p', { value: 150, timestampMs: Date.UTC(2026, 0, 1), windowMs: 90_000 }]]) }],
  ['one container', { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'd', target: { type: 'Utilization' } } }, 'metrics.k8s.io/v1beta1/a/pods/labelSelector=app%3Dweb',
    { items: [{ metadata: { name: 'p' }, timestamp: '2026-01-01T00:00:00Z', window: '30s', containers: [{ name: 'c', usage: { cpu: '100m' } }, { name: 'd', usage: { cpu: '50m' } }] }] },
    { kind: 'pods', pods: new Map([['p', { value: 50, timestampMs: Date.UTC(2026, 0, 1), windowMs: 30_000 }]]) }],
  ['pods', { type: 'Pods', pods: { metric: { name: 'qps', selector: { matchLabels: { verb: 'get' } } }, target: { type: 'AverageValue' } } }, 'custom.metrics.k8s.io/v1beta2/a/pods/*/qps/labelSelector=app%3Dweb&metricLabelSelector=verb%3Dget',
    { items: [{ describedObject: { name: 'p' }, timestamp: '2026-01-01T00:00:00Z', value: '5' }] }, { kind: 'pods', pods: new Map([['p', { value: 5000, timestampMs: Date.UTC(2026, 0, 1), windowMs: 60_000 }]]) }],
  ['an object', { type: 'Object', object: { metric: { name: 'hits' }, describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' }, target: { type: 'Value' } } }, 'custom.metrics.k8s.io/v1beta2/a/services/s/hits',
    { items: [{ timestamp: '', value: '1500m' }] }, { kind: 'values', values: [1500] }],
  ['an object without a namespace, asked for in the autoscaler\'s', { type: 'Object', object: { metric: { name: 'hits' }, describedObject: { apiVersion: 'v1', kind: 'Node', name: 'n' }, target: { type: 'Value' } } }, 'custom.metrics.k8s.io/v1beta2/a/nodes/n/hits',
    { items: [{ timestamp: '', value: '1' }] }, { kind: 'values', values: [1000] }],
  ['external', { type: 'External', external: { metric: { name: 'jobs', selector: { matchLabels: { queue: 'a' } } }, target: { type: 'Value' } } }, 'external.metrics.k8s.io/v1beta1/a/jobs/labelSelector=queue%3Da',
    { items: [{ value: '3' }, { value: '4' }] }, { kind: 'values', values: [3000, 4000] }],
])('%s', async (_, spec, asked, answer, reading) => {
  const { client, calls } = open(() => answer);
  expect(await readMetric(client, spec, QUERY)).toEqual(reading);
  expect(calls.map(path)).toEqual([asked]);
});

const HITS: Parameters<typeof readMetric>[1] = { type: 'Object', object: { metric: { name: 'hits' }, describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' }, target: { type: 'Value' } } };

test.each<[string, Parameters<typeof readMetric>[1], unknown, string]>([
  ['no metrics API', { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }, NO_PAGE, 'unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)'],
  ['no metrics', { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }, { items: [] }, 'no metrics returned from resource metrics API'],
  ['no adapter', { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue' } } }, NO_PAGE, 'unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered'],
  ['no external adapter', { type: 'External', external: { metric: { name: 'jobs' }, target: { type: 'Value' } } }, NO_PAGE, 'unable to fetch metrics from external metrics API: the server could not find the requested resource (get jobs.external.metrics.k8s.io)'],
  ['what an adapter says', { type: 'External', external: { metric: { name: 'jobs' }, target: { type: 'Value' } } }, new ApiError({ code: 500, message: 'no such queue' }), 'unable to fetch metrics from external metrics API: no such queue'],
  ['what an adapter says in words', { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue' } } }, new ApiError({ code: 503, message: 'it broke', details: { causes: [{ reason: 'UnexpectedServerResponse', message: 'it broke' }] } }), 'unable to fetch metrics from custom metrics API: the server is currently unable to handle the request (get pods.custom.metrics.k8s.io *)'],
  ['two values for one object', HITS, { items: [{ value: '1' }, { value: '2' }] }, 'unable to fetch metrics from custom metrics API: the custom metrics API server returned 2 results when we asked for exactly one'],
  ['an object of no known kind', { type: 'Object', object: { metric: { name: 'hits' }, describedObject: { apiVersion: 'no.such/v1', kind: 'Thing', name: 's' }, target: { type: 'Value' } } }, {}, 'unable to fetch metrics from custom metrics API: unable to map kind Thing.no.such to resource: no matches for kind "Thing" in group "no.such"'],
])('%s is a reading too', async (_, spec, answer, message) => {
  const { client } = open(() => {
    if (answer instanceof Error) throw answer;
    return answer;
  });
  expect(await readMetric(client, spec, QUERY)).toEqual({ kind: 'error', message });
});

test('an adapter of the older version is found', async () => {
  const { client, calls } = open(({ version }) => (version === 'v1beta1' ? { items: [{ describedObject: { name: 'p' }, timestamp: '2026-01-01T00:00:00Z', value: '5' }] } : NO_PAGE));
  expect(await readMetric(client, { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue' } } }, QUERY)).toMatchObject({ kind: 'pods' });
  expect(calls.map(({ version }) => version)).toEqual(['v1beta2', 'v1beta1']);
});
