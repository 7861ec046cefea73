import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { openTestServer, testPki, type TestServer } from '../test-server.ts';
import { clientFrame, HANDSHAKE, openRaw } from '../test-websocket.ts';

const LOG = '/api/v1/namespaces/default/pods/p/log';
const FAREWELL = '8 03e8';
/** More than one message of what a kubelet sends at once. */
const LONG = Buffer.from('0123456789'.repeat(500));

let kubelet: Server;
let it: TestServer;
/** Of the log that is followed. */
let followed: ServerResponse | undefined;

beforeAll(async () => {
  const pki = await testPki();
  const { certPem, keyPem } = await pki.servingCertificate({ names: ['node-1'], ips: [] });
  kubelet = createServer({ cert: certPem, key: keyPem }, ({ url = '' }, response) => {
    if (url.includes('previous')) response.writeHead(400).end('no such container before');
    else if (url.includes('follow')) (followed = response).write('first\n');
    else if (url.includes('tailLines=1')) response.write('half', () => response.destroy());
    else response.end(LONG);
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  it = await openTestServer();
  const create = (resource: string, body: object): Promise<unknown> => it.doors.direct.call({ group: '', version: 'v1', resource, ...(resource !== 'nodes' && { namespace: 'default' }), verb: 'create', body: body as never });
  await create('nodes', { metadata: { name: 'node-1' }, status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } } } });
  await create('serviceaccounts', { metadata: { name: 'default' } });
  await create('pods', { metadata: { name: 'p' }, spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i' }] } });
  await create('pods', { metadata: { name: 'waiting' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
});
afterAll(async () => {
  await it.close();
  kubelet.closeAllConnections();
  await new Promise((resolve) => kubelet.close(resolve));
});

const open = (path: string, protocol?: string) => openRaw(it.port, path, { headers: { ...HANDSHAKE, Origin: undefined, 'Sec-WebSocket-Protocol': protocol } });

test.each<[string | undefined, string, 1 | 2]>([
  [undefined, '', 2],
  ['binary.k8s.io', 'binary.k8s.io', 2],
  ['other, base64.binary.k8s.io, binary.k8s.io', 'base64.binary.k8s.io', 1],
])('a log with the protocol %s: all of it, in messages after an empty one, from no page', async (offered, spoken, opcode) => {
  const client = await open(LOG, offered);
  expect((await client.head()).split('\r\n').slice(4)).toEqual(spoken === '' ? [] : [`Sec-WebSocket-Protocol: ${spoken}`]);
  const messages: Buffer[] = [];
  let last = await client.next();
  for (; last && last.opcode !== 8; last = await client.next()) {
    expect(last.opcode).toBe(opcode);
    messages.push(opcode === 1 ? Buffer.from(last.data.toString(), 'base64') : last.data);
  }
  expect([messages[0]?.length, messages.slice(1).every(({ length }) => length > 0 && length <= 2048)]).toEqual([0, true]);
  expect(Buffer.concat(messages).equals(LONG)).toBe(true);
  expect(last?.data.readUInt16BE(0)).toBe(1000);
});

test('a protocol that logs do not speak is refused without a word', async () => {
  const client = await open(LOG, 'v4.channel.k8s.io');
  expect([await client.head(), await client.body()]).toEqual(['HTTP/1.1 403 Forbidden', '']);
});

test.each([
  [`${LOG}?previous=true`, 400, 'no such container before'],
  [`${LOG}?limitBytes=0`, 422, 'must be greater than 0'],
  ['/api/v1/namespaces/default/pods/none/log', 404, 'not found'],
  ['/api/v1/namespaces/default/pods/waiting/log', 204, ''],
])('%s is answered in HTTP: %i', async (path, code, text) => {
  const client = await open(path);
  expect(await client.head()).toContain(`HTTP/1.1 ${code} `);
  expect(await client.body()).toContain(text);
});

test('a log that is followed goes on with pings between, until the client has enough; then the kubelet is let go', async () => {
  const client = await open(`${LOG}?follow=true`);
  expect([(await client.next())?.data.length, (await client.next())?.data.toString()]).toEqual([0, 'first\n']);
  followed?.write('second\n');
  expect((await client.next())?.data.toString()).toBe('second\n');
  client.say(clientFrame(9, 'hi'));
  expect((await client.next())?.data.toString()).toBe('hi');
  const gone = new Promise((resolve) => followed?.once('close', resolve));
  client.say(clientFrame(8));
  expect(await client.rest()).toEqual([FAREWELL]);
  await gone;
  while (!it.server.meter.text().includes('apiserver_longrunning_requests{verb="CONNECT",group="",version="v1",resource="pods",subresource="log",scope="resource",component="apiserver"} 0')) await new Promise((resolve) => setImmediate(resolve));
});

test('a log that breaks off ends like any other', async () => {
  const client = await open(`${LOG}?tailLines=1`);
  expect(await client.rest()).toEqual(['2 ', `2 ${Buffer.from('half').toString('hex')}`, FAREWELL]);
});
