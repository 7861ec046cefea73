import { nodes, pods } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { Client } from '../client/client.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor, type FakeObject } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import type { Machine } from './machine.ts';
import { type Kubelet, startKubelet } from './run.ts';
import { HollowRuntime } from './runtime/hollow.ts';

const MACHINE: Machine = { cpus: 4, memoryBytes: 8 * 2 ** 30, diskBytes: 2 ** 40, machineId: 'm', systemUuid: 's', bootId: 'b', kernelVersion: '6', osImage: 'Linux', architecture: 'amd64' };
const log = { info: () => undefined, warn: () => undefined };

interface World {
  readonly clock: VirtualClock;
  readonly door: FakeDoor;
  readonly client: Client;
  readonly runtime: HollowRuntime;
  kubelet: Kubelet;
}

const open: World[] = [];
afterEach(async () => {
  for (const { kubelet, runtime } of open.splice(0)) {
    await kubelet.stop();
    await runtime.close();
  }
});

async function begin(world: Omit<World, 'kubelet'>): Promise<Kubelet> {
  const { clock, client, runtime } = world;
  const kubelet = await startKubelet({
    client, runtime, clock, log, nodeName: 'n1', directory: '', random: seededRandom(1), addresses: [{ type: 'InternalIP', address: '192.0.2.1' }], port: 10250, isSimulated: true, machine: MACHINE, maxPods: 3,
  });
  await clock.advance(1000);
  await kubelet.ready;
  return kubelet;
}

async function world(): Promise<World> {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'kubelet/test' });
  const runtime = new HollowRuntime({ clock, random: seededRandom(2), podCidr: () => '10.244.0.0/24' });
  const parts = { clock, door, client, runtime };
  const made = { ...parts, kubelet: await begin(parts) };
  open.push(made);
  return made;
}

async function create({ client, clock }: World, name: string, spec: object = {}, annotations: Record<string, string> = {}): Promise<void> {
  const pod = { metadata: { name, namespace: 'default', annotations }, spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'app:1', imagePullPolicy: 'IfNotPresent' }], terminationGracePeriodSeconds: 30, ...spec } };
  await client.create(pods, pod as Pod);
  await clock.advance(100);
}

function pod({ door }: World, name: string): FakeObject & { status: NonNullable<Pod['status']> } {
  return door.objects('pods').find(({ metadata }) => metadata.name === name) as FakeObject & { status: NonNullable<Pod['status']> };
}

function events({ door }: World): string[] {
  return door.objects('events').map((event) => `${String(event['type'])} ${String(event['reason'])}: ${String(event['message'])}`);
}

/** As the API server begins a deletion: it stamps the object and leaves the rest to the kubelet. */
async function remove(w: World, name: string, graceSeconds: number): Promise<void> {
  const body = { metadata: { deletionTimestamp: new Date(w.clock.now()).toISOString(), deletionGracePeriodSeconds: graceSeconds, finalizers: ['test/keep'] } };
  await w.client.patch(pods, { namespace: 'default', name }, { type: 'application/merge-patch+json', body });
  await w.clock.advance(100);
}

test('a pod is run, with its images, events and status', async () => {
  const w = await world();
  await create(w, 'web');
  const { status } = pod(w, 'web');
  expect([status.phase, status.podIP, status.containerStatuses?.[0]?.ready]).toEqual(['Running', '10.244.0.2', true]);
  await w.clock.advance(10_000);
  expect(events(w)).toEqual([
    'Normal Pulling: Pulling image "app:1"',
    expect.stringMatching(/^Normal Pulled: Successfully pulled image "app:1" in 0s \(0s including waiting\)/),
    'Normal Created: Container created',
    'Normal Started: Container started',
  ]);
  expect(w.kubelet.backend.container('default', 'web', '')).toMatchObject({ running: true });
});

