/** Workloads whose pods are to be apart from each other, near others, or spread over nodes and zones. */
import { deployments } from '../../../api/resources.ts';
import type { DeploymentSpec } from '../../../api/types/apps.v1.ts';
import { below } from '../../../std/random.ts';
import type { Habit, People } from './habit.ts';

const NAMESPACE = 'red';
const MAX_WORKLOADS = 4;
const HOST = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

interface Terms {
  readonly podAffinity?: object;
  readonly podAntiAffinity?: object;
  readonly topologySpreadConstraints?: readonly object[];
}

export function spreading(people: People): Habit {
  const { client, random } = people;
  const names: string[] = [];

  /** Where all of them would rather be, were it not for their terms. */
  const taste = (): object => {
    const matchExpressions = [{ key: ZONE, operator: 'In', values: [people.pick(['zone-0', 'zone-1'])] }];
    return { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: { matchExpressions } }] } };
  };
  const terms = (name: string): object => {
    const term = (app: string, topologyKey = people.pick([HOST, ZONE])): object => ({ topologyKey, labelSelector: { matchLabels: { app } } });
    const required = (app: string, key?: string): object => ({ requiredDuringSchedulingIgnoredDuringExecution: [term(app, key)] });
    const spread = (whenUnsatisfiable = 'DoNotSchedule'): object => ({ maxSkew: 1 + below(random, 2), whenUnsatisfiable, ...term(name) });
    const other = names.length > 0 ? people.pick(names) : name;
    const { topologySpreadConstraints, ...affinity } = people.pick<() => Terms>([
      () => ({ topologySpreadConstraints: [spread()] }),
      () => ({ topologySpreadConstraints: [spread(), spread('ScheduleAnyway')] }),
      () => ({ podAntiAffinity: required(name, HOST) }),
      () => ({ podAntiAffinity: required(other) }),
      () => ({ podAffinity: required(other) }),
      () => ({ podAffinity: required(name) }),
      () => ({ podAffinity: required(other, ZONE), podAntiAffinity: required(name, HOST), topologySpreadConstraints: [spread()] }),
    ])();
    return { ...(topologySpreadConstraints && { topologySpreadConstraints }), affinity: { ...affinity, ...taste() } };
  };
  const make = async (): Promise<void> => {
    const name = `apart-${people.number()}`;
    const own = terms(name);
    const container = { name: 'c', image: 'apart', resources: { requests: { cpu: '50m', memory: '16Mi' } } };
    const template = { metadata: { labels: { app: name }, annotations: { 'coracle.dev/hollow-stop': `${below(random, 8)}s` } }, spec: { ...own, terminationGracePeriodSeconds: 10, containers: [container] } };
    const replicas = 1 + below(random, 5);
    names.push(name);
    await people.attempt(`create ${name} ${replicas} ${JSON.stringify(own)}`, () => client.create(deployments, { metadata: { namespace: NAMESPACE, name }, spec: { replicas, selector: { matchLabels: { app: name } }, template } as unknown as DeploymentSpec }));
  };
  const patch = async (what: string, spec: object): Promise<void> => {
    const name = people.pick(names);
    await people.attempt(`${what} ${name}`, () => client.patch(deployments, { namespace: NAMESPACE, name }, { type: 'application/strategic-merge-patch+json', body: { spec } }));
  };
  const scale = (): Promise<void> => {
    const replicas = below(random, 7);
    return patch(`scale to ${replicas}`, { replicas });
  };
  const roll = (): Promise<void> => patch('roll', { template: { spec: { containers: [{ name: 'c', image: `apart:${people.number()}` }] } } });
  const remove = async (): Promise<void> => {
    const [name = ''] = names.splice(below(random, names.length), 1);
    await people.attempt(`delete ${name}`, () => client.delete(deployments, { namespace: NAMESPACE, name }));
  };
  return {
    begin: make,
    menu: () => [
      [names.length < MAX_WORKLOADS ? 6 : 0, make],
      [names.length > 0 ? 8 : 0, scale],
      [names.length > 0 ? 6 : 0, roll],
      [names.length > 0 ? 2 : 0, remove],
    ],
  };
}
