import { nodes, pods } from '../api/resources.ts';
import { ApiError, isReason } from '../api/status.ts';
import type { Node, Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { seededRandom } from '../std/random.ts';
import { readConfiguration } from './configuration.ts';
import { FakeCluster } from './fake-cluster.ts';
import { podRequests } from './requests.ts';

/** Two schedulers by name, in one process: they know of each other's decisions at once. */
const configuration = readConfiguration({ apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration', profiles: [{ schedulerName: 'default-scheduler' }, { schedulerName: 'packs', pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } }] }] });
const SEEDS = 15;
const STEPS = 40;

/** Nodes that hold more than they have, and pods that were bound twice. */
function wrong(cluster: FakeCluster): string[] {
  const used = new Map<string, number>();
  for (const pod of cluster.fake.objects('pods') as unknown as Stored<Pod>[]) {
    if (pod.spec.nodeName) used.set(pod.spec.nodeName, (used.get(pod.spec.nodeName) ?? 0) + (podRequests(pod).get('cpu') ?? 0));
  }
  return (cluster.fake.objects('nodes') as unknown as Stored<Node>[]).flatMap(({ metadata, status }) => {
    const has = Number(status?.allocatable?.['cpu'] ?? 0) * 1000;
    return (used.get(metadata.name) ?? 0) > has ? [`${metadata.name} has ${has}m and gives away ${used.get(metadata.name)}m`] : [];
  });
}

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))('nothing is given twice, whatever goes wrong: seed %i', async (seed) => {
  const random = seededRandom(seed);
  const draw = (below: number): number => Math.floor(random.next() * below);
  const cluster = new FakeCluster();
  cluster.configuration = configuration;
  const trouble = new ApiError({ code: 500, reason: 'InternalError', message: 'trouble' });
  cluster.onBind = () => {
    if (draw(6) === 0) throw trouble;
  };
  cluster.afterBind = () => {
    if (draw(6) === 0) throw trouble;
  };
  cluster.beforePodCall = (call) => {
    if (call.verb === 'get' && draw(2) === 0) throw trouble;
  };
  for (let i = 0; i < 4; i++) await cluster.node(`n${i}`, '2');
  let scheduler = await cluster.start();
  const quietly = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => (isReason(error, 'NotFound') ? undefined : Promise.reject(error)));
  const acts: (() => Promise<unknown>)[] = [
    () => cluster.pod(`p${draw(1e9)}`, { cpu: `${100 * (1 + draw(9))}m`, priority: draw(3), schedulerName: draw(2) ? 'packs' : 'default-scheduler' }),
    () => cluster.pod(`p${draw(1e9)}`, { cpu: '700m', schedulerName: draw(2) ? 'packs' : 'default-scheduler' }),
    async () => {
      const all = cluster.fake.objects('pods');
      const one = all[draw(all.length)];
      if (one) await quietly(cluster.client.delete(pods, { namespace: 'd', name: one.metadata.name }));
    },
    async () => {
      // Many at once, and the watch falls silent when they have just been seen: their bindings are not.
      for (let i = 0; i < 12; i++) await cluster.pod(`p${draw(1e9)}`, { cpu: `${100 * (1 + draw(9))}m`, schedulerName: draw(2) ? 'packs' : 'default-scheduler' });
      for (let turns = draw(4); turns >= 0; turns--) await cluster.clock.advance(0);
      cluster.lag();
      await cluster.settle(draw(4000));
    },
    async () => cluster.catchUp(),
    async () => {
      // A node goes with what is on it, and comes back.
      const name = `n${draw(4)}`;
      await quietly(cluster.client.delete(nodes, { name }));
      for (const pod of cluster.fake.objects('pods') as unknown as Stored<Pod>[]) if (pod.spec.nodeName === name) await quietly(cluster.client.delete(pods, { namespace: 'd', name: pod.metadata.name }));
      await cluster.settle(draw(200));
      await cluster.node(name, '2');
    },
    async () => {
      // Another instance takes over in the middle of everything.
      cluster.catchUp();
      await scheduler.stop();
      scheduler = await cluster.start();
    },
  ];
  for (let step = 0; step < STEPS; step++) {
    await (acts[draw(10) < 4 ? draw(2) : draw(acts.length)] as () => Promise<unknown>)();
    await cluster.settle(draw(4) === 0 ? draw(3000) : 0);
    expect(wrong(cluster)).toEqual([]);
  }
  cluster.catchUp();
  cluster.onBind = () => undefined;
  cluster.afterBind = () => undefined;
  await cluster.settle(30_000);
  expect(wrong(cluster)).toEqual([]);
  await scheduler.stop();
});
