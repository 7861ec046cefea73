/** What must hold of real containers behind real Services, whatever the cluster is made of: one process or five, this store or that. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiObject, type Cluster, condition, whyNoContainers } from './cluster.ts';
import { startRequests } from './requests.ts';
import { until } from './until.ts';

const HELLO = readFileSync(join(import.meta.dirname, '../../manifests/examples/hello.yaml'), 'utf8');

export function containerSuite(title: string, start: () => Promise<Cluster>): void {
  const obstacle = whyNoContainers();
  const suite = obstacle ? describe.skip : describe;

  suite(`${title}${obstacle ? ` (${obstacle})` : ''}`, () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await start();
    }, 180_000);
    afterAll(() => cluster?.remove(), 60_000);

    const readyPods = async (selector: string): Promise<ApiObject[]> =>
      (await cluster.get('pods', '-l', selector)).items.filter((pod) => condition(pod, 'Ready') === 'True' && !pod.metadata.deletionTimestamp);
    const rolledOut = (): Promise<string> => cluster.must('rollout status deployment/hello --timeout=120s', { timeoutMs: 130_000 });
    const answers = async (url: string, wanted: number): Promise<Set<string>> => {
      const seen = new Set<string>();
      await until(`${wanted} replicas answer at ${url}`, async () => {
        const answer = await cluster.fetch(url);
        if (answer) seen.add(answer.trim());
        return seen.size >= wanted;
      });
      return seen;
    };

    test('a Deployment of three becomes Ready', async () => {
      await cluster.apply(HELLO);
      await rolledOut();
      const pods = await readyPods('app=hello');
      expect(pods).toHaveLength(3);
      for (const pod of pods) expect(pod.status).toMatchObject({ phase: 'Running', qosClass: 'Burstable', podIP: expect.stringMatching(/^10\.244\./) });
    }, 180_000);

    test('the cluster address, the node port and the DNS name answer, and every replica gets traffic', async () => {
      const service = await cluster.one('service', 'hello');
      const names = (await readyPods('app=hello')).map((pod) => `Hello from ${pod.metadata.name}`).sort();
      for (const url of [`http://${String(service.spec.clusterIP)}`, 'http://127.0.0.1:30080', 'http://198.51.100.10:30080']) {
        expect([...(await answers(url, 3))].sort()).toEqual(names);
      }
      for (const name of ['hello', 'hello.default', 'hello.default.svc.cluster.local']) {
        const answer = await until(`a pod reaches http://${name}`, async () => {
          const { code, stdout } = await cluster.kubectl(['exec', 'deploy/hello', '--', 'wget', '-qO-', '-T', '2', `http://${name}`]);
          return code === 0 && stdout;
        });
        expect(names).toContain(answer.trim());
      }
    });

    test('a container that is killed is started again, and counted', async () => {
      const [pod] = (await readyPods('app=hello')) as [ApiObject];
      const { name, uid } = pod.metadata;
      process.kill(processOf('POD_NAME', name), 'SIGKILL');
      const after = await until('it was restarted', async () => {
        const now = await cluster.one('pod', name);
        const [status] = now.status.containerStatuses as { restartCount: number; ready: boolean; lastState: { terminated?: { exitCode: number; reason: string } } }[];
        return status?.restartCount === 1 && status.ready && { uid: now.metadata.uid, last: status.lastState.terminated };
      });
      expect(after).toMatchObject({ uid, last: { exitCode: 137, reason: 'Error' } });
    });

    test('a pod that is deleted is replaced', async () => {
      const [pod] = await readyPods('app=hello');
      await cluster.must(['delete', 'pod', pod?.metadata.name as string, '--wait=false']);
      await until('three others are Ready', async () => {
        const names = (await readyPods('app=hello')).map(({ metadata }) => metadata.name);
        return names.length === 3 && !names.includes(pod?.metadata.name as string);
      });
    });

    test('a ServiceAccount that may see figures gets them from the kubelet itself, and nothing else', async () => {
      await cluster.must('create serviceaccount scraper');
      await cluster.must('create clusterrole scraper --verb=get --resource=nodes/metrics,nodes/stats');
      await cluster.must('create clusterrolebinding scraper --clusterrole=scraper --serviceaccount=default:scraper');
      const token = (await cluster.must('create token scraper')).trim();
      const [pod] = (await readyPods('app=hello')) as [ApiObject];
      const { name } = pod.metadata;
      const node = await cluster.one('node', String(pod.spec.nodeName));
      const port = (node.status.daemonEndpoints as { kubeletEndpoint: { Port: number } }).kubeletEndpoint.Port;
      const ask = async (path: string, headers: object = { authorization: `Bearer ${token}` }): Promise<string> => {
        const options = JSON.stringify({ host: '198.51.100.10', port, path, headers, rejectUnauthorized: false });
        const script = `require('https').get(${options}, (answer) => { process.stdout.write(answer.statusCode + ' '); answer.pipe(process.stdout); });`;
        return (await cluster.net.run(process.execPath, ['-e', script])).stdout;
      };
      const figures = await ask('/metrics/cadvisor');
      const of = (series: string): number => Number(new RegExp(`^${series}\\{[^}]*namespace="default",pod="${name}"[^}]*\\} (\\S+)`, 'm').exec(figures)?.[1] ?? 0);
      for (const series of ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes', 'container_memory_rss', 'container_processes', 'container_network_receive_bytes_total']) expect([series, of(series)]).toEqual([series, expect.any(Number)]);
      expect(Math.min(of('container_cpu_usage_seconds_total'), of('container_memory_working_set_bytes'), of('container_network_receive_bytes_total'))).toBeGreaterThan(0);
      expect(await ask('/metrics')).toMatch(/^kubelet_running_pods [3-9]/m);
      expect(await ask('/metrics/resource')).toContain(`pod_cpu_usage_seconds_total{namespace="default",pod="${name}"}`);
      expect(await ask('/stats/summary')).toMatch(/"network": \{/);
      expect(await ask('/pods')).toBe('403 Forbidden (user=system:serviceaccount:default:scraper, verb=get, resource=nodes, subresource(s)=[pods proxy])\n');
      expect(await ask('/metrics', {})).toBe('401 Unauthorized');
      expect(await cluster.must(`get --raw /api/v1/nodes/${node.metadata.name}:${port}/proxy/metrics`)).toContain(`kubelet_node_name{node="${node.metadata.name}"} 1`);
    });

    test('a rolling update fails no request', async () => {
      const requests = await startRequests(cluster.net, 'http://127.0.0.1:30080');
      await cluster.must('set env deployment/hello VERSION=2');
      await rolledOut();
      const { succeeded, failures } = await requests.stop();
      expect(failures).toEqual([]);
      expect(succeeded).toBeGreaterThan(20);
      for (const pod of await readyPods('app=hello')) expect(JSON.stringify(pod.spec)).toContain('"VERSION"');
    }, 180_000);

    test('undo brings the former revision back', async () => {
      await cluster.must('rollout undo deployment/hello');
      await rolledOut();
      for (const pod of await readyPods('app=hello')) expect(JSON.stringify(pod.spec)).not.toContain('"VERSION"');
      expect(await cluster.must('rollout history deployment/hello')).toMatch(/\n2 .*\n3 /);
    }, 180_000);

    test('a bad image stalls the rollout, the old pods go on serving, and events say why', async () => {
      await cluster.must('set image deployment/hello web=coracle.local/no-such-image:9');
      const waiting = await until('the new pod waits for its image', async () => {
        const pods = (await cluster.get('pods', '-l', 'app=hello')).items;
        const reasons = pods.flatMap((pod) => (pod.status.containerStatuses as { state: { waiting?: { reason: string } } }[] | undefined)?.map((c) => c.state.waiting?.reason) ?? []);
        return reasons.find((reason) => reason === 'ErrImagePull' || reason === 'ImagePullBackOff');
      });
      expect(waiting).toMatch(/^(ErrImagePull|ImagePullBackOff)$/);
      expect(await readyPods('app=hello')).toHaveLength(3);
      expect(await cluster.fetch('http://127.0.0.1:30080')).toMatch(/^Hello from /);
      await until('an event says so', async () => (await cluster.must('get events --field-selector type=Warning')).includes('Failed to pull image "coracle.local/no-such-image:9"'));
      await cluster.must('rollout undo deployment/hello');
      await rolledOut();
    }, 180_000);

    test('a container that takes too much memory says OOMKilled', async () => {
      const command = ['sh', '-c', 'x=0123456789; while true; do x=$x$x; done'];
      const container = { name: 'greedy', image: 'coracle.local/busybox:1', command, resources: { limits: { memory: '16Mi' } } };
      await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'greedy' }, spec: { restartPolicy: 'Never', containers: [container] } }));
      const state = await until('it was killed', async () => {
        const pod = await cluster.one('pod', 'greedy');
        return (pod.status.containerStatuses as { state: { terminated?: { reason: string; exitCode: number } } }[] | undefined)?.[0]?.state.terminated;
      });
      expect(state).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
      expect((await cluster.one('pod', 'greedy')).status.phase).toBe('Failed');
    });

    test('when everything is deleted, no container, sandbox, network namespace or mount is left', async () => {
      await cluster.must('delete deployment,service,configmap,pod --all --wait=false');
      await until('no pod is left', async () => (await cluster.get('pods')).items.length === 0);
      await until('no sandbox is left', () => leftovers(cluster.dataDir).length === 0).catch(() => undefined);
      expect(leftovers(cluster.dataDir)).toEqual([]);
      // A pod's network namespace has its end of a cable on our side for as long as it lives.
      expect((await cluster.net.run('ip', ['-o', 'link'])).stdout).not.toMatch(/: veth/);
    }, 120_000);

    test('down leaves no rule', async () => {
      await cluster.kill('SIGTERM');
      expect((await cluster.coracle('down', '--data-dir', cluster.dataDir)).code).toBe(0);
      const rules = (await cluster.net.run('iptables-save', [])).stdout;
      expect(rules.split('\n').filter((line) => /coracle/i.test(line))).toEqual([]);
      expect((await cluster.net.run('ip', ['-o', 'link'])).stdout).not.toContain('coracle0');
      expect(leftovers(cluster.dataDir)).toEqual([]);
    }, 60_000);
  });
}

/** The process (of any container on this machine) whose environment says so, the oldest first. */
export function processOf(variable: string, value: string): number {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).sort((a, b) => Number(a) - Number(b))) {
    try {
      if (readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(`${variable}=${value}`)) return Number(name);
    } catch {
      // It ended meanwhile.
    }
  }
  throw new Error(`no process has ${variable}=${value}`);
}

/** Shims and mounts that belong to a data directory: what containers leave when they are not cleaned up. */
export function leftovers(dataDir: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${dataDir}/`));
  const shims = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  }).filter((line) => line.includes('containerd-shim') && line.includes(dataDir));
  return [...mounts, ...shims];
}
