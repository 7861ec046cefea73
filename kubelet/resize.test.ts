import { NOW, podOf, run, runtimeOf } from './fixtures.ts';
import type { PodObject } from './pod.ts';
import { resize } from './resize.ts';
import type { Runtime } from './runtime/runtime.ts';

const asking = (cpu: string, other = '1'): PodObject => podOf({ containers: [{ name: 'app', resources: { requests: { cpu } } }, { name: 'side', resources: { limits: { cpu: other } } }] });

test('resize() tells the runtime of running containers whose pod asks for something else than before, and of no others', async () => {
  const told: unknown[] = [];
  const runtime = { updateResources: async (id: string, resources: object) => void told.push([id, resources]) } as unknown as Runtime;
  const follow = async (pod: PodObject, before: PodObject['spec'] | undefined, side: 'running' | 'exited' = 'running'): Promise<unknown[]> => {
    expect(await resize({ pod, before, containers: runtimeOf([{ name: 'app' }, { name: 'side', state: side }]), runtime, nodeMemoryBytes: NOW })).toBe(pod.spec);
    return told.splice(0);
  };
  expect(await follow(asking('1'), undefined)).toEqual([]);
  expect(await follow(asking('1'), asking('1000m').spec)).toEqual([]);
  expect(await follow(asking('2'), asking('1').spec)).toEqual([[run().id, { cpuShares: 2048 }]]);
  expect(await follow(asking('1', '2'), asking('1').spec)).toMatchObject([['side-0', { cpuQuota: 200_000 }]]);
  expect(await follow(asking('1', '2'), asking('1').spec, 'exited')).toEqual([]);
});
