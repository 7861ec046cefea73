/** The port of a component: who may look, what is shown, whom it believes. */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { issueAuthority, issueLeaf } from '../../apiserver/pki/issue.ts';
import { openTestServer, testPki, type TestServer } from '../../apiserver/test-server.ts';
import { systemClock, VirtualClock } from '../../std/clock.ts';
import { Meter } from '../../std/meter.ts';
import { systemRandom } from '../../std/random.ts';
import type { Connection } from '../../client/kubeconfig.ts';
import { callSeries, leadership } from './client-series.ts';
import type { DiagnosticsFlags } from './flags.ts';
import { type Diagnostics, startDiagnostics } from './server.ts';

let dir = '';
let api: TestServer;
let connection: Connection;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'coracle-diagnostics-'));
  api = await openTestServer();
  const pki = await testPki();
  const { certPem, keyPem } = await pki.clientCertificate({ commonName: 'system:kube-scheduler', organizations: [] });
  connection = { server: `https://127.0.0.1:${api.port}`, ca: pki.caPem, cert: certPem, key: keyPem };
});
afterAll(async () => {
  await api.close();
  rmSync(dir, { recursive: true });
});

const warnings: string[] = [];
const log = { info: () => undefined, warn: (_: object, message: string) => void warnings.push(message), error: () => undefined } as never;
const meter = new Meter();
meter.counter({ name: 'boats_total', help: 'Boats.' }).of().add(3);
let sick: string | undefined;

function start(flags: DiagnosticsFlags = {}, of: Partial<Parameters<typeof startDiagnostics>[0]> = {}): Promise<Diagnostics | undefined> {
  const checks = { healthz: [{ name: 'leaderElection' }], livez: [{ name: 'ping' }], readyz: [{ name: 'leaderElection' }, { name: 'sched-handler-sync', failing: () => sick }] };
  return startDiagnostics({ component: 'scheduler', flags: { securePort: 0, bindAddress: '127.0.0.1', ...flags }, connection, meter: new Meter(), checks: () => checks, clock: systemClock, random: systemRandom, log, ...of });
}

interface Asked {
  readonly cert?: string;
  readonly key?: string;
  readonly headers?: Record<string, string>;
}

function ask(port: number, path: string, { headers = {}, ...credentials }: Asked = {}): Promise<{ code: number; text: string; subject: string; type: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, headers, rejectUnauthorized: false, agent: false, ...credentials }, (response) => {
      const subject = String((response.socket as TLSSocket).getPeerCertificate().subject.CN);
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text, subject, type: response.headers['content-type'] ?? '' }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function on(flags: DiagnosticsFlags, run: (port: number) => Promise<void>, of: Partial<Parameters<typeof startDiagnostics>[0]> = {}): Promise<void> {
  const diagnostics = (await start({ ...flags, securePort: await freePort() }, of)) as Diagnostics;
  try {
    await run(diagnostics.port);
  } finally {
    await diagnostics.close();
  }
}

async function tokenOf(name: string): Promise<string> {
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });
  await api.http('POST', '/api/v1/namespaces/default/serviceaccounts', { headers: { 'content-type': 'application/json' }, body });
  const request = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
  const answer = await api.http('POST', `/api/v1/namespaces/default/serviceaccounts/${name}/token`, { headers: { 'content-type': 'application/json' }, body: request });
  return (answer.json().status as { token: string }).token;
}

test('nobody in particular sees health and nothing else', async () => {
  await on({}, async (port) => {
    expect(await ask(port, '/healthz')).toMatchObject({ code: 200, text: 'ok', type: 'text/plain; charset=utf-8' });
    expect((await ask(port, '/livez?verbose')).text).toBe('[+]ping ok\nlivez check passed\n');
    sick = 'handlers are not fully synchronized';
    expect(await ask(port, '/readyz')).toMatchObject({ code: 500, text: '[+]leaderElection ok\n[-]sched-handler-sync failed: reason withheld\nreadyz check failed\n' });
    sick = undefined;
    expect(await ask(port, '/readyz')).toMatchObject({ code: 200, text: 'ok' });
    for (const path of ['/metrics', '/healthz/leaderElection', '/', '/flagz']) {
      const { code, text } = await ask(port, path);
      expect([code, JSON.parse(text)]).toMatchObject([403, { kind: 'Status', reason: 'Forbidden', message: `forbidden: User "system:anonymous" cannot get path "${path}"` }]);
    }
  });
});

