/** A Deployment from nothing to all Ready on simulated nodes: `coracle up` with all of its components, over its embedded store. */
import { Subject } from './subject.ts';
import { cpuSeconds, memoryMb, pool } from './target.ts';
import { until } from './until.ts';

const PODS_PER_NODE = 100;
const NAMESPACE = 'default';

interface Rollout {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly residentMb: number;
}

export async function rollout(replicas: number, nodes = Math.max(20, Math.ceil(replicas / PODS_PER_NODE) + 10)): Promise<Rollout> {
  const subject = new Subject();
  try {
    await subject.start(['--runtime', 'none', '--hollow-nodes', String(nodes)]);
    const target = await subject.target();
    const api = pool(target, 2);
    const read = async <T>(path: string): Promise<T> => (await (await api.request({ method: 'GET', path })).body.json()) as T;
    interface Nodes { readonly items: readonly { readonly spec: { readonly taints?: unknown[] }; readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } }[] }
    await until('nodes', async () => {
      const { items } = await read<Nodes>('/api/v1/nodes');
      return items.filter(({ spec, status }) => !spec.taints?.length && status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')).length === nodes;
    });
    await until('an account', async () => (await read<{ kind: string }>(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`)).kind === 'ServiceAccount');
    const labels = { app: 'bench' };
    const container = { name: 'main', image: 'registry.k8s.io/pause:3.10', resources: { requests: { cpu: '10m', memory: '10Mi' } } };
    const body = JSON.stringify({ metadata: { name: 'bench' }, spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } } });
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
    const cpu = cpuSeconds(target.pids);
    const began = performance.now();
    await (await api.request({ method: 'POST', path, body, headers: { 'content-type': 'application/json' } })).body.dump();
    await until('the rollout', async () => (await read<{ status?: { readyReplicas?: number } }>(`${path}/bench`)).status?.readyReplicas === replicas);
    const seconds = (performance.now() - began) / 1000;
    const measured = { seconds, cpuSeconds: cpuSeconds(target.pids) - cpu, residentMb: memoryMb(target.pids) };
    await api.close();
    return measured;
  } finally {
    await subject.remove();
  }
}

if (import.meta.main) {
  const [counts = '1000,10000', rounds = '1'] = process.argv.slice(2);
  for (const replicas of counts.split(',').map(Number)) {
    for (let round = 0; round < Number(rounds); round++) {
      const { seconds, cpuSeconds: cpu, residentMb: memory } = await rollout(replicas);
      console.log(`${replicas} pods Ready after ${seconds.toFixed(2)} s, ${cpu.toFixed(2)} s of processor time (${((cpu / replicas) * 1e6).toFixed(0)} µs per pod), ${memory.toFixed(0)} MB`);
    }
  }
}
