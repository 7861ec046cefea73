/** Requests answered by several threads of one process: they share a store, and to clients they are one server. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'node:https';
import { load } from 'js-yaml';
import { until } from './harness/until.ts';

const CLI = join(import.meta.dirname, '../cli/coracle.ts');
/** So many connections that each thread has some. */
const CONNECTIONS = 24;

interface Answer {
  readonly code: number;
  readonly text: string;
}

describe('two threads beside the first', () => {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-threads-'));
  const auditLog = join(directory, 'audit.log');
  let server: ChildProcess;
  let output = '';
  let send: (method: string, path: string, body?: object) => Promise<Answer>;
  /** Requests over so many connections at the same time. */
  const everywhere = (method: string, path: string, body?: (at: number) => object): Promise<Answer[]> => Promise.all(Array.from({ length: CONNECTIONS }, (_, at) => send(method, path, body?.(at))));

  beforeAll(async () => {
    writeFileSync(join(directory, 'policy.yaml'), 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata, verbs: [create], namespaces: [default], resources: [{group: "", resources: [configmaps]}]}, {level: None}]\n');
    const kubeconfig = join(directory, 'kubeconfig');
    server = spawn(process.execPath, [CLI, 'up', '--data-dir', join(directory, 'data'), '--kubeconfig', kubeconfig, '--port', '0', '--bind-address', '127.0.0.1', '--runtime', 'hollow', '--server-threads', '2',
      '--audit-policy-file', join(directory, 'policy.yaml'), '--audit-log-path', auditLog], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await until('the API is ready', () => existsSync(kubeconfig), 60_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${output}`);
    });
    const config = load(readFileSync(kubeconfig, 'utf8')) as { clusters: { cluster: Record<string, string> }[]; users: { user: Record<string, string> }[] };
    const { cluster } = config.clusters[0] as (typeof config.clusters)[0];
    const { user } = config.users[0] as (typeof config.users)[0];
    const decode = (text = ''): string => Buffer.from(text, 'base64').toString();
    const agent = new Agent({ keepAlive: false, ca: decode(cluster['certificate-authority-data']), cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) });
    send = async (method, path, body) => {
      const asked = request(new URL(path, cluster.server), { agent, method, headers: { 'content-type': 'application/json' } });
      asked.end(body && JSON.stringify(body));
      const [answer] = await once(asked, 'response');
      let text = '';
      for await (const chunk of answer) text += String(chunk);
      return { code: answer.statusCode, text };
    };
  }, 90_000);

  afterAll(async () => {
    if (server.exitCode === null) {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  });

  const configmap = (name: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });

  test('what one has acknowledged all of them show at once', async () => {
    for (const name of ['a', 'b', 'c']) {
      expect((await send('POST', '/api/v1/namespaces/default/configmaps', configmap(name))).code).toBe(201);
      expect(new Set((await everywhere('GET', `/api/v1/namespaces/default/configmaps/${name}`)).map(({ code }) => code))).toEqual(new Set([200]));
    }
  }, 60_000);

  test('of many who create the same object one succeeds, and no address is given out twice', async () => {
    const codes = (await everywhere('POST', '/api/v1/namespaces/default/configmaps', () => configmap('one'))).map(({ code }) => code);
    expect(codes.filter((code) => code === 201)).toHaveLength(1);
    expect(codes.filter((code) => code === 409)).toHaveLength(CONNECTIONS - 1);
    const made = await everywhere('POST', '/api/v1/namespaces/default/services', (at) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: `s${at}` }, spec: { ports: [{ port: 80 }] } }));
    const addresses = made.map(({ text }) => (JSON.parse(text) as { spec: { clusterIP: string } }).spec.clusterIP);
    expect(new Set(addresses).size).toBe(CONNECTIONS);
  }, 60_000);

  test('a new kind is served by all of them', async () => {
    const group = 'threads.example.com';
    const schema = { openAPIV3Schema: { type: 'object' } };
    await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { metadata: { name: `looms.${group}` }, spec: { group, scope: 'Cluster', names: { plural: 'looms', singular: 'loom', kind: 'Loom' }, versions: [{ name: 'v1', served: true, storage: true, schema }] } });
    await until('all of them serve it', async () => (await everywhere('GET', `/apis/${group}/v1/looms`)).every(({ code }) => code === 200));
  }, 60_000);

  test('counts and audit records are those of all threads', async () => {
    const counted = async (): Promise<number> => Number(/^apiserver_request_total\{verb="GET",[^}]*resource="secrets",[^}]*code="404"\} (\d+)$/m.exec((await send('GET', '/metrics')).text)?.[1] ?? 0);
    await everywhere('GET', '/api/v1/namespaces/default/secrets/none');
    expect(new Set([await counted(), await counted(), await counted(), await counted()])).toEqual(new Set([CONNECTIONS]));
    const records = (): string[] => readFileSync(auditLog, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { auditID: string; user: { groups: string[] } })
      .filter(({ user }) => user.groups.includes('system:masters')).map(({ auditID }) => auditID);
    await until('all creates are recorded', () => records().length >= 3 + CONNECTIONS);
    expect(new Set(records()).size).toBe(3 + CONNECTIONS);
  }, 60_000);

  test('all of them tell how they were started', async () => {
    const told = await everywhere('GET', '/flagz');
    expect(new Set(told.map(({ text }) => /^audit-log-path=.*$/m.exec(text)?.[0]))).toEqual(new Set([`audit-log-path=${auditLog}`]));
  }, 60_000);

  test('what nodes of the process use is known to all of them', async () => {
    await until('all of them know', async () => (await everywhere('GET', '/apis/metrics.k8s.io/v1beta1/nodes')).every(({ code, text }) => code === 200 && (JSON.parse(text) as { items: unknown[] }).items.length === 1), 60_000);
  }, 90_000);

  test('it stops in an orderly way: watches of all threads end as watches do', async () => {
    const watches = everywhere('GET', '/api/v1/namespaces?watch=true');
    await until('all watches are open', async () => Number(/^apiserver_longrunning_requests\{verb="WATCH",[^}]*resource="namespaces",[^}]*\} (\d+)$/m.exec((await send('GET', '/metrics')).text)?.[1] ?? 0) >= CONNECTIONS);
    server.kill('SIGTERM');
    expect([await once(server, 'exit'), /cannot stop|did not stop/.test(output)]).toEqual([[0, null], false]);
    // An answer that breaks off would be an error.
    const ended = await watches;
    expect(ended.map(({ code, text }) => code === 200 && text.includes('"ADDED"') && text.endsWith('\n'))).toEqual(Array.from({ length: CONNECTIONS }, () => true));
  }, 60_000);
});
