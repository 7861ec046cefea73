import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../std/clock.ts';
import { openTestServer } from '../test-server.ts';
import * as grpc from '@grpc/grpc-js';
import * as loader from '@grpc/proto-loader';
import { openExporter } from './exporter.ts';
import { OTLP_ENCODING, OTLP_PROTOCOL, TRACE_SERVICE } from './otlp-protocol.ts';
import type { Span } from './span.ts';
import { formatTraceparent, parseTraceparent } from './trace-context.ts';
import { parseTracing } from './tracing.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test.each<[string, boolean | undefined]>([
  [`00-${TRACE}-${SPAN}-01`, true], [`00-${TRACE}-${SPAN}-00`, false], [`cc-${TRACE}-${SPAN}-01-later`, true], [`00-${TRACE}-${SPAN}-01-later`, undefined], [`ff-${TRACE}-${SPAN}-01`, undefined],
  [`00-${'0'.repeat(32)}-${SPAN}-01`, undefined], [`00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined], ['boats', undefined],
])('parseTraceparent(%j)', (text, sampled) => {
  expect(parseTraceparent(text)).toEqual(sampled === undefined ? undefined : { traceId: TRACE, spanId: SPAN, sampled });
});

test('formatTraceparent() writes what parseTraceparent() reads', () => {
  expect(formatTraceparent({ traceId: TRACE, spanId: SPAN, sampled: true })).toBe(`00-${TRACE}-${SPAN}-01`);
});

test('parseTracing() has defaults and refuses what is none', () => {
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n';
  expect(parseTracing(head)).toEqual({ endpoint: 'localhost:4317', samplingRatePerMillion: 0 });
  expect(() => parseTracing(`${head}samplingRatePerMillion: -1`)).toThrow('sampling rate must be positive');
  expect(() => parseTracing(`${head}endpoint: ftp://a:1`)).toThrow('unsupported scheme: ftp.');
  expect(parseTracing(`${head}endpoint: https://a/v1/traces`)).toMatchObject({ endpoint: 'https://a/v1/traces' });
  expect(() => parseTracing('kind: Boat')).toThrow('must be a TracingConfiguration');
});

test('a request that its caller has chosen becomes a span of the same trace; others do not', async () => {
  const spans: Span[] = [];
  const server = await openTestServer({ tracing: { configuration: { endpoint: '', samplingRatePerMillion: 0 }, exporter: { add: (span) => void spans.push(span), close: () => Promise.resolve() } } });
  await server.http('GET', '/version');
  await server.http('GET', '/api/v1/namespaces/missing', { headers: { traceparent: `00-${TRACE}-${SPAN}-01` } });
  expect(spans.filter(({ kind }) => kind === 'server')).toEqual([expect.objectContaining({ name: 'GET /api/v1/namespaces/{:namespace}/namespaces/{:name}', traceId: TRACE, parentSpanId: SPAN, failed: false, attributes: expect.objectContaining({ 'url.path': '/api/v1/namespaces/missing', 'http.response.status_code': 404 }) })]);
  await server.close();
});

