/** A resumed TLS connection shows the same certificate, of the same authority. */
import { Agent, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { openTestServer, testPki } from '../test-server.ts';

test.each(['client', 'proxy'])('a certificate of the %s authority counts over a resumed connection', async (kind) => {
  const server = await openTestServer();
  const pki = await testPki();
  const { certPem, keyPem } = kind === 'client' ? await pki.clientCertificate({ commonName: 'jane', organizations: [] }) : pki.frontProxyClient;
  const agent = new Agent({ keepAlive: false, maxCachedSessions: 10, ca: pki.caPem, cert: certPem, key: keyPem });
  const ask = (): Promise<{ reused: boolean; user: unknown }> => new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: server.port, agent, method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', headers: { 'Content-Type': 'application/json', 'X-Remote-User': 'bob' } }, (response) => {
      const reused = (response.socket as TLSSocket).isSessionReused();
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve({ reused, user: (JSON.parse(Buffer.concat(chunks).toString()) as { status?: { userInfo?: { username?: string } } }).status?.userInfo?.username }));
    });
    outgoing.on('error', reject);
    outgoing.end('{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}');
  });
  const answers = [await ask(), await ask(), await ask()];
  expect(answers.map(({ user }) => user)).toEqual(Array(3).fill(kind === 'client' ? 'jane' : 'bob'));
  expect(answers.map(({ reused }) => reused)).toContain(true);
  await server.close();
});
