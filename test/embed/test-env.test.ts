/** `coracle test-env`, and the programs that test suites of controller-runtime start in place of etcd and kube-apiserver. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configmaps, nodes, pods, serviceaccounts, services } from '../../api/resources.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import { openPki, type Pki } from '../../apiserver/pki/pki.ts';
import type { Client } from '../../client/client.ts';
import { openHttpDoor, type HttpDoor } from '../../client/http.ts';
import { readKubeconfig } from '../../client/kubeconfig.ts';
import { openClient } from '../../client/open-client.ts';
import { systemClock } from '../../std/clock.ts';
import { systemRandom } from '../../std/random.ts';
import { until } from '../harness/until.ts';

const CLI = join(import.meta.dirname, '../../cli/coracle.ts');
const ASSETS = join(import.meta.dirname, '../../cli/assets');

let directory: string;
const children: ChildProcess[] = [];
const doors: HttpDoor[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coracle-env-'));
});
afterEach(async () => {
  await Promise.all(doors.splice(0).map((door) => door.close()));
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
});

function start(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until('a line', () => output.includes('\n') || child.exitCode !== null, 30_000);
  return output.split('\n')[0] as string;
}

function connect(connection: Omit<Parameters<typeof openHttpDoor>[0], 'clock'>): Client {
  const door = openHttpDoor({ ...connection, clock: systemClock });
  doors.push(door);
  return openClient(door, { userAgent: 'test' });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('test-env says where its kubeconfig is, works, and ends when its parent closes the pipe', async () => {
  const child = start(process.execPath, [CLI, 'test-env', '--nodes', '2']);
  const file = await firstLine(child);
  const client = connect(await readKubeconfig(file));
  expect((await client.list(nodes)).items.map(({ metadata }) => metadata.name)).toEqual(['node-0', 'node-1']);
  await client.create(pods, { metadata: { namespace: 'default', name: 'one' }, spec: { containers: [{ name: 'c', image: 'c' }] } } as Pod);
  await until('the pod runs', async () => (await client.get(pods, { namespace: 'default', name: 'one' })).status?.phase === 'Running', 10_000);
  child.stdin?.end();
  await once(child, 'exit');
  expect([child.exitCode, existsSync(file)]).toEqual([0, false]);
}, 60_000);

/** As envtest starts them: etcd first, then kube-apiserver with certificates of the suite's own. */
class Envtest {
  readonly pki: Pki;
  readonly #etcd: string;
  readonly #port: number;
  readonly #dir = directory;

  constructor(pki: Pki, ports: readonly [number, number]) {
    this.pki = pki;
    this.#etcd = `http://127.0.0.1:${ports[0]}`;
    this.#port = ports[1];
    writeFileSync(join(this.#dir, 'client-ca.crt'), pki.caPem);
    writeFileSync(join(this.#dir, 'apiserver.crt'), pki.serving.certPem);
    writeFileSync(join(this.#dir, 'apiserver.key'), pki.serving.keyPem);
    writeFileSync(join(this.#dir, 'sa-signer.key'), pki.serving.keyPem);
    writeFileSync(join(this.#dir, 'sa-signer.crt'), pki.serving.certPem);
    start(join(ASSETS, 'etcd'), [`--advertise-client-urls=${this.#etcd}`, `--data-dir=${this.#dir}`, `--listen-client-urls=${this.#etcd}`, '--listen-peer-urls=http://127.0.0.1:1', '--unsafe-no-fsync=true']);
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  async up(): Promise<ChildProcess> {
    await until('etcd is well', () => fetch(`${this.#etcd}/health`).then(({ ok }) => ok, () => false), 10_000);
    const child = start(join(ASSETS, 'kube-apiserver'), [
      '--allow-privileged=true', '--authorization-mode=RBAC', '--bind-address=127.0.0.1', `--cert-dir=${this.#dir}`, `--client-ca-file=${join(this.#dir, 'client-ca.crt')}`,
      '--disable-admission-plugins=ServiceAccount', `--etcd-servers=${this.#etcd}`, `--secure-port=${this.#port}`, `--service-account-issuer=${this.url}/`,
      `--service-account-key-file=${join(this.#dir, 'sa-signer.crt')}`, `--service-account-signing-key-file=${join(this.#dir, 'sa-signer.key')}`, '--service-cluster-ip-range=10.0.0.0/24',
    ]);
    const anyone = openHttpDoor({ server: this.url, insecureSkipTlsVerify: true, clock: systemClock });
    doors.push(anyone);
    const client = openClient(anyone, { userAgent: 'test' });
    await until('the API server answers', () => client.list(nodes).then(() => true, ({ code }: { code?: number }) => code === 403), 20_000);
    return child;
  }

  async client(name: string, groups: readonly string[]): Promise<Client> {
    const { certPem, keyPem } = await this.pki.clientCertificate({ commonName: name, organizations: groups });
    return connect({ server: this.url, ca: this.pki.caPem, cert: certPem, key: keyPem });
  }
}

test('kube-apiserver takes the certificates, keys and flags of a suite, and keeps its objects beside the etcd of this name', async () => {
  const pki = await openPki({ directory: undefined, clock: systemClock, random: systemRandom, addresses: ['127.0.0.1'], tokenKey: 'ec' });
  pki.close();
  const env = new Envtest(pki, [await freePort(), await freePort()]);
  const first = await env.up();
  const admin = await env.client('admin', ['system:masters']);
  const somebody = await env.client('somebody', []);
  await expect(somebody.list(pods)).rejects.toMatchObject({ reason: 'Forbidden' });
  // No controller makes ServiceAccounts here, and none is asked for.
  const pod = await admin.create(pods, { metadata: { namespace: 'default', name: 'one' }, spec: { containers: [{ name: 'c', image: 'c' }] } } as Pod);
  expect(pod.spec.serviceAccountName).toBeUndefined();
  expect((await admin.get(services, { namespace: 'default', name: 'kubernetes' })).spec?.clusterIP).toBe('10.0.0.1');
  await admin.create(serviceaccounts, { metadata: { namespace: 'default', name: 'robot' } });
  const { status } = await admin.post<unknown, { status: { token: string } }>(serviceaccounts, { namespace: 'default', name: 'robot' }, 'token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
  expect(JSON.parse(Buffer.from(status.token.split('.')[1] as string, 'base64url').toString())).toMatchObject({ iss: `${env.url}/` });
  await expect(connect({ server: env.url, ca: pki.caPem, token: status.token }).list(configmaps)).rejects.toThrow('User "system:serviceaccount:default:robot" cannot list');
  first.kill('SIGTERM');
  await once(first, 'exit');
  expect(first.exitCode).toBe(0);
  await env.up();
  expect((await admin.get(pods, { namespace: 'default', name: 'one' })).metadata.uid).toBe(pod.metadata.uid);
}, 90_000);

test('flags that are not there are refused by name, and envtest is told which ones are', () => {
  const run = (...args: string[]): { code: number | null; output: string } => {
    const { status, stdout, stderr } = spawnSync(join(ASSETS, 'kube-apiserver'), args, { encoding: 'utf8' });
    return { code: status, output: stdout + stderr };
  };
  expect(run('--egress-selector-config-file=x')).toEqual({ code: 1, output: expect.stringContaining('unknown flag: --egress-selector-config-file') });
  const help = run('--help');
  expect([help.code, /^\s*--insecure-port\b/m.test(help.output), /^\s*--secure-port\b/m.test(help.output)]).toEqual([0, false, true]);
  expect(readFileSync(join(ASSETS, 'etcd.help'), 'utf8')).toMatch(/^\s*--unsafe-no-fsync\b/m);
});
