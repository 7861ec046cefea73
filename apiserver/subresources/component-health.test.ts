import { createServer, type Server } from 'node:https';
import { createServer as createPlain, type AddressInfo } from 'node:net';
import { openTestServer, testPki } from '../test-server.ts';
import { probe } from './component-health.ts';

let server: Server;
let port: number;
beforeAll(async () => {
  const { serving } = await testPki();
  server = createServer({ cert: serving.certPem, key: serving.keyPem }, (request, response) => {
    response.statusCode = request.url === '/healthz' ? code : 404;
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => void server.close());
let code = 200;

test.each([
  [200, { status: 'True', message: 'ok', error: '' }],
  [500, { status: 'False', message: 'HTTP probe failed with statuscode: 500', error: '' }],
])('a component that answers %d', async (answered, expected) => {
  code = answered;
  expect(await probe('scheduler', 0, port)).toEqual(expected);
});

test('a component that nobody has started', async () => {
  const free = createPlain();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  const { port: gone } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const where = `127.0.0.1:${gone}`;
  expect(await probe('controller-manager', 0, gone)).toEqual({ status: 'False', message: `Get "https://${where}/healthz": dial tcp ${where}: connect: connection refused`, error: '' });
});

test('componentstatuses lists the store and those that run beside it', async () => {
  const it = await openTestServer();
  const read = async (path: string): Promise<unknown> => (await it.http('GET', `/api/v1/componentstatuses${path}`)).json();
  const healthy = (name: string): object => ({ metadata: { name }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] });
  expect(await read('')).toMatchObject({ items: ['scheduler', 'controller-manager', 'etcd-0'].map(healthy) });
  expect(await read('?fieldSelector=metadata.name%3Dscheduler')).toMatchObject({ items: [healthy('scheduler')] });
  expect(await read('/scheduler')).toMatchObject(healthy('scheduler'));
  expect(await read('?resourceVersionMatch=Exact')).toMatchObject({ code: 422 });
  await it.close();
});
