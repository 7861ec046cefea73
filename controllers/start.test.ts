import { deployments, namespaces } from '../api/resources.ts';
import type { ApiCall, Door } from '../api/request.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import { startControllers, type StartOptions } from './start.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

function open(options: Partial<StartOptions> = {}) {
  const clock = new VirtualClock();
  const fake = new FakeDoor({ now: () => clock.now() });
  /** Who wrote what: `deployment-controller create replicasets`. */
  const writes = new Set<string>();
  const door = (account = 'manager'): Door => ({
    call(call: ApiCall) {
      if (!['get', 'list'].includes(call.verb) && !['events', 'leases'].includes(call.resource)) writes.add(`${account} ${call.verb} ${call.resource}${call.subresource ? `/${call.subresource}` : ''}`);
      return fake.call(call);
    },
    watch: (call) => fake.watch(call),
  });
  const running = startControllers({ door, clock, random: seededRandom(1), log, ...options });
  return { clock, fake, writes, running, client: openClient(fake, { userAgent: 'test' }) };
}

test('a Deployment becomes pods, and each step is taken under the account of its controller', async () => {
  const { clock, fake, writes, running, client } = open({ chosen: ['deployment-controller', 'replicaset-controller', 'serviceaccount-controller'] });
  await clock.advance(100);
  await client.create(namespaces, { metadata: { name: 'a' }, spec: {} });
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'x' }] } };
  const strategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  await client.create(deployments, { metadata: { name: 'web', namespace: 'a' }, spec: { replicas: 20, selector: { matchLabels: { app: 'web' } }, template, strategy } });
  await clock.advance(5000);
  expect(fake.objects('pods')).toHaveLength(20);
  expect((await client.get(deployments, { namespace: 'a', name: 'web' })).status).toMatchObject({ observedGeneration: 1, replicas: 20, updatedReplicas: 20, unavailableReplicas: 20 });
  expect([...writes].toSorted()).toEqual([
    'deployment-controller create replicasets',
    'deployment-controller update deployments/status',
    'replicaset-controller create pods',
    'replicaset-controller update replicasets/status',
    'service-account-controller create serviceaccounts',
  ]);
  const quiet = (): number => fake.calls.filter(({ verb, resource }) => verb !== 'watch' && resource !== 'events').length;
  const settled = quiet();
  await clock.advance(120_000);
  expect(quiet()).toBe(settled);
  await running.stop();
  await clock.advance(100);
  expect(fake.watchers).toBe(0);
});

test('of two that stand for the lease one works, and the other takes over when it stops', async () => {
  const first = open({ chosen: ['serviceaccount-controller'], leaderElect: true });
  const { clock, fake, client } = first;
  await clock.advance(100);
  const second = startControllers({ door: () => fake, clock, random: seededRandom(2), log, chosen: ['serviceaccount-controller'], leaderElect: true });
  await client.create(namespaces, { metadata: { name: 'a' }, spec: {} });
  await clock.advance(5000);
  expect(fake.calls.filter(({ verb, resource }) => verb === 'create' && resource === 'serviceaccounts')).toHaveLength(1);
  await first.running.stop();
  await clock.advance(10_000);
  await client.create(namespaces, { metadata: { name: 'b' }, spec: {} });
  await clock.advance(1000);
  expect(fake.objects('serviceaccounts').map(({ metadata }) => metadata.namespace)).toEqual(['a', 'b']);
  await second.stop();
});

test('a name that is no controller is refused', () => {
  expect(() => open({ chosen: ['deployments-controller'] })).toThrow('there is no controller deployments-controller');
});

test('a name with a minus is left out of all the others', async () => {
  const { running } = open({ chosen: ['*', '-deployment-controller'] });
  await running.stop();
  expect(() => open({ chosen: ['*', '-no-such-controller'] })).toThrow('there is no controller no-such-controller');
});
