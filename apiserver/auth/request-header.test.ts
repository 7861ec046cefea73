/** Users named by a proxy: believed over its certificate only. */
import { request } from 'node:https';
import { openTestServer, testPki, type TestServer } from '../test-server.ts';
import { requestHeaderUser, REQUEST_HEADERS } from './request-header.ts';

let server: TestServer;
beforeAll(async () => (server = await openTestServer()));
afterAll(() => server.close());

async function whoAmI(certificate: { certPem: string; keyPem: string }, headers: Record<string, string | string[]>): Promise<{ code: number; user?: unknown }> {
  const pki = await testPki();
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: server.port, ca: pki.caPem, cert: certificate.certPem, key: certificate.keyPem, agent: false, method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', headers: { ...headers, 'Content-Type': 'application/json' } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve({ code: response.statusCode ?? 0, user: (JSON.parse(Buffer.concat(chunks).toString()) as { status?: { userInfo?: unknown } }).status?.userInfo }));
    });
    outgoing.on('error', reject);
    outgoing.end('{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}');
  });
}

const HEADERS = { 'X-Remote-User': 'jane', 'X-Remote-Uid': 'u1', 'X-Remote-Group': ['a', 'b'], 'X-Remote-Extra-x.io%2fy': ['1', '2'] };

test('over the certificate of the proxy its word counts', async () => {
  expect(await whoAmI((await testPki()).frontProxyClient, HEADERS)).toEqual({ code: 201, user: { username: 'jane', uid: 'u1', groups: ['a', 'b', 'system:authenticated'], extra: { 'x.io/y': ['1', '2'] } } });
});

test('without a user it is nobody: its authority vouches for no certificates of users', async () => {
  expect(await whoAmI((await testPki()).frontProxyClient, { 'X-Remote-Group': 'system:masters' })).toMatchObject({ code: 401 });
});

test('over any other certificate the headers say nothing', async () => {
  const admin = await (await testPki()).clientCertificate({ commonName: 'front-proxy-client', organizations: ['system:masters'] });
  expect(await whoAmI(admin, HEADERS)).toMatchObject({ code: 201, user: { username: 'front-proxy-client' } });
});

test('requestHeaderUser() takes the first header that names somebody, and every group', () => {
  const names = { ...REQUEST_HEADERS, usernameHeaders: ['X-First', 'X-Remote-User'], groupHeaders: ['X-Group', 'X-Remote-Group'] };
  expect(requestHeaderUser(['x-remote-user', 'b', 'X-FIRST', 'a', 'x-remote-group', '1', 'x-group', '2', 'x-remote-group', '3'], names)).toEqual({ name: 'a', groups: ['2', '1', '3'] });
  expect(requestHeaderUser(['x-remote-group', '1'], names)).toBeUndefined();
});
