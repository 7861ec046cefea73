import type { ServerResponse } from 'node:http';
import { services } from '../../../api/resources.ts';
import type { ServiceSpec } from '../../../api/types/core.v1.ts';
import { systemClock } from '../../../std/clock.ts';
import { FakeReader } from '../../auth/fake-reader.ts';
import { createWebhookClient, type WebhookClient } from './client.ts';
import { openFakeWebhook, type FakeWebhook } from './fake-webhook.ts';

let hook: FakeWebhook;
let client: WebhookClient;
const reader = new FakeReader();

beforeAll(async () => {
  hook = await openFakeWebhook({ names: ['right.ns.svc'], ips: [] });
  client = createWebhookClient({ reader, clock: systemClock });
});
afterAll(async () => {
  await client.close();
  await hook.close();
});

function serve(name: string, spec: ServiceSpec): void {
  reader.set(services, { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'ns' }, spec });
}

function call(name: string, port: number, timeoutSeconds = 5): Promise<Record<string, unknown>> {
  return client.call({ service: { name, namespace: 'ns', path: '/p/', port }, caBundle: hook.caBundle }, { request: { uid: 'u' } }, { timeoutSeconds });
}

test('a Service is called at its cluster address, under its own name', async () => {
  serve('right', { clusterIP: '127.0.0.1', ports: [{ port: hook.port }] });
  expect(await call('right', hook.port)).toMatchObject({ response: { uid: 'u', allowed: true } });
  expect(hook.asked.at(-1)?.path).toBe('/p?timeout=5s');
});

test('a bundle may hold the very certificate, without who signed it', async () => {
  serve('right', { clusterIP: '127.0.0.1', ports: [{ port: hook.port }] });
  const service = { name: 'right', namespace: 'ns', path: '/p/', port: hook.port };
  expect(await client.call({ service, caBundle: hook.ownBundle }, { request: { uid: 'u' } }, { timeoutSeconds: 5 })).toMatchObject({ response: { allowed: true } });
});

test.each([
  ['a certificate for another name', 'wrong', { clusterIP: '127.0.0.1' }, 'tls: failed to verify certificate: x509: certificate is valid for right.ns.svc, not wrong.ns.svc'],
  ['a port that it does not have', 'other', { clusterIP: '127.0.0.1', ports: [{ port: 1 }] }, 'no service port PORT found for service "other"'],
  ['no address', 'headless', { clusterIP: 'None' }, 'cannot route to service with ClusterIP "None"'],
])('a Service with %s', async (_, name, spec, why) => {
  serve(name, { ports: [{ port: hook.port }], ...spec });
  const { port } = hook;
  await expect(call(name, port)).rejects.toThrow(`Post "https://${name}.ns.svc:${port}/p?timeout=5s": ${why.replace('PORT', String(port))}`);
});

test('an answer that stops in the middle is given up in time, and the next call has a connection of its own', async () => {
  hook.replies.set('/p', () => (response) => void response.write('{"kind":'));
  serve('right', { clusterIP: '127.0.0.1', ports: [{ port: hook.port }] });
  await expect(call('right', hook.port, 1)).rejects.toThrow('unexpected error when reading response body. Please retry. Original error: context deadline exceeded');
  hook.replies.set('/p', () => (response) => void response.writeHead(200, { 'Content-Length': 9 }).write('{', () => response.destroy()));
  await expect(call('right', hook.port)).rejects.toThrow('Original error: unexpected EOF');
  hook.replies.set('/p', () => (response) => void response.destroy());
  await expect(call('right', hook.port)).rejects.toThrow('EOF');
  hook.replies.clear();
  expect(await call('right', hook.port)).toMatchObject({ response: { allowed: true } });
});

test('a webhook that asks for a moment gets it', async () => {
  let calls = 0;
  hook.replies.set('/p', () => (calls++ === 0 ? (response) => void response.writeHead(503, { 'Retry-After': '0' }).end() : {}));
  serve('right', { clusterIP: '127.0.0.1', ports: [{ port: hook.port }] });
  expect(await call('right', hook.port)).toMatchObject({ response: { allowed: true } });
  expect(calls).toBe(2);
});

describe('a webhook that has moved', () => {
  const moved = (code: number, to: string) => () => (response: ServerResponse) => void response.writeHead(code, { Location: to }).end();
  beforeAll(() => serve('right', { clusterIP: '127.0.0.1', ports: [{ port: hook.port }] }));
  afterEach(() => hook.replies.clear());

  test.each([307, 308])('%i: is asked again there', async (code) => {
    hook.replies.set('/p', moved(code, '/q?a'));
    hook.replies.set('/q', () => ({ warnings: ['there'] }));
    expect(await call('right', hook.port)).toMatchObject({ response: { allowed: true, warnings: ['there'] } });
    expect(hook.asked.at(-1)).toMatchObject({ path: '/q?a', review: { request: { uid: 'u' } } });
  });
  test('is not followed for ever', async () => {
    hook.replies.set('/p', moved(307, '/p?a'));
    await expect(call('right', hook.port)).rejects.toThrow(`Post "https://right.ns.svc:${hook.port}/p?a": stopped after 10 redirects`);
  });
  test('says where to', async () => {
    hook.replies.set('/p', () => (response) => void response.writeHead(302).end());
    await expect(call('right', hook.port)).rejects.toThrow('302 response missing Location header');
  });
});