test('openExporter() posts spans as OTLP', async () => {
  const bodies: { path: string; body: { resourceSpans: { scopeSpans: { spans: unknown[] }[] }[] } }[] = [];
  const collector = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      bodies.push({ path: request.url ?? '', body: JSON.parse(text) });
      response.end();
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const exporter = openExporter({ endpoint: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`, resource: { 'service.name': 'apiserver' }, clock: systemClock, onLost: () => undefined });
  exporter.add({ traceId: TRACE, spanId: SPAN, name: 'KubernetesAPI', kind: 'server', startMs: 1_700_000_000_000.5, endMs: 1_700_000_000_001, attributes: { a: 'b', code: 200 }, failed: true });
  await exporter.close();
  collector.close();
  expect(bodies[0]?.path).toBe('/v1/traces');
  expect(bodies[0]?.body.resourceSpans[0]?.scopeSpans[0]?.spans).toEqual([{
    traceId: TRACE, spanId: SPAN, name: 'KubernetesAPI', kind: 2, startTimeUnixNano: '1700000000000500000', endTimeUnixNano: '1700000000001000000', status: { code: 2 },
    attributes: [{ key: 'a', value: { stringValue: 'b' } }, { key: 'code', value: { intValue: '200' } }],
  }]);
});

test('openExporter() speaks gRPC where the endpoint has no scheme, as upstream', async () => {
  const got: unknown[] = [];
  const collector = new grpc.Server();
  const definition = loader.fromJSON(OTLP_PROTOCOL as never, OTLP_ENCODING)[TRACE_SERVICE] as grpc.ServiceDefinition;
  collector.addService(definition, { Export: ({ request }: { request: { resource_spans: { resource: unknown; scope_spans: { spans: unknown[] }[] }[] } }, done: (error: null, answer: object) => void) => {
    got.push(request.resource_spans[0]?.resource, ...(request.resource_spans[0]?.scope_spans[0]?.spans ?? []));
    done(null, {});
  } });
  const port = await new Promise<number>((resolve, reject) => collector.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))));
  const lost: unknown[] = [];
  const exporter = openExporter({ endpoint: `127.0.0.1:${port}`, resource: { 'service.name': 'apiserver' }, clock: systemClock, onLost: (count, error) => lost.push(count, error) });
  exporter.add({ traceId: TRACE, spanId: SPAN, parentSpanId: SPAN, name: 'Create', startMs: 1_700_000_000_000.5, endMs: 1_700_000_000_001, attributes: { a: 'b', code: 200, yes: true }, failed: true });
  await exporter.close();
  collector.forceShutdown();
  expect(lost).toEqual([]);
  expect(got).toEqual([
    { attributes: [{ key: 'service.name', value: { string_value: 'apiserver' } }] },
    expect.objectContaining({ trace_id: Buffer.from(TRACE, 'hex'), span_id: Buffer.from(SPAN, 'hex'), parent_span_id: Buffer.from(SPAN, 'hex'), name: 'Create', kind: 1, start_time_unix_nano: '1700000000000500000', end_time_unix_nano: '1700000000001000000', status: { code: 2 } }),
  ]);
});

test('a request is a tree of spans: its steps, what it does, and what it asks of the store', async () => {
  const spans: Span[] = [];
  const server = await openTestServer({ tracing: { configuration: { endpoint: '', samplingRatePerMillion: 0 }, exporter: { add: (span) => void spans.push(span), close: () => Promise.resolve() } } });
  const headers = { traceparent: `00-${TRACE}-${SPAN}-01`, 'content-type': 'application/json' };
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'boat' } });
  const asked = [server.http('POST', '/api/v1/namespaces/default/configmaps', { headers, body }), server.http('GET', '/api/v1/pods')];
  await Promise.all(asked);
  await server.http('GET', '/version');
  await server.close();
  const nameOf = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  const root = 'POST /api/v1/namespaces/{:namespace}/configmaps';
  expect(spans.map(({ name, parentSpanId = '' }) => `${nameOf.get(parentSpanId) ?? ''} > ${name}`).sort()).toEqual([
    ` > ${root}`, 'Create > Create etcd3', ...['Create', 'audit', 'authentication', 'authorization', 'constrainedimpersonation', 'priorityandfairness'].map((name) => `${root} > ${name}`),
  ].sort());
  expect(spans.find(({ name }) => name === 'Create etcd3')?.attributes).toEqual({ key: '/configmaps/default/boat', resource: 'configmaps' });
  expect(spans.find(({ name }) => name === 'Create')?.attributes).toMatchObject({ verb: 'POST', resource: 'configmaps', namespace: 'default', scope: 'namespace', url: '/api/v1/namespaces/default/configmaps' });
  expect(spans.every(({ traceId, startMs, endMs }) => traceId === TRACE && endMs >= startMs)).toBe(true);
});
