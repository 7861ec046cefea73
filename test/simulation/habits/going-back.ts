/** Deployments that are to go back by themselves when what they are rolled to does not work. */
import { deployments } from '../../../api/resources.ts';
import type { DeploymentSpec } from '../../../api/types/apps.v1.ts';
import { below } from '../../../std/random.ts';
import type { Habit, People } from './habit.ts';

const NAMESPACE = 'red';
const MAX_WORKLOADS = 2;

export function goingBack(people: People): Habit {
  const { client, random } = people;
  const names: string[] = [];
  const template = (name: string, works: boolean): object => ({
    metadata: { labels: { app: name }, annotations: { 'coracle.dev/hollow-ready': '2s', 'coracle.dev/hollow-run': works ? 'never' : `${1 + below(random, 5)}s`, 'coracle.dev/hollow-exit-code': '1' } },
    spec: { terminationGracePeriodSeconds: 5, containers: [{ name: 'c', image: `trial:${people.number()}`, resources: { requests: { cpu: '50m', memory: '16Mi' } } }] },
  });

  const make = async (): Promise<void> => {
    const name = `trial-${people.number()}`;
    const annotations = { 'coracle.dev/auto-rollback': 'true', 'coracle.dev/monitor': `${5 + below(random, 15)}s`, ...people.pick([{}, { 'coracle.dev/update-delay': '5s' }]) };
    names.push(name);
    await people.attempt(`create ${name}`, () => client.create(deployments, { metadata: { namespace: NAMESPACE, name, annotations }, spec: { replicas: 1 + below(random, 3), selector: { matchLabels: { app: name } }, template: template(name, true) } as unknown as DeploymentSpec }));
  };
  const roll = async (): Promise<void> => {
    const name = people.pick(names);
    const works = random.next() < 0.4;
    await people.attempt(`roll ${name} to what ${works ? 'works' : 'fails'}`, () => client.patch(deployments, { namespace: NAMESPACE, name }, { type: 'application/merge-patch+json', body: { spec: { template: template(name, works) } } }));
  };
  return {
    begin: make,
    menu: () => [
      [names.length < MAX_WORKLOADS ? 4 : 0, make],
      [names.length > 0 ? 8 : 0, roll],
    ],
  };
}
