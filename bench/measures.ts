/** What is measured, each as a function that returns rows for the table. A ratio compares two figures of the same run. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'undici';
import { openPki } from '../apiserver/pki/pki.ts';
import { find } from '../cli/components.ts';
import { systemClock } from '../std/clock.ts';
import { systemRandom } from '../std/random.ts';
import { type Call, load, median } from './load.ts';
import { Subject } from './subject.ts';
import { type Target, cpuSeconds, family, memoryMb, pool } from './target.ts';

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Against what, and how many times as much. */
  readonly ratio?: { readonly to: string; readonly value: number };
}

const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const ROUNDS = 3;
const NAMESPACE = 'bench';

export type Measure = () => Promise<Row[]>;

export const measures: Readonly<Record<string, Measure>> = { startup, idle, get, list, create, watch, pods };

/** Start-up, the second and later ones: from the command to a served request, and to a Ready node (a simulated one). */
async function startup(): Promise<Row[]> {
  const subject = new Subject();
  try {
    await subject.start(['--runtime', 'hollow']);
    await subject.stop();
    const api: number[] = [];
    const node: number[] = [];
    for (let round = 0; round < 5; round++) {
      const began = performance.now();
      api.push(await subject.start(['--runtime', 'hollow']));
      const client = pool(await subject.target(), 1);
      for (;;) {
        const nodes = JSON.parse(await text(client, { method: 'GET', path: '/api/v1/nodes' })) as { items: { status?: { conditions?: { type: string; status: string }[] } }[] };
        if (nodes.items.some((one) => one.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))) break;
      }
      node.push(performance.now() - began);
      await client.close();
      await subject.stop();
    }
    return [
      { what: 'second start, to a served request', value: median(api), unit: 'ms' },
      { what: 'second start, to a Ready node', value: median(node), unit: 'ms' },
    ];
  } finally {
    await subject.remove();
  }
}

/** A whole simulated one-node cluster with nothing to do. */
async function idle(): Promise<Row[]> {
  const subject = new Subject();
  try {
    await subject.start(['--runtime', 'hollow']);
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    const { pids } = await subject.target();
    const before = cpuSeconds(pids);
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    return [
      { what: 'idle memory, whole cluster', value: memoryMb(pids), unit: 'MB' },
      { what: 'idle processor time', value: ((cpuSeconds(pids) - before) / 20) * 100, unit: '% of a core' },
    ];
  } finally {
    await subject.remove();
  }
}

async function get(): Promise<Row[]> {
  return withApi(async (api, target) => {
    await must(api, { method: 'POST', path: `/api/v1/namespaces/${NAMESPACE}/configmaps`, body: configMap('get') });
    const path = `/api/v1/namespaces/${NAMESPACE}/configmaps/get`;
    return besideBare(target, await text(api, { method: 'GET', path }), path, 16, 'GET of one object', 'requests/s');
  });
}

async function list(): Promise<Row[]> {
  return withApi(async (api, target) => {
    const count = 10_000;
    await eachOf(count, 64, (i) => must(api, { method: 'POST', path: `/api/v1/namespaces/${NAMESPACE}/pods`, body: pod(`list-${i}`) }));
    const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
    return besideBare(target, await text(api, { method: 'GET', path }), path, 1, `LIST of ${count} pods`, 'MB/s');
  });
}

/** The same requests to Coracle and to a bare server that answers the same bytes, in turns. */
async function besideBare(target: Target, body: string, path: string, workers: number, what: string, unit: 'requests/s' | 'MB/s'): Promise<Row[]> {
  const bare = await startBare(body);
  const call = (): Call => ({ method: 'GET', path });
  const figures: Record<'own' | 'bare', number[]> = { own: [], bare: [] };
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, server] of [['own', target], ['bare', bare.target]] as const) {
        const clients = pool(server, workers);
        const { perSecond, bytesPerSecond } = await load(clients, workers, round === 0 ? 1 : SECONDS, call);
        if (round > 0) figures[name].push(unit === 'MB/s' ? bytesPerSecond / 1e6 : perSecond);
        await clients.close();
      }
    }
  } finally {
    bare.stop();
  }
  const [own, other] = [median(figures.own), median(figures.bare)];
  return [{ what, value: own, unit, ratio: { to: `bare koa (${Math.round(other)} ${unit})`, value: own / other } }];
}

