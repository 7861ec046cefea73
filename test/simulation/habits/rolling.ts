/** StatefulSets that are rolled up to a partition, and DaemonSets that start the new pod of a node before the old one goes. */
import { daemonsets, statefulsets, type ResourceRef } from '../../../api/resources.ts';
import type { DaemonSetSpec, StatefulSetSpec } from '../../../api/types/apps.v1.ts';
import { below } from '../../../std/random.ts';
import type { Habit, People } from './habit.ts';

const NAMESPACE = 'red';
const MAX_SETS = 2;

export function rolling(people: People): Habit {
  const { client, random } = people;
  const sets: string[] = [];
  const daemons: string[] = [];

  const template = (app: string): object => ({
    metadata: { labels: { app }, annotations: { 'coracle.dev/hollow-ready': `${below(random, 6)}s`, 'coracle.dev/hollow-stop': `${below(random, 6)}s` } },
    spec: { terminationGracePeriodSeconds: 10, containers: [{ name: 'c', image: `rolled:${people.number()}`, resources: { requests: { cpu: '20m', memory: '16Mi' } }, readinessProbe: { exec: { command: ['ready'] }, periodSeconds: 1 } }] },
  });
  const makeSet = async (): Promise<void> => {
    const name = `parted-${people.number()}`;
    const rollingUpdate = { partition: below(random, 3) };
    const spec = { replicas: 1 + below(random, 4), serviceName: name, selector: { matchLabels: { app: name } }, podManagementPolicy: people.pick(['OrderedReady', 'Parallel']), updateStrategy: { type: 'RollingUpdate', rollingUpdate }, template: template(name) } as unknown as StatefulSetSpec;
    sets.push(name);
    await people.attempt(`create ${name} ${spec.replicas} ${JSON.stringify(rollingUpdate)}`, () => client.create(statefulsets, { metadata: { namespace: NAMESPACE, name }, spec }));
  };
  const makeDaemon = async (): Promise<void> => {
    const name = `surging-${people.number()}`;
    const rollingUpdate = people.pick([{ maxSurge: 1, maxUnavailable: 0 }, { maxSurge: '50%', maxUnavailable: 0 }, { maxUnavailable: 2 }]);
    daemons.push(name);
    await people.attempt(`create ${name} ${JSON.stringify(rollingUpdate)}`, () => client.create(daemonsets, { metadata: { namespace: NAMESPACE, name }, spec: { selector: { matchLabels: { app: name } }, updateStrategy: { type: 'RollingUpdate', rollingUpdate }, template: template(name) } as unknown as DaemonSetSpec }));
  };
  const patch = (resource: ResourceRef<object>, name: string, spec: object): Promise<boolean> => people.attempt(`${name} ${JSON.stringify(spec)}`, () => client.patch(resource, { namespace: NAMESPACE, name }, { type: 'application/merge-patch+json', body: { spec } }));
  const part = (): Promise<boolean> => patch(statefulsets, people.pick(sets), { updateStrategy: { rollingUpdate: { partition: below(random, 4) } } });
  const scale = (): Promise<boolean> => patch(statefulsets, people.pick(sets), { replicas: below(random, 5) });
  const rollSet = (): Promise<boolean> => {
    const name = people.pick(sets);
    return patch(statefulsets, name, { template: template(name) });
  };
  const rollDaemon = (): Promise<boolean> => {
    const name = people.pick(daemons);
    return patch(daemonsets, name, { template: template(name) });
  };
  const remove = (resource: ResourceRef<object>, names: string[]): Promise<boolean> => {
    const [name = ''] = names.splice(below(random, names.length), 1);
    return people.attempt(`delete ${name}`, () => client.delete(resource, { namespace: NAMESPACE, name }));
  };
  return {
    async begin() {
      await makeSet();
      await makeDaemon();
    },
    menu: () => [
      [sets.length < MAX_SETS ? 5 : 0, makeSet],
      [daemons.length < 1 ? 5 : 0, makeDaemon],
      [sets.length > 0 ? 6 : 0, part],
      [sets.length > 0 ? 4 : 0, scale],
      [sets.length > 0 ? 7 : 0, rollSet],
      [daemons.length > 0 ? 7 : 0, rollDaemon],
      [sets.length > 0 ? 1 : 0, () => remove(statefulsets, sets)],
      [daemons.length > 0 ? 1 : 0, () => remove(daemonsets, daemons)],
    ],
  };
}
