/**
 * How many bytes of JavaScript's heap a server fills for each write, and its processor time: `node bench/garbage.ts [WRITES]`.
 * The bytes are the same to a hundredth however busy the machine is; they say how often garbage is collected.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { getHeapStatistics } from 'node:v8';
import type { Pool } from 'undici';
import { namespaces, serviceaccounts } from '../api/resources.ts';
import { ADMIN, openTestServer, testPki } from '../apiserver/test-server.ts';
import type { Call } from './load.ts';
import { cpuSeconds, pool } from './target.ts';

const WRITES = Number(process.argv[2] ?? 4_000);
const WARM_UP = 6_000;
const WORKERS = 64;
const NAMESPACE = 'bench';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** In a process of its own: tells what its heap has been filled with whenever it is asked. */
async function serve(): Promise<void> {
  const { server, port } = await openTestServer();
  const door = server.door(ADMIN);
  await door.call({ ...namespaces, verb: 'create', body: { metadata: { name: NAMESPACE } } });
  await door.call({ ...serviceaccounts, verb: 'create', namespace: NAMESPACE, body: { metadata: { name: 'default' } } });
  const pki = await testPki();
  const admin = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  process.on('message', () => process.send?.((getHeapStatistics() as { total_allocated_bytes?: number }).total_allocated_bytes ?? NaN));
  process.send?.({ server: `https://127.0.0.1:${port}`, tls: { ca: pki.caPem, cert: admin.certPem, key: admin.keyPem } });
}

interface Seat {
  readonly name: string;
  /** Its own pod, as it was answered last. */
  text: string;
}

const metadata = (name: string, at: number): object => ({ name, labels: { app: 'web', group: `g${at % 100}` }, annotations: { seq: String(at) } });
const container = {
  name: 'web', image: 'registry.example/shop/web:1.42.0', env: [{ name: 'STAGE', value: 'production' }], ports: [{ containerPort: 8080 }],
  resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
};
const pod = (name: string, at: number): string => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: metadata(name, at), spec: { containers: [container] } });
const configMap = (name: string, at: number): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(name, at), data: { text: 'listen: 0.0.0.0:8080\n'.repeat(30) } });
const annotation = (at: number): string => JSON.stringify({ metadata: { annotations: { seq: String(at) } } });
const patch = (type: string, body: (at: number, name: string) => string, query = '') => ({ name }: Seat, at: number): Call => (
  { method: 'PATCH', path: `${PODS}/${name}${query}`, body: body(at, name), contentType: `application/${type}` }
);

const OPERATIONS: Readonly<Record<string, (seat: Seat, at: number) => Call>> = {
  'create a ConfigMap': (_, at) => ({ method: 'POST', path: `/api/v1/namespaces/${NAMESPACE}/configmaps`, body: configMap(`c-${at}`, at) }),
  'create a pod': (_, at) => ({ method: 'POST', path: PODS, body: pod(`p-${at}`, at) }),
  'update a pod': ({ name, text }, at) => ({ method: 'PUT', path: `${PODS}/${name}`, body: text.replace(/"seq":"\d+"/, `"seq":"${at}"`) }),
  'strategic patch': patch('strategic-merge-patch+json', annotation),
  'merge patch': patch('merge-patch+json', annotation),
  'JSON patch': patch('json-patch+json', (at) => JSON.stringify([{ op: 'replace', path: '/metadata/annotations/seq', value: String(at) }])),
  'server-side apply': patch('apply-patch+yaml', (at, name) => pod(name, at), '?fieldManager=bench&force=true'),
};

async function measure(): Promise<void> {
  const child = fork(import.meta.filename, { execArgv: ['--disable-warning=ExperimentalWarning'] });
  const [target] = (await once(child, 'message')) as [{ server: string; tls: { ca: string; cert: string; key: string } }];
  const pids = [child.pid as number];
  const connections = pool({ name: '', pids, ...target }, WORKERS);
  let at = 0;
  const seats = Array.from({ length: WORKERS }, (_, n): Seat => ({ name: `own-${n}`, text: '' }));
  for (const seat of seats) await send(connections, seat, { method: 'POST', path: PODS, body: pod(seat.name, at++) });
  for (const [what, call] of Object.entries(OPERATIONS)) {
    const run = async (count: number): Promise<void> => {
      let left = count;
      await Promise.all(seats.map(async (seat) => {
        while (left-- > 0) await send(connections, seat, call(seat, ++at));
      }));
    };
    await run(WARM_UP);
    const [bytes, seconds] = [await allocated(child), cpuSeconds(pids)];
    await run(WRITES);
    const [filled, used] = [(await allocated(child)) - bytes, cpuSeconds(pids) - seconds];
    console.log(`${what.padEnd(20)} ${(filled / WRITES / 1000).toFixed(1).padStart(6)} KB ${((used * 1e6) / WRITES).toFixed(0).padStart(6)} µs`);
  }
  await connections.close();
  child.kill();
}

async function send(connections: Pool, seat: Seat, { method, path, body = '', contentType = 'application/json' }: Call): Promise<void> {
  const { statusCode, body: answer } = await connections.request({ method, path, body, headers: { 'content-type': contentType } });
  const text = await answer.text();
  if (statusCode >= 300) throw new Error(`${method} ${path} answered ${statusCode}: ${text}`);
  if (seat.text === '' || path === `${PODS}/${seat.name}`) seat.text = text;
}

async function allocated(child: ChildProcess): Promise<number> {
  child.send('');
  const [bytes] = (await once(child, 'message')) as [number];
  return bytes;
}

if (process.send) await serve();
else await measure();