test('the API server says who somebody is and whether he may look', async () => {
  const pki = await testPki();
  const admin = await pki.clientCertificate({ commonName: 'root', organizations: ['system:masters'] });
  const fred = await pki.clientCertificate({ commonName: 'fred', organizations: [] });
  const monitoring = await pki.clientCertificate({ commonName: 'prometheus', organizations: ['system:monitoring'] });
  const token = await tokenOf('looker');
  const bearer = (text: string): Asked => ({ headers: { authorization: `Bearer ${text}` } });
  await on({}, async (port) => {
    const of = ({ certPem: cert, keyPem: key }: { certPem: string; keyPem: string }): Asked => ({ cert, key });
    const seen = await ask(port, '/metrics', of(admin));
    expect([seen.code, seen.type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores']);
    expect(seen.text).toContain('boats_total 3\n');
    expect(seen.text).toContain('process_resident_memory_bytes');
    expect((await ask(port, '/metrics', of(monitoring))).code).toBe(200);
    expect((await ask(port, '/metrics', of(fred))).text).toContain('User \\"fred\\" cannot get path \\"/metrics\\"');
    await ask(port, '/readyz');
    expect((await ask(port, '/metrics/slis', of(admin))).text).toContain('kubernetes_healthcheck{name="sched-handler-sync",type="readyz"} 1\n');
    expect((await ask(port, '/flagz', of(admin))).text).toContain('\nkube-scheduler flagz\n');
    expect((await ask(port, '/nothing', of(admin)))).toMatchObject({ code: 404, text: '404 page not found\n' });
    expect((await ask(port, '/metrics', bearer('nonsense'))).code).toBe(401);
    expect((await ask(port, '/healthz', bearer('nonsense'))).code).toBe(401);
    expect((await ask(port, '/metrics', bearer(token)))).toMatchObject({ code: 403, text: expect.stringContaining('User \\"system:serviceaccount:default:looker\\" cannot get path \\"/metrics\\"') as string });
    const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'looker' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:monitoring' }, subjects: [{ kind: 'ServiceAccount', name: 'looker2', namespace: 'default' }] };
    await api.http('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { headers: { 'content-type': 'application/json' }, body: JSON.stringify(binding) });
    expect((await ask(port, '/metrics', bearer(await tokenOf('looker2')))).code).toBe(200);
  }, { meter });
});

test('a certificate of somebody else\'s authority is nobody\'s, unless it is named; one of a proxy names its users', async () => {
  const validity = { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + 60_000) };
  const foreign = issueAuthority({ commonName: 'foreign', random: systemRandom, ...validity });
  const leaf = issueLeaf(foreign, { subject: { commonName: 'root', organizations: ['system:masters'] }, purposes: ['client'], random: systemRandom, ...validity });
  const server = issueLeaf(foreign, { subject: { commonName: 'root', organizations: ['system:masters'] }, purposes: ['server'], random: systemRandom, ...validity });
  const late = issueLeaf(foreign, { subject: { commonName: 'root', organizations: ['system:masters'] }, purposes: ['client'], random: systemRandom, ...validity, notAfter: new Date(Date.now() - 500) });
  const named = join(dir, 'ca.crt');
  writeFileSync(named, foreign.certPem);
  const of = ({ certPem: cert, keyPem: key }: { certPem: string; keyPem: string }, headers: Record<string, string> = {}): Asked => ({ cert, key, headers });
  await on({}, async (port) => expect((await ask(port, '/metrics', of(leaf))).code).toBe(401));
  await on({ clientCaFile: named }, async (port) => {
    expect((await ask(port, '/metrics', of(leaf))).code).toBe(200);
    expect((await ask(port, '/metrics', of(server))).code).toBe(401);
    expect((await ask(port, '/metrics', of(late))).code).toBe(401);
  });
  const proxy = issueLeaf(foreign, { subject: { commonName: 'proxy' }, purposes: ['client'], random: systemRandom, ...validity });
  await on({ requestheaderClientCaFile: named, requestheaderAllowedNames: ['proxy'] }, async (port) => {
    expect((await ask(port, '/metrics', of(proxy, { 'x-remote-user': 'anna', 'x-remote-group': 'system:masters' }))).code).toBe(200);
    expect((await ask(port, '/metrics', of(proxy, { 'x-remote-user': 'anna' }))).text).toContain('User \\"anna\\" cannot get');
    expect((await ask(port, '/metrics', of(proxy))).code).toBe(401);
    expect((await ask(port, '/metrics', of(leaf, { 'x-remote-user': 'anna', 'x-remote-group': 'system:masters' }))).code).toBe(401);
  });
});

test('what is always allowed, and what the certificate says, is told by flags; files are read again', async () => {
  const validity = { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + 60_000) };
  const authority = issueAuthority({ commonName: 'a', random: systemRandom, ...validity });
  const [tlsCertFile, tlsPrivateKeyFile] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
  const write = (commonName: string): void => {
    const { certPem, keyPem } = issueLeaf(authority, { subject: { commonName }, purposes: ['server'], random: systemRandom, ...validity });
    writeFileSync(tlsCertFile, certPem);
    writeFileSync(tlsPrivateKeyFile, keyPem);
  };
  write('first');
  await on({ tlsCertFile, tlsPrivateKeyFile, authorizationAlwaysAllowPaths: ['/met*'] }, async (port) => {
    expect(await ask(port, '/metrics')).toMatchObject({ code: 200, subject: 'first' });
    // Whoever may see health at the API server may see it here.
    expect((await ask(port, '/healthz')).code).toBe(200);
    write('second');
    utimesSync(tlsCertFile, 1, 1);
    await ask(port, '/metrics');
    expect(await ask(port, '/metrics')).toMatchObject({ subject: 'second' });
  });
  await expect(start({ securePort: await freePort(), tlsCertFile })).rejects.toThrow('--tls-cert-file and --tls-private-key-file go together');
});

test('a port that is taken is an error where it was asked for, and none at all is possible', async () => {
  expect(await start({ securePort: 0 })).toBeUndefined();
  await on({}, async (port) => {
    await expect(start({ securePort: port })).rejects.toThrow(`port ${port} is in use by another program`);
  });
});

test('calls and leadership are counted under the names that others know', async () => {
  const counted = new Meter();
  const clock = new VirtualClock();
  const call = callSeries(counted);
  call({ method: 'GET', host: 'h:1', code: '200', seconds: 0.3, sent: 0, received: 100 });
  call({ method: 'GET', host: 'h:1', code: '<error>', seconds: 0.3, sent: 0, received: 0 });
  const { observer, check } = leadership(counted, clock, 'kube-scheduler');
  expect(counted.text()).toContain('leader_election_master_status{name="kube-scheduler"} 0\n');
  observer.leads(true);
  observer.renewed();
  await clock.advance(35_000);
  expect(await check.failing?.()).toBeUndefined();
  await clock.advance(1);
  expect(await check.failing?.()).toBe('failed election to renew leadership on lease kube-scheduler');
  observer.leads(false);
  expect(await check.failing?.()).toBeUndefined();
  for (const line of ['rest_client_requests_total{code="200",host="h:1",method="GET"} 1', 'rest_client_requests_total{code="<error>",host="h:1",method="GET"} 1', 'rest_client_request_duration_seconds_bucket{host="h:1",verb="GET",le="0.5"} 2']) expect(counted.text()).toContain(`${line}\n`);
});
