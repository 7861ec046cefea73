import { X509Certificate, createPublicKey } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { VirtualClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import type { Pki } from './pki.ts';
import { openPki } from './pki.ts';

const DAY = 24 * 3600 * 1000;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pki-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function open(clock = new VirtualClock(), more: { addresses?: string[]; directory?: string | undefined } = {}): Promise<Pki> {
  return openPki({ directory, clock, random: seededRandom(1), addresses: ['node-1', '192.0.2.7'], ...more });
}

test('the serving certificate has every name of the API server and comes from the authority', async () => {
  const pki = await open();
  const certificate = new X509Certificate(pki.serving.certPem);
  const expected = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost', 'node-1'];
  expect(expected.filter((name) => !certificate.checkHost(name))).toEqual([]);
  expect(['127.0.0.1', '::1', '10.96.0.1', '192.0.2.7'].filter((address) => !certificate.checkIP(address))).toEqual([]);
  expect(certificate.checkIssued(new X509Certificate(pki.caPem))).toBe(true);
  expect(new X509Certificate(pki.frontProxyClient.certPem).checkIssued(new X509Certificate(pki.frontProxyCaPem))).toBe(true);
  pki.close();
});

test('TLS accepts a client certificate and shows its name and groups; one of the front proxy authority and one for serving are refused', async () => {
  const pki = await open(new VirtualClock(Date.now()));
  const admin = await pki.clientCertificate({ commonName: 'kubernetes-admin', organizations: ['system:masters', 'a, b'] });
  const server = createServer({ key: pki.serving.keyPem, cert: pki.serving.certPem, ca: pki.caPem, requestCert: true, rejectUnauthorized: false }, (socket) => {
    socket.end(JSON.stringify({ authorized: socket.authorized, subject: socket.getPeerCertificate().subject }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ask = (pair: { certPem: string; keyPem: string }): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, servername: 'localhost', ca: pki.caPem, cert: pair.certPem, key: pair.keyPem });
      let text = '';
      socket.on('data', (data) => (text += String(data)));
      socket.on('end', () => resolve(JSON.parse(text)));
      socket.on('error', reject);
    });
  expect(await ask(admin)).toEqual({ authorized: true, subject: { O: ['system:masters', 'a, b'], CN: 'kubernetes-admin' } });
  expect(await ask(pki.frontProxyClient)).toMatchObject({ authorized: false });
  expect(await ask(await pki.servingCertificate({ names: ['node-1'], ips: [], commonName: 'system:node:node-1', organizations: ['system:masters'] }))).toMatchObject({ authorized: false });
  await new Promise((resolve) => server.close(resolve));
  pki.close();
});

test('a second start loads what the first one made; files are private', async () => {
  const first = await open();
  const admin = await first.clientCertificate({ commonName: 'a', organizations: ['b'] });
  first.close();
  const before = Object.fromEntries(readdirSync(directory).map((file) => [file, readFileSync(join(directory, file), 'utf8')]));
  const second = await open();
  expect(await second.clientCertificate({ commonName: 'a', organizations: ['b'] })).toEqual(admin);
  expect(Object.fromEntries(readdirSync(directory).map((file) => [file, readFileSync(join(directory, file), 'utf8')]))).toEqual(before);
  expect(second.serviceAccountKey).toEqual(first.serviceAccountKey);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(readdirSync(directory).filter((file) => (statSync(join(directory, file)).mode & 0o777) !== 0o600)).toEqual([]);
  second.close();
});

test('a new address needs a new serving certificate, other subjects get other certificates', async () => {
  const first = await open();
  const second = await open(undefined, { addresses: ['192.0.2.8'] });
  expect(second.serving.certPem).not.toBe(first.serving.certPem);
  expect(new X509Certificate(second.serving.certPem).checkIP('192.0.2.8')).toBeDefined();
  expect(second.caPem).toBe(first.caPem);
  const subjects = [['a', 'b'], ['a', 'c'], ['a:b', ''], ['a/b', '']].map(([commonName = '', group = '']) => ({ commonName, organizations: group ? [group] : [] }));
  const made = await Promise.all(subjects.map((subject) => second.clientCertificate(subject)));
  expect(new Set(made.map((pair) => pair.certPem)).size).toBe(subjects.length);
  first.close();
  second.close();
});

test('certificates are renewed when a third of their time is left, while the server runs', async () => {
  const clock = new VirtualClock();
  const pki = await open(clock);
  const old = pki.serving;
  const seen: string[] = [];
  pki.onRenewed(() => seen.push(pki.serving.certPem));
  await clock.advance(200 * DAY);
  expect(seen).toEqual([]);
  await clock.advance(60 * DAY);
  // The check runs in its own time: issuing is real asynchronous work.
  await pki.renew();
  expect(pki.serving.certPem).not.toBe(old.certPem);
  expect(new Set(seen)).toEqual(new Set([pki.serving.certPem]));
  pki.close();
});

test('a leaf whose key is lost is issued anew; a damaged authority is an error and is not replaced', async () => {
  (await open()).close();
  writeFileSync(join(directory, 'apiserver.key'), 'torn');
  const again = await open();
  expect(new X509Certificate(again.serving.certPem).publicKey).toBeDefined();
  again.close();
  const ca = readFileSync(join(directory, 'ca.crt'), 'utf8');
  writeFileSync(join(directory, 'ca.key'), 'torn');
  await expect(open()).rejects.toThrow('ca.crt and ca.key are damaged or do not belong together');
  expect(readFileSync(join(directory, 'ca.crt'), 'utf8')).toBe(ca);
});

test.each(['rsa', 'ec'] as const)('the key of tokens can be %s', async (tokenKey) => {
  const pki = await openPki({ directory: undefined, clock: new VirtualClock(), random: seededRandom(1), addresses: [], tokenKey });
  expect(createPublicKey(pki.serviceAccountKey.publicPem).asymmetricKeyType).toBe(tokenKey);
  pki.close();
});

test('without a directory nothing touches the disk', async () => {
  const pki = await open(undefined, { directory: undefined });
  await pki.clientCertificate({ commonName: 'a', organizations: [] });
  expect(existsSync(directory) && readdirSync(directory)).toEqual([]);
  pki.close();
});
