/** The whole process is killed in the middle of a rollout: nothing acknowledged is lost, nothing runs twice, and it converges. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster, condition, whyNoContainers } from './harness/cluster.ts';
import { until } from './harness/until.ts';

const HELLO = readFileSync(join(import.meta.dirname, '../manifests/examples/hello.yaml'), 'utf8');
const obstacle = whyNoContainers();
const suite = obstacle ? describe.skip : describe;

suite(`kill -9 of the whole process during a rollout${obstacle ? ` (${obstacle})` : ''}`, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start();
    await cluster.apply(HELLO);
    await cluster.must('rollout status deployment/hello --timeout=120s', { timeoutMs: 130_000 });
  }, 240_000);
  afterAll(() => cluster?.remove(), 60_000);

  test('containers survive, the rollout ends, and no acknowledged write is lost', async () => {
    const before = (await cluster.get('pods', '-l', 'app=hello')).items.map(({ metadata }) => metadata.uid);
    await cluster.must('set env deployment/hello VERSION=2');
    const acknowledged: string[] = [];
    const writer = (async () => {
      for (let i = 0; ; i++) {
        const { code } = await cluster.kubectl(['create', 'configmap', `written-${i}`]);
        if (code !== 0) return;
        acknowledged.push(`written-${i}`);
      }
    })();
    await until('the rollout is under way', async () => (await cluster.get('pods', '-l', 'app=hello')).items.some(({ metadata }) => !before.includes(metadata.uid)));
    await until('a few writes were acknowledged', () => acknowledged.length >= 3);
    await cluster.kill('SIGKILL');
    await writer;
    expect(runningPods(cluster.dataDir)).not.toHaveLength(0);

    await cluster.up();
    const kept = (await cluster.get('configmaps')).items.map(({ metadata }) => metadata.name);
    expect(kept).toEqual(expect.arrayContaining(acknowledged));
    await cluster.must('rollout status deployment/hello --timeout=120s', { timeoutMs: 130_000 });
    const pods = await until('only new pods are left', async () => {
      const { items } = await cluster.get('pods', '-l', 'app=hello');
      return items.length === 3 && items.every((pod) => condition(pod, 'Ready') === 'True') && items;
    });
    for (const pod of pods) expect(JSON.stringify(pod.spec)).toContain('"VERSION"');
    // One process per pod says which pod it is: nothing was started twice.
    expect(runningPods(cluster.dataDir).sort()).toEqual(pods.map(({ metadata }) => metadata.name).sort());
    // A start that the kill interrupted may count as one; a container that ran may not have been started again.
    for (const pod of pods) {
      const [status] = pod.status.containerStatuses as { restartCount: number; lastState: { terminated?: { reason: string } } }[];
      if (status?.restartCount !== 0) expect(status).toMatchObject({ restartCount: 1, lastState: { terminated: { reason: 'StartError' } } });
    }
  }, 240_000);
});

/** The pods of a cluster whose main process runs, one entry for each such process. */
function runningPods(dataDir: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sh\0/scripts/serve')) return [];
      if (!readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(dataDir)) return [];
      const name = /(?:^|\0)POD_NAME=(hello-[^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1];
      return name ? [name] : [];
    } catch {
      return [];
    }
  });
}
