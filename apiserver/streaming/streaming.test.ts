import { createServer, type Server } from 'node:https';
import { connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { deepCopy } from '../../std/deep.ts';
import { openTestServer, testPki, type TestServer } from '../test-server.ts';

/** A kubelet that answers with what it was asked, and after an upgrade says back what it hears. */
let kubelet: Server;
let it: TestServer;
const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' } as const;

beforeAll(async () => {
  const pki = await testPki();
  const { certPem, keyPem } = await pki.servingCertificate({ names: ['node-1'], ips: [] });
  kubelet = createServer({ cert: certPem, key: keyPem, ca: pki.caPem, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    if (request.url?.includes('previous=true')) response.writeHead(400).end('previous terminated container "c" in pod "p" not found');
    else if (request.url === '/page') response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': '13', 'Access-Control-Allow-Origin': '*' }).end('<a href="/x">');
    else if (request.url === '/away') response.writeHead(302, { Location: '/there' }).end();
    else if (request.url === '/headers') response.end(JSON.stringify(request.headers));
    else if (request.url === '/gone') request.socket.destroy();
    else response.end(`${request.method} ${request.url}`);
  });
  kubelet.on('upgrade', (request, socket) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\nX-Path: ${request.url}\r\n\r\n`);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  it = await openTestServer();
  const { direct } = it.doors;
  const node = { metadata: { name: 'node-1' }, status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } } } };
  await direct.call({ group: '', version: 'v1', resource: 'nodes', verb: 'create', body: node });
  await direct.call({ group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'default', verb: 'create', body: { metadata: { name: 'default' } } });
  const pod = { metadata: { name: 'p' }, spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i' }, { name: 'd', image: 'i' }] } };
  await direct.call({ ...pods, verb: 'create', body: pod });
  const waiting = deepCopy(pod) as { metadata: object; spec: { nodeName?: string } };
  delete waiting.spec.nodeName;
  await direct.call({ ...pods, verb: 'create', body: { ...waiting, metadata: { name: 'waiting' } } });
});
afterAll(async () => {
  await it.close();
  kubelet.closeAllConnections();
  await new Promise((resolve) => kubelet.close(resolve));
});

/** Asks to leave HTTP, and returns what the server says until it has said so much. */
async function upgrade(path: string, send: string, until: string): Promise<string> {
  const pki = await testPki();
  const { certPem, keyPem } = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  const socket = connect({ host: '127.0.0.1', port: it.port, ca: pki.caPem, cert: certPem, key: keyPem });
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n`);
  let text = '';
  let sent = false;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (!sent && text.includes('\r\n\r\n')) {
      sent = true;
      socket.write(send);
    }
    if (text.includes(until)) break;
  }
  socket.destroy();
  return text;
}

test.each([
  ['/log?container=c&follow=true&tailLines=5&nosuch=1', 200, 'GET /containerLogs/default/p/c?follow=true&tailLines=5'],
  ['/log?container=c&previous=true', 400, 'previous terminated container'],
  ['/log', 400, 'a container name must be specified for pod p, choose one of: [c d]'],
  ['/log?container=z', 400, 'container z is not valid for pod p'],
  ['/log?container=c&limitBytes=0', 422, 'must be greater than 0'],
  ['/log?container=c&stream=All', 422, 'stream: Forbidden: may not be specified'],
  ['/log?container=c&sinceTime=2020', 400, 'parsing time \\"2020\\" as \\"2006-01-02T15:04:05Z07:00\\"'],
  ['/log?container=c&tailLines=-1&limitBytes=-1&sinceSeconds=0', 422, '[tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid value: -1: must be greater than 0, sinceSeconds: Invalid value: 0: must be greater than 0]'],
  ['/portforward?ports=80,x', 400, 'cannot convert to []int32: strconv.ParseUint: parsing \\"x\\": invalid syntax'],
  ['/portforward?ports=65536', 400, 'cannot convert to []int32: strconv.ParseUint: parsing \\"65536\\": value out of range'],
  ['?export=true', 400, 'the export parameter, deprecated since v1.14, is no longer supported'],
  ['/exec?container=c&command=ls', 400, 'Upgrade request required'],
])('pods/p%s: %i', async (path, code, text) => {
  const answer = await it.http('GET', `/api/v1/namespaces/default/pods/p${path}`);
  expect(answer.code).toBe(code);
  expect(answer.bytes.toString()).toContain(text);
});

test('the log of a pod without a node is empty, and exec in it is refused', async () => {
  expect((await it.http('GET', '/api/v1/namespaces/default/pods/waiting/log?container=c')).code).toBe(204);
  expect((await it.http('POST', '/api/v1/namespaces/default/pods/waiting/exec?container=c&command=ls')).json()).toMatchObject({ code: 400, message: 'pod waiting does not have a host assigned' });
});

test.each([
  ['exec', '?container=c&command=ls&command=-l&stdin=true&stdout=true&tty=false', '/exec/default/p/c?input=1&output=1&command=ls&command=-l'],
  ['attach', '?container=d&stdout=true', '/attach/default/p/d?output=1'],
  ['portforward', '?ports=80', '/portForward/default/p?port=80'],
])('%s joins the two connections', async (verb, query, path) => {
  const said = await upgrade(`/api/v1/namespaces/default/pods/p/${verb}${query}`, 'hello there', 'hello there');
  expect(said).toContain('HTTP/1.1 101 Switching Protocols');
  expect(said).toContain(`X-Path: ${path}\r\n`);
  expect(said.endsWith('hello there')).toBe(true);
});

test('an upgrade that is refused gets a Status', async () => {
  const said = await upgrade('/api/v1/namespaces/default/pods/missing/exec?command=ls', '', '"code":404');
  expect(said).toContain('HTTP/1.1 404 Not Found');
});

test('a GET takes the right to create, whether or not there is such a pod', async () => {
  const { direct } = it.doors;
  const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const;
  await direct.call({ ...rbac, resource: 'clusterroles', verb: 'create', body: { metadata: { name: 'looks' }, rules: [{ apiGroups: [''], resources: ['pods/exec'], verbs: ['get'] }] } });
  await direct.call({ ...rbac, resource: 'clusterrolebindings', verb: 'create', body: { metadata: { name: 'looks' }, roleRef: { apiGroup: rbac.group, kind: 'ClusterRole', name: 'looks' }, subjects: [{ apiGroup: rbac.group, kind: 'User', name: 'reader' }] } });
  const answer = await it.http('GET', '/api/v1/namespaces/default/pods/missing/exec?command=ls', { headers: { 'Impersonate-User': 'reader' } });
  expect(answer.bytes.toString()).toBe('{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods \\"missing\\" is forbidden: ","reason":"Forbidden","details":{"name":"missing","kind":"pods"},"code":403}\n');
});

const PROXY = '/api/v1/nodes/node-1/proxy';

test.each([
  ['GET', '/a%2Fb//c/?x=1&y=2;3', 200, 'GET /a/b/c/?x=1&y=2;3'],
  ['PUT', '', 200, 'PUT /'],
  ['GET', '/page', 200, `<a href="${PROXY}/x">`],
  ['GET', '/gone', 503, '"message":"error trying to reach service: EOF"'],
])('a proxied %s of %j gets what stands behind, as it looks from outside', async (method, path, code, text) => {
  const answer = await it.http(method, `${PROXY}${path}`);
  expect(answer.bytes.toString()).toContain(text);
  expect([answer.code, answer.headers['access-control-allow-origin'], answer.headers['content-length'] === '13']).toEqual([code, undefined, false]);
});

test.each(['GET', 'HEAD'])('a %s of the proxy itself is led to its root, other redirects below it', async (method) => {
  const seen = async (path: string) => {
    const { code, headers } = await it.http(method, `${PROXY}${path}`);
    return [code, headers['location']];
  };
  expect(await seen('?a=1')).toEqual([301, `${PROXY}/?a=1`]);
  expect(await seen('/away')).toEqual([302, `${PROXY}/there`]);
});

test('who asked is told in headers, and no client can say that it is somebody else', async () => {
  const headers = { 'X-Forwarded-For': '192.0.2.1', 'X-Remote-User': 'root', Authorization: 'Bearer x', Host: 'localhost:99', Accept: 'text/csv' };
  const answer = await it.http('GET', `${PROXY}/headers`, { headers });
  const told = answer.json() as Record<string, string>;
  expect(told).toMatchObject({ 'x-forwarded-for': '192.0.2.1, 127.0.0.1', 'x-forwarded-uri': `${PROXY}/headers`, host: 'localhost:99', accept: 'text/csv' });
  expect([told['x-remote-user'], told['authorization']]).toEqual([undefined, undefined]);
});

describe('nothing but pods is called', () => {
  beforeAll(async () => {
    const { direct } = it.doors;
    await direct.call({ ...pods, verb: 'create', body: { metadata: { name: 'here' }, spec: { containers: [{ name: 'c', image: 'i' }] } } });
    await it.http('PATCH', '/api/v1/namespaces/default/pods/here/status', { headers: { 'Content-Type': 'application/merge-patch+json' }, body: '{"status":{"podIP":"127.0.0.1"}}' });
    await direct.call({ ...pods, resource: 'services', verb: 'create', body: { metadata: { name: 'hand' }, spec: { ports: [{ port: 80 }] } } });
    await direct.call({ ...pods, resource: 'endpoints', verb: 'create', body: { metadata: { name: 'hand' }, subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }] } });
  });

  test.each([
    ['pods/here', 'address not allowed'],
    ['pods/ftp:here:80', 'invalid pod request \\"ftp:here:80\\"'],
    ['services/hand:80', 'no endpoints available for service \\"hand:80\\"'],
    ['services/hand:81', 'no service port 81 found for service \\"hand\\"'],
    ['services/none', 'services \\"none\\" not found'],
  ])('%s', async (target, text) => {
    expect((await it.http('GET', `/api/v1/namespaces/default/${target}/proxy/`)).bytes.toString()).toContain(text);
  });
});
