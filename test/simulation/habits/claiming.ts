/** Pods that want devices, each its own or some together; nodes that have a few. */
import { deviceclasses, nodes, pods, resourceclaims, resourceclaimtemplates, resourceslices, type ResourceRef } from '../../../api/resources.ts';
import type { PodSpec } from '../../../api/types/core.v1.ts';
import { below } from '../../../std/random.ts';
import type { Habit, People } from './habit.ts';

const NAMESPACE = 'red';
const DRIVER = 'gear.simulation.test';
const CLASS = 'gear';
const TEMPLATE = 'own-gear';
const DEVICES = 2;
const MAX_PODS = 6;
const MAX_SHARED = 2;

export function claiming(people: People): Habit {
  const { client, random } = people;
  const made: string[] = [];
  const shared: string[] = [];
  const requests = (count: number): object => ({ devices: { requests: [{ name: 'gear', exactly: { deviceClassName: CLASS, allocationMode: 'ExactCount', count } }] } });
  const create = (resource: ResourceRef<object>, what: string, object: object): Promise<void> => people.insist(what, () => client.create(resource, object as never));

  const equip = async (): Promise<void> => {
    const found = await client.list(nodes).catch(() => undefined);
    for (const { metadata: { name } } of found?.items ?? []) {
      const devices = Array.from({ length: DEVICES }, (_, i) => ({ name: `gear-${i}` }));
      await people.attempt(`gear of ${name}`, () => client.create(resourceslices, { metadata: { name: `gear-${name}` }, spec: { driver: DRIVER, nodeName: name, pool: { name, generation: 1, resourceSliceCount: 1 }, devices } } as never));
    }
  };
  const makePod = async (): Promise<void> => {
    const name = `geared-${people.number()}`;
    const own = { name: 'own', resourceClaimTemplateName: TEMPLATE };
    const claim = shared.length > 0 && random.next() < 0.5 ? people.pick(shared) : undefined;
    const resourceClaims = claim === undefined ? [own] : [{ name: 'shared', resourceClaimName: claim }, ...(random.next() < 0.4 ? [own] : [])];
    const container = { name: 'c', image: 'geared', resources: { requests: { cpu: people.pick(['50m', '50m', '700m']), memory: '16Mi' }, claims: resourceClaims.map((one) => ({ name: one.name })) } };
    made.push(name);
    await people.attempt(`create ${name} ${JSON.stringify(resourceClaims)}`, () => client.create(pods, { metadata: { namespace: NAMESPACE, name, labels: { app: name } }, spec: { terminationGracePeriodSeconds: 5, restartPolicy: 'Never', resourceClaims, containers: [container] } as unknown as PodSpec }));
  };
  const share = async (): Promise<void> => {
    const name = `shared-${people.number()}`;
    shared.push(name);
    await people.attempt(`create claim ${name}`, () => client.create(resourceclaims, { metadata: { namespace: NAMESPACE, name }, spec: requests(1 + below(random, 2)) } as never));
    for (let i = below(random, 3); i > 0; i--) await makePod();
  };
  const remove = async (resource: ResourceRef<object>, names: string[]): Promise<void> => {
    const [name = ''] = names.splice(below(random, names.length), 1);
    await people.attempt(`delete ${resource.resource} ${name}`, () => client.delete(resource, { namespace: NAMESPACE, name }));
  };
  return {
    async begin() {
      await create(deviceclasses, 'device class', { metadata: { name: CLASS }, spec: { selectors: [{ cel: { expression: `device.driver == '${DRIVER}'` } }] } });
      await equip();
      await create(resourceclaimtemplates, 'claim template', { metadata: { namespace: NAMESPACE, name: TEMPLATE }, spec: { spec: requests(1) } });
      await share();
    },
    menu: () => [
      [made.length < MAX_PODS ? 14 : 0, makePod],
      [shared.length < MAX_SHARED ? 4 : 0, share],
      [made.length > 0 ? 10 : 0, () => remove(pods, made)],
      [shared.length > 0 ? 2 : 0, () => remove(resourceclaims, shared)],
      [1, equip],
    ],
  };
}
