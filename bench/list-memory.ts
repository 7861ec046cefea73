/** How much a server's memory grows while it answers LISTs of 100,000 objects, in each form: `node bench/list-memory.ts [count]`. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { openTestServer, testPki } from '../apiserver/test-server.ts';
import { openMemory } from '../apiserver/storage/memory.ts';

const COUNT = Number(process.argv[2] ?? 100_000);
const SAMPLE_MS = 5;
const POD = (at: number): object => ({
  kind: 'Pod', apiVersion: 'v1',
  metadata: { name: `pod-${at}`, namespace: 'bench', uid: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`, creationTimestamp: '2026-01-01T00:00:00Z', labels: { app: `app-${at % 100}`, part: 'bench' } },
  spec: { nodeName: `node-${at % 500}`, containers: [{ name: 'main', image: 'example.com/app:1', resources: { requests: { cpu: '100m', memory: '128Mi' } }, env: [{ name: 'A', value: randomBytes(128).toString('hex') }] }], restartPolicy: 'Always' },
  status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
});

const FORMS: readonly [string, string][] = [
  ['JSON', 'application/json'],
  ['protobuf', 'application/vnd.kubernetes.protobuf'],
  ['metadata as JSON', 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'],
  ['metadata as protobuf', 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'],
  ['Table', 'application/json;as=Table;g=meta.k8s.io;v=v1'],
];

if (process.send) await serve();
else await measure();

/** In a process of its own: the server over its objects. */
async function serve(): Promise<void> {
  const store = openMemory();
  for (let at = 0; at < COUNT; at++) await store.write(`/registry/pods/bench/pod-${String(at).padStart(6, '0')}`, 0, Buffer.from(JSON.stringify(POD(at))));
  const server = await openTestServer({ store });
  await server.server.door({ name: 'admin', groups: ['system:masters'] }).call({ group: '', version: 'v1', resource: 'pods', verb: 'list', query: { limit: '1' } });
  const pki = await testPki();
  const admin = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  globalThis.gc?.();
  process.send?.({ port: server.port, ca: pki.caPem, cert: admin.certPem, key: admin.keyPem });
}

async function measure(): Promise<void> {
  const child = fork(import.meta.filename, [String(COUNT)], { execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'] });
  const [{ port, ca, cert, key }] = (await once(child, 'message')) as [{ port: number; ca: string; cert: string; key: string }];
  console.log(`${COUNT} pods; the server has ${residentMb(child.pid as number)} MB`);
  for (const [what, accept] of FORMS) {
    const before = residentMb(child.pid as number);
    let highest = before;
    const sampling = setInterval(() => (highest = Math.max(highest, residentMb(child.pid as number))), SAMPLE_MS);
    const began = performance.now();
    const bytes = await get({ port, ca, cert, key, accept });
    clearInterval(sampling);
    console.log(`${what.padEnd(22)} ${String(Math.round(bytes / 1e6)).padStart(5)} MB in ${String(Math.round(performance.now() - began)).padStart(6)} ms, memory +${highest - before} MB`);
  }
  child.kill();
}

interface Ask {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly accept: string;
}

async function get({ port, ca, cert, key, accept }: Ask): Promise<number> {
  const session = connect(`https://127.0.0.1:${port}`, { ca, cert, key, settings: { initialWindowSize: 1024 * 1024 } });
  const stream = session.request({ ':path': '/api/v1/pods', accept });
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) bytes += chunk.length;
  session.close();
  return bytes;
}

function residentMb(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}
