/** Nodes from which pods are driven by a taint, which some bear for a while and some for ever. */
import { deployments, nodes } from '../../../api/resources.ts';
import type { DeploymentSpec } from '../../../api/types/apps.v1.ts';
import { below } from '../../../std/random.ts';
import type { Habit, People } from './habit.ts';

const TAINT = 'simulation/flood';
const NAMESPACE = 'red';
const MAX_WORKLOADS = 3;

export function flooding(people: People): Habit {
  const { client, random } = people;
  let made = 0;

  const make = async (): Promise<void> => {
    const name = `boatman-${people.number()}`;
    made++;
    const toleration = people.pick([[], [{ key: TAINT, operator: 'Exists', effect: 'NoExecute' }], [{ key: TAINT, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 20 }], [{ key: TAINT, value: 'high', effect: 'NoExecute', tolerationSeconds: 40 }]]);
    const template = { metadata: { labels: { app: name } }, spec: { tolerations: toleration, terminationGracePeriodSeconds: 5, containers: [{ name: 'c', image: 'boatman', resources: { requests: { cpu: '50m', memory: '16Mi' } } }] } };
    await people.attempt(`create ${name} ${JSON.stringify(toleration)}`, () => client.create(deployments, { metadata: { namespace: NAMESPACE, name }, spec: { replicas: 3, selector: { matchLabels: { app: name } }, template } as unknown as DeploymentSpec }));
  };
  const change = async (name: string, value: string | undefined): Promise<boolean> => {
    let done = false;
    await people.attempt(value === undefined ? `ebb at ${name}` : `flood at ${name}, ${value}`, async () => {
      const node = await client.get(nodes, { name });
      const others = (node.spec.taints ?? []).filter(({ key }) => key !== TAINT);
      const taints = value === undefined ? others : [...others, { key: TAINT, value, effect: 'NoExecute' as const }];
      await client.update(nodes, { ...node, spec: { ...node.spec, taints } });
      done = true;
    });
    return done;
  };
  const flood = async (): Promise<void> => {
    const found = await client.list(nodes).catch(() => undefined);
    const node = found && people.pick(found.items)?.metadata.name;
    if (!node || !(await change(node, people.pick(['high', 'low'])))) return;
    for (let ticks = below(random, 8); ticks >= 0; ticks--) await people.clockTick();
    await change(node, undefined);
  };
  return {
    begin: make,
    menu: () => [
      [made < MAX_WORKLOADS ? 4 : 0, make],
      [8, flood],
    ],
    async end() {
      for (;;) {
        const found = await client.list(nodes).catch(() => undefined);
        const flooded = found?.items.filter(({ spec }) => spec.taints?.some(({ key }) => key === TAINT));
        if (flooded?.length === 0) return;
        for (const { metadata } of flooded ?? []) await change(metadata.name, undefined);
        await people.clockTick();
      }
    },
  };
}