test('a container that fails again and again is started later and later', async () => {
  const w = await world();
  await create(w, 'web', {}, { 'coracle.dev/hollow-run': '1s', 'coracle.dev/hollow-exit-code': '1' });
  const seen: number[] = [];
  for (let second = 0; second < 80; second++) {
    await w.clock.advance(1000);
    const [app] = pod(w, 'web').status.containerStatuses ?? [];
    if (app && app.restartCount > seen.length) seen.push(second + 1);
  }
  // At once after the first failure, then 10, 20 and 40 seconds after the end of the run before, which takes a second.
  expect(seen).toEqual([1, 13, 34, 75].map((at) => expect.closeTo(at, -0.7)));
  const [app] = pod(w, 'web').status.containerStatuses ?? [];
  expect(app?.state?.waiting).toMatchObject({ reason: 'CrashLoopBackOff', message: expect.stringContaining('back-off 1m20s restarting failed container=app pod=web_default(') });
  const [container] = (await w.runtime.listContainers()).filter(({ state }) => state === 'exited');
  expect((await w.runtime.listContainers()).length).toBe(2);
  expect(container).toBeDefined();
});

test('a pod that runs once ends, gives back its sandbox and is not run again by the next kubelet', async () => {
  const w = await world();
  await create(w, 'job', { restartPolicy: 'Never' }, { 'coracle.dev/hollow-run': '5s' });
  await w.clock.advance(6000);
  expect(pod(w, 'job').status.phase).toBe('Succeeded');
  expect((await w.runtime.listSandboxes()).map(({ state }) => state)).toEqual(['notready']);
  await w.kubelet.stop();
  w.kubelet = await begin(w);
  await w.clock.advance(5000);
  expect((await w.runtime.listContainers()).length).toBe(1);
  expect(pod(w, 'job').status.phase).toBe('Succeeded');
});

test('the next kubelet finds what runs and starts nothing twice', async () => {
  const w = await world();
  await create(w, 'web');
  const before = (await w.runtime.listContainers()).map(({ id }) => id);
  const { containerStatuses } = pod(w, 'web').status;
  await w.kubelet.stop();
  w.kubelet = await begin(w);
  await w.clock.advance(60_000);
  expect((await w.runtime.listContainers()).map(({ id }) => id)).toEqual(before);
  expect(pod(w, 'web').status.containerStatuses).toEqual(containerStatuses);
});

test('what is left of pods that are no more is removed', async () => {
  const w = await world();
  await create(w, 'web');
  await w.kubelet.stop();
  await w.client.delete(pods, { namespace: 'default', name: 'web' });
  w.kubelet = await begin(w);
  expect([await w.runtime.listSandboxes(), await w.runtime.listContainers()]).toEqual([[], []]);
});

test('a deleted pod is ended, its end is told, then its object goes', async () => {
  const w = await world();
  await create(w, 'web');
  await remove(w, 'web', 30);
  const { status } = pod(w, 'web');
  expect([status.phase, status.containerStatuses?.[0]?.state?.terminated?.exitCode]).toEqual(['Failed', 143]);
  expect(await w.runtime.listSandboxes()).toEqual([]);
  const last = w.door.calls.filter(({ resource, verb }) => resource === 'pods' && verb === 'delete').at(-1);
  expect(last?.body).toMatchObject({ gracePeriodSeconds: 0, preconditions: { uid: pod(w, 'web').metadata.uid } });
  await w.clock.advance(10_000);
  expect(events(w)).toContain('Normal Killing: Stopping container app');
});

test('a pod whose object vanished is ended all the same', async () => {
  const w = await world();
  await create(w, 'web');
  await w.client.delete(pods, { namespace: 'default', name: 'web' });
  await w.clock.advance(1000);
  expect(await w.runtime.listSandboxes()).toEqual([]);
});