/** Durable creates through the whole API on the embedded store, beside the same through the same API on etcd, and beside bare transactions. */
async function create(): Promise<Row[]> {
  const etcd = find('etcd') ? await startEtcd() : undefined;
  const through = async (target: Target, workers: number): Promise<number> => {
    const clients = pool(target, workers);
    const tag = `${target.name}-${workers}`;
    const { perSecond } = await load(clients, workers, SECONDS, (i) => ({ method: 'POST', path: `/api/v1/namespaces/${NAMESPACE}/configmaps`, body: configMap(`create-${tag}-${i}`) }));
    await clients.close();
    return perSecond;
  };
  const measured = async (own: Target, onEtcd: Target | undefined): Promise<Row[]> => {
    const rows: Row[] = [];
    for (const workers of [1, 64, 256]) {
      const value = await through(own, workers);
      const what = `durable creates, ${workers} at once`;
      if (!etcd || !onEtcd) {
        rows.push({ what, value, unit: '/s' });
        continue;
      }
      const api = await through(onEtcd, workers);
      const bare = await etcd.creates(workers);
      rows.push({ what, value, unit: '/s', ratio: { to: `the API on etcd (${Math.round(api)}/s)`, value: value / api } });
      rows.push({ what: '', value, unit: '/s', ratio: { to: `bare etcd3 transactions (${Math.round(bare)}/s)`, value: value / bare } });
    }
    return rows;
  };
  try {
    return await withApi((_, own) => (etcd ? withApi((_, onEtcd) => measured(own, onEtcd), ['--store', 'etcd', '--etcd-servers', etcd.url]) : measured(own, undefined)));
  } finally {
    etcd?.stop();
  }
}

