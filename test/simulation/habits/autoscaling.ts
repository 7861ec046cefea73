/** Deployments that are as large as their use of CPU asks for. */
import { deployments, horizontalpodautoscalers } from '../../../api/resources.ts';
import type { DeploymentSpec } from '../../../api/types/apps.v1.ts';
import { below } from '../../../std/random.ts';
import type { Habit, People } from './habit.ts';

const NAMESPACE = 'red';
const MAX_SCALERS = 2;

export function autoscaling(people: People): Habit {
  const { client, random } = people;
  const names: string[] = [];

  const make = async (): Promise<void> => {
    const name = `elastic-${people.number()}`;
    const key = { namespace: NAMESPACE, name };
    const load = (): string => `${20 + below(random, 180)}m`;
    const annotations = { 'coracle.dev/hollow-ready': '2s', 'coracle.dev/hollow-cpu': `0s=${load()},${40 + below(random, 60)}s=${load()},${140 + below(random, 60)}s=${load()}` };
    const container = { name: 'c', image: 'elastic', resources: { requests: { cpu: '100m', memory: '16Mi' } } };
    const spec = { replicas: 1, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name }, annotations }, spec: { terminationGracePeriodSeconds: 5, containers: [container] } } } as unknown as DeploymentSpec;
    const minReplicas = 1 + below(random, 2);
    const scaling = {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas,
      maxReplicas: minReplicas + 1 + below(random, 4),
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 100 } } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: people.pick([0, 30, 60, 120]) }, ...people.pick([{}, { scaleUp: { stabilizationWindowSeconds: 15, policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }] } }]) },
    };
    names.push(name);
    await people.attempt(`create elastic ${name} ${JSON.stringify(annotations)} ${scaling.minReplicas}-${scaling.maxReplicas}`, () => client.create(deployments, { metadata: key, spec }));
    await people.attempt('autoscaler', () => client.create(horizontalpodautoscalers, { metadata: key, spec: scaling as never }));
  };
  const bounds = async (): Promise<void> => {
    const name = people.pick(names);
    const minReplicas = 1 + below(random, 3);
    const spec = { minReplicas, maxReplicas: minReplicas + below(random, 4) };
    await people.attempt(`bounds of ${name} ${JSON.stringify(spec)}`, () => client.patch(horizontalpodautoscalers, { namespace: NAMESPACE, name }, { type: 'application/merge-patch+json', body: { spec } }));
  };
  const remove = async (): Promise<void> => {
    const [name = ''] = names.splice(below(random, names.length), 1);
    for (const resource of [horizontalpodautoscalers, deployments]) await people.insist(`delete ${resource.resource} ${name}`, () => client.delete(resource as typeof deployments, { namespace: NAMESPACE, name }));
  };
  return {
    begin: make,
    menu: () => [
      [names.length < MAX_SCALERS ? 4 : 0, make],
      [names.length > 0 ? 4 : 0, bounds],
      [names.length > 0 ? 1 : 0, remove],
    ],
  };
}
