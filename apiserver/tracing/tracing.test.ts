import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../std/clock.ts';
import { openTestServer } from '../test-server.ts';
import { openExporter, type Span } from './exporter.ts';
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
  expect(parseTracing(head)).toEqual({ endpoint: 'http://127.0.0.1:4318', samplingRatePerMillion: 0 });
  expect(() => parseTracing(`${head}samplingRatePerMillion: -1`)).toThrow('must be in the range');
  expect(() => parseTracing('kind: Boat')).toThrow('must be a TracingConfiguration');
});

test('a request that its caller has chosen becomes a span of the same trace; others do not', async () => {
  const spans: Span[] = [];
  const server = await openTestServer({ tracing: { configuration: { endpoint: '', samplingRatePerMillion: 0 }, exporter: { add: (span) => void spans.push(span), close: () => Promise.resolve() } } });
  await server.http('GET', '/version');
  await server.http('GET', '/api/v1/namespaces/missing', { headers: { traceparent: `00-${TRACE}-${SPAN}-01` } });
  expect(spans).toEqual([expect.objectContaining({ traceId: TRACE, parentSpanId: SPAN, failed: false, attributes: expect.objectContaining({ 'url.path': '/api/v1/namespaces/missing', 'http.response.status_code': 404 }) })]);
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
  const exporter = openExporter({ endpoint: `127.0.0.1:${(collector.address() as AddressInfo).port}`, service: 'apiserver', clock: systemClock, onLost: () => undefined });
  exporter.add({ traceId: TRACE, spanId: SPAN, name: 'KubernetesAPI', startMs: 1_700_000_000_000.5, endMs: 1_700_000_000_001, attributes: { a: 'b', code: 200 }, failed: true });
  await exporter.close();
  collector.close();
  expect(bodies[0]?.path).toBe('/v1/traces');
  expect(bodies[0]?.body.resourceSpans[0]?.scopeSpans[0]?.spans).toEqual([{
    traceId: TRACE, spanId: SPAN, name: 'KubernetesAPI', kind: 2, startTimeUnixNano: '1700000000000500000', endTimeUnixNano: '1700000000001000000', status: { code: 2 },
    attributes: [{ key: 'a', value: { stringValue: 'b' } }, { key: 'code', value: { intValue: '200' } }],
  }]);
});