/** One writer, a hundred watchers: events delivered per second, and whether all of them were. */
async function watch(): Promise<Row[]> {
  return withApi(async (api, target) => {
    const watchers = 100;
    const clients = pool(target, watchers);
    let events = 0;
    const stop = new AbortController();
    const streams = await Promise.all(
      Array.from({ length: watchers }, async () => {
        const { body } = await clients.request({ method: 'GET', path: `/api/v1/namespaces/${NAMESPACE}/configmaps?watch=1`, signal: stop.signal });
        body.on('error', () => undefined);
        body.on('data', (chunk: Buffer) => {
          for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) events++;
        });
        return body;
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    events = 0;
    const began = performance.now();
    const count = 1_000;
    await eachOf(count, 16, (i) => must(api, { method: 'POST', path: `/api/v1/namespaces/${NAMESPACE}/configmaps`, body: configMap(`watch-${i}`) }));
    const limit = performance.now() + 30_000;
    while (events < count * watchers && performance.now() < limit) await new Promise((resolve) => setTimeout(resolve, 10));
    const elapsed = (performance.now() - began) / 1000;
    stop.abort();
    for (const stream of streams) stream.destroy();
    void clients.destroy();
    return [
      { what: `watch fan-out to ${watchers} watchers`, value: events / elapsed, unit: 'events/s' },
      { what: 'of these delivered', value: (100 * events) / (count * watchers), unit: '%' },
    ];
  });
}

/** A Deployment from nothing to all Ready, on a simulated node or (`BENCH_RUNTIME=cri`, in a network namespace of one's own) a real one. */
async function pods(): Promise<Row[]> {
  const runtime = process.env.BENCH_RUNTIME ?? 'hollow';
  const count = runtime === 'cri' ? 30 : 100;
  const subject = new Subject();
  try {
    await subject.start(['--runtime', runtime, ...(runtime === 'cri' ? ['--ephemeral'] : [])]);
    const api = pool(await subject.target(), 4);
    const path = '/apis/apps/v1/namespaces/default/deployments';
    while ((await api.request({ method: 'GET', path: '/api/v1/namespaces/default/serviceaccounts/default' }).then(async ({ statusCode, body }) => (await body.dump(), statusCode))) !== 200);
    const container = { name: 'main', image: 'coracle.local/busybox:1', command: ['sleep', '3600'] };
    const labels = { app: 'bench' };
    const began = performance.now();
    await must(api, { method: 'POST', path, body: JSON.stringify({ metadata: { name: 'bench' }, spec: { replicas: count, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } } } }) });
    for (;;) {
      const { status } = JSON.parse(await text(api, { method: 'GET', path: `${path}/bench` })) as { status: { readyReplicas?: number } };
      if (status.readyReplicas === count) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const seconds = (performance.now() - began) / 1000;
    await api.close();
    return [{ what: `${count} pods to Ready on one node (${runtime})`, value: (count / seconds) * 60, unit: 'pods/min' }];
  } finally {
    await subject.remove();
  }
}

async function withApi(use: (api: Pool, target: Target) => Promise<Row[]>, flags: readonly string[] = []): Promise<Row[]> {
  const subject = new Subject();
  try {
    await subject.start(['--runtime', 'none', '--components', 'apiserver,controllers', ...flags]);
    const target = await subject.target();
    const api = pool(target, 64);
    await must(api, { method: 'POST', path: '/api/v1/namespaces', body: JSON.stringify({ metadata: { name: NAMESPACE } }) });
    while ((await api.request({ method: 'GET', path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default` }).then(async ({ statusCode, body }) => (await body.dump(), statusCode))) !== 200);
    const rows = await use(api, target);
    await api.close();
    return rows;
  } finally {
    await subject.remove();
  }
}

async function startBare(body: string): Promise<{ target: Target; stop(): void }> {
  const pki = await openPki({ directory: undefined, clock: systemClock, random: systemRandom, addresses: [] });
  pki.close();
  const child = fork(join(import.meta.dirname, 'bare.ts'));
  child.send({ key: pki.serving.keyPem, cert: pki.serving.certPem, body });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { target: { name: 'bare koa', server: `https://127.0.0.1:${port}`, tls: { ca: pki.caPem }, pids: family(child.pid ?? 0) }, stop: () => child.kill() };
}

async function startEtcd(): Promise<{ readonly url: string; creates(workers: number): Promise<number>; stop(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-bench-etcd-'));
  const [url, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const child = spawn(find('etcd') as string, ['--data-dir', directory, '--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`, '--log-level', 'error'], { stdio: 'ignore' });
  const { Etcd3 } = await import('etcd3');
  const client = new Etcd3({ hosts: url, faultHandling: { watchBackoff: undefined as never } });
  for (let ready = false; !ready; ) ready = await client.get('x').then(() => true, () => false);
  let serial = 0;
  return {
    url,
    async creates(workers) {
      const end = performance.now() + SECONDS * 1000;
      let done = 0;
      const value = configMap('etcd');
      const worker = async (): Promise<void> => {
        while (performance.now() < end) {
          const key = `/registry/configmaps/${NAMESPACE}/${serial++}`;
          await client.if(key, 'Create', '==', 0).then(client.put(key).value(value)).commit();
          done++;
        }
      };
      await Promise.all(Array.from({ length: workers }, worker));
      return done / SECONDS;
    },
    stop() {
      client.close();
      child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function eachOf(count: number, workers: number, run: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: workers }, async () => {
    while (next < count) await run(next++);
  }));
}

async function text(api: Pool, call: Call): Promise<string> {
  const { statusCode, body } = await api.request({ method: call.method, path: call.path, ...(call.body && { body: call.body, headers: { 'content-type': 'application/json' } }) });
  const answer = await body.text();
  if (statusCode >= 300) throw new Error(`${call.method} ${call.path} answered ${statusCode}: ${answer.slice(0, 300)}`);
  return answer;
}

async function must(api: Pool, call: Call): Promise<void> {
  await text(api, call);
}

function configMap(name: string): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'bench' } }, data: { text: 'x'.repeat(800) } });
}

function pod(name: string): string {
  const container = { name: 'main', image: 'example.com/app:1', env: Array.from({ length: 8 }, (_, i) => ({ name: `VARIABLE_${i}`, value: `value ${i}` })), resources: { requests: { cpu: '100m', memory: '128Mi' } } };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'bench' } }, spec: { schedulerName: 'none', containers: [container] } });
}
