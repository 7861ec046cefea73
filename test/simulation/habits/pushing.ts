/** Workloads that are more important than others, politely or not. */
import { deployments, poddisruptionbudgets, priorityclasses } from '../../../api/resources.ts';
import type { DeploymentSpec } from '../../../api/types/apps.v1.ts';
import { below } from '../../../std/random.ts';
import type { Habit, People } from './habit.ts';

const NAMESPACE = 'red';
const MAX_WORKLOADS = 4;
const CLASSES = { humble: [-10, false], high: [1000, false], higher: [2000, false], polite: [1000, true] } as const;

export function pushing(people: People): Habit {
  const { client, random } = people;
  const names: string[] = [];

  const make = async (): Promise<void> => {
    const name = `push-${people.number()}`;
    const key = { namespace: NAMESPACE, name };
    const priorityClassName = people.pick(['humble', 'humble', 'high', 'high', 'higher', 'polite'] as const);
    const selector = { matchLabels: { app: name } };
    const container = { name: 'c', image: 'push', resources: { requests: { cpu: people.pick(['400m', '800m', '1400m']), memory: '16Mi' } } };
    const template = { metadata: { labels: { app: name }, annotations: { 'coracle.dev/hollow-ready': '1s', 'coracle.dev/hollow-stop': `${below(random, 12)}s` } }, spec: { priorityClassName, terminationGracePeriodSeconds: 15, containers: [container] } };
    const replicas = 1 + below(random, priorityClassName === 'humble' ? 5 : 2);
    names.push(name);
    await people.attempt(`create ${priorityClassName} ${name} ${replicas} x ${container.resources.requests.cpu}`, () => client.create(deployments, { metadata: key, spec: { replicas, selector, template, strategy: { type: 'Recreate' } } as unknown as DeploymentSpec }));
    if (priorityClassName === 'humble' && random.next() < 0.5) await people.attempt('budget', () => client.create(poddisruptionbudgets, { metadata: key, spec: { selector, maxUnavailable: people.pick([0, 1]) } }));
  };
  const scale = async (): Promise<void> => {
    const name = people.pick(names);
    const replicas = below(random, 4);
    await people.attempt(`scale ${name} to ${replicas}`, () => client.patch(deployments, { namespace: NAMESPACE, name }, { type: 'application/merge-patch+json', body: { spec: { replicas } } }));
  };
  const remove = async (): Promise<void> => {
    const [name = ''] = names.splice(below(random, names.length), 1);
    await people.attempt(`delete ${name}`, () => client.delete(deployments, { namespace: NAMESPACE, name }, { propagationPolicy: 'Background' }));
  };
  return {
    async begin() {
      for (const [name, [value, polite]] of Object.entries(CLASSES)) await people.insist(`priority ${name}`, () => client.create(priorityclasses, { metadata: { name }, value, ...(polite && { preemptionPolicy: 'Never' }) }));
      await make();
      await make();
    },
    menu: () => [
      [names.length < MAX_WORKLOADS ? 8 : 0, make],
      [names.length > 0 ? 6 : 0, scale],
      [names.length > 0 ? 3 : 0, remove],
    ],
  };
}