test('a pod may be active only so long', async () => {
  const w = await world();
  await create(w, 'web', { activeDeadlineSeconds: 20 });
  await w.clock.advance(15_000);
  expect(pod(w, 'web').status.phase).toBe('Running');
  await w.clock.advance(6000);
  expect(pod(w, 'web').status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' });
});

test('an image that cannot be pulled is asked for later and later, and comes at last', async () => {
  const w = await world();
  let pulls = 0;
  const pull = w.runtime.pullImage.bind(w.runtime);
  w.runtime.pullImage = async (reference) => {
    if (++pulls < 3) throw new Error('no such image');
    return pull(reference);
  };
  await create(w, 'web');
  const waiting = (): unknown => pod(w, 'web').status.containerStatuses?.[0]?.state?.waiting;
  expect(waiting()).toEqual({ reason: 'ErrImagePull', message: 'no such image' });
  await w.clock.advance(9000);
  expect(pulls).toBe(1);
  await w.clock.advance(3000);
  expect(pulls).toBe(2);
  await w.clock.advance(21_000);
  expect(pod(w, 'web').status.phase).toBe('Running');
});

test('a refusal is written again until the server has it', async () => {
  const w = await world();
  const patch = w.door.call.bind(w.door);
  let failures = 0;
  w.door.call = async (call) => {
    if (call.verb === 'patch' && call.resource === 'pods' && failures++ < 2) throw new ApiError({ code: 503, reason: 'ServiceUnavailable' });
    return patch(call);
  };
  await create(w, 'big', { containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu: '1000' } } }] });
  await w.clock.advance(5_000);
  expect([failures, pod(w, 'big').status.phase]).toEqual([3, 'Failed']);
});

describe('a pod is refused', () => {
  const rows: Record<string, [object, string, string]> = {
    'that asks for more than the node has': [
      { containers: [{ name: 'app', resources: { requests: { cpu: '5' } } }] },
      'OutOfcpu', "Pod was rejected: Node didn't have enough resource: cpu, requested: 5000, used: 0, capacity: 4000",
    ],
    'whose selector does not fit': [{ nodeSelector: { disk: 'ssd' } }, 'NodeAffinity', "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
    'whose port is taken': [
      { containers: [{ name: 'app', ports: [{ containerPort: 80, hostPort: 8080 }] }] },
      'NodePorts', "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    ],
    'that asks for what the node cannot do, by name': [
      { hostUsers: false, containers: [{ name: 'app', volumeDevices: [{ name: 'v', devicePath: '/dev/v' }] }] },
      'Unsupported', 'Pod was rejected: this node does not support user namespaces (hostUsers: false), block devices (volumeDevices)',
    ],
    'of another system': [{ os: { name: 'windows' } }, 'PodOSNotSupported', "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS"],
  };
  test.each(Object.entries(rows))('%s', async (_, [spec, reason, message]) => {
    const w = await world();
    await create(w, 'first', { containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 80, hostPort: 8080 }] }] });
    await create(w, 'web', spec);
    expect(pod(w, 'web').status).toMatchObject({ phase: 'Failed', reason, message });
    expect((await w.runtime.listSandboxes()).length).toBe(1);
  });
});

test('the node is registered, its lease renewed and its status written only when it changes', async () => {
  const w = await world();
  const node = await w.client.get(nodes, { name: 'n1' });
  expect(node.status?.capacity).toMatchObject({ cpu: '4', memory: '8388608Ki', pods: '3' });
  expect(node.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True', reason: 'KubeletReady' });
  const statusWrites = (): number => w.door.calls.filter(({ resource, subresource }) => resource === 'nodes' && subresource === 'status').length;
  const before = statusWrites();
  await w.clock.advance(60_000);
  const [lease] = w.door.objects('leases.coordination.k8s.io');
  const spec = lease?.['spec'] as { renewTime: string; holderIdentity: string };
  expect(spec.holderIdentity).toBe('n1');
  expect(w.clock.now() - Date.parse(spec.renewTime)).toBeLessThanOrEqual(11_000);
  expect(statusWrites()).toBe(before);
  await w.clock.advance(300_000);
  expect(statusWrites()).toBe(before + 1);
});
