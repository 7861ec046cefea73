/** The proxy to a node of the API server's own process. */
import { openTestServer, type TestServer } from '../test-server.ts';
import type { NodeRequest } from './own-node.ts';

let it: TestServer;
const asked: NodeRequest[] = [];

beforeAll(async () => {
  it = await openTestServer();
  const node = { metadata: { name: 'hollow-0' }, status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } } } };
  await it.doors.direct.call({ group: '', version: 'v1', resource: 'nodes', verb: 'create', body: node });
  it.server.statistics.provide('hollow-0', async () => ({}), async (request) => {
    asked.push(request);
    if (request.path === '/stats') return { code: 307, type: 'text/html', headers: { Location: '/stats/' }, body: 'moved' };
    return request.path.startsWith('/metrics') ? { code: 200, type: 'text/plain; version=0.0.4', headers: {}, body: 'up 1\n' } : { code: 404, type: 'text/plain', headers: {}, body: '404 page not found\n' };
  });
});
afterAll(() => it.close());

test.each([
  ['GET', '/api/v1/nodes/hollow-0/proxy/metrics/cadvisor?x=1', { code: 200, text: 'up 1\n' }, { method: 'GET', path: '/metrics/cadvisor?x=1' }],
  ['GET', '/api/v1/nodes/hollow-0:10250/proxy/metrics', { code: 200, text: 'up 1\n' }, { method: 'GET', path: '/metrics' }],
  ['GET', '/api/v1/nodes/hollow-0/proxy/nothing', { code: 404, text: '404 page not found\n' }, { method: 'GET', path: '/nothing' }],
  ['GET', '/api/v1/nodes/hollow-0/proxy/stats', { code: 307, location: '/api/v1/nodes/hollow-0/proxy/stats/' }, { method: 'GET', path: '/stats' }],
  ['POST', '/api/v1/nodes/hollow-0/proxy/run/a/b/c', { code: 404 }, { method: 'POST', path: '/run/a/b/c' }],
  ['GET', '/api/v1/nodes/hollow-0/proxy', { code: 301, location: '/api/v1/nodes/hollow-0/proxy/' }, undefined],
])('%s %s', async (method, path, expected, request) => {
  asked.length = 0;
  const answer = await it.http(method, path, {});
  expect({ code: answer.code, text: answer.bytes.toString(), location: answer.headers['location'] }).toMatchObject(expected);
  expect(asked).toMatchObject(request ? [request] : []);
});
