/** Pods that are alike share what was found out about them; what sets them apart must still count. */
import type { ApiObject } from '../../api/kind.ts';
import type { Door } from '../../api/request.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import { seededRandom } from '../../std/random.ts';
import { openTestServer, type TestServer } from '../test-server.ts';

let api: TestServer;
let door: Door;
/** What is drawn next, where a test wants to know. */
const draws: number[] = [];

beforeAll(async () => {
  const random = seededRandom(1);
  api = await openTestServer({ random: { next: () => draws.shift() ?? random.next(), bytes: random.bytes } });
  door = api.doors.direct;
  for (const namespace of ['one', 'limited']) {
    await door.call({ group: '', version: 'v1', resource: 'namespaces', verb: 'create', body: { metadata: { name: namespace } } });
    await door.call({ group: '', version: 'v1', resource: 'serviceaccounts', namespace, verb: 'create', body: { metadata: { name: 'default' } } });
  }
});
afterAll(() => api.close());

const PODS = { group: '', version: 'v1', resource: 'pods' };
const SPEC = { schedulerName: 'none', containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }] };

async function create(metadata: object, spec: object = SPEC, namespace = 'one'): Promise<Pod> {
  return (await door.call({ ...PODS, namespace, verb: 'create', body: { metadata, spec } })) as unknown as Pod;
}

async function warningsOf(metadata: object): Promise<string | undefined> {
  const { headers } = await api.http('POST', '/api/v1/namespaces/one/pods?dryRun=All', { body: JSON.stringify({ metadata, spec: SPEC }) });
  return headers['warning'] as string | undefined;
}

const change = (name: string, edit: (pod: Pod) => void): Promise<Pod> =>
  door.call({ ...PODS, namespace: 'one', verb: 'get', name }).then((found) => {
    const pod = JSON.parse(JSON.stringify(found)) as Pod;
    edit(pod);
    return door.call({ ...PODS, namespace: 'one', verb: 'update', name, body: pod }) as unknown as Promise<Pod>;
  });

/** So many that what is known of the last has been remembered. */
async function several(prefix: string, spec: object = SPEC): Promise<Pod[]> {
  const pods = [];
  for (let i = 0; i < 3; i++) pods.push(await create({ name: `${prefix}-${i}` }, spec));
  return pods;
}

test('pods that were sent alike are stored alike, and each is its own', async () => {
  const [a, b, c] = await several('same');
  expect(b?.spec).toEqual(a?.spec);
  expect(c?.spec).toEqual(a?.spec);
  expect(new Set([a, b, c].map((pod) => pod?.metadata.uid)).size).toBe(3);
  expect(a?.spec.volumes?.[0]?.name).toMatch(/^kube-api-access-/);
});

test('a claim that is named after its pod is checked with each name', async () => {
  const template = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
  const spec = { ...SPEC, volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: template } }] };
  await several('claim', spec);
  await expect(create({ name: `claim-${'x'.repeat(245)}` }, spec)).rejects.toMatchObject({ code: 422, message: expect.stringContaining('PVC name') });
});

test('annotations change what is made of a specification and what is said of it', async () => {
  await several('annotated');
  const profile = { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' };
  expect((await create({ name: 'armed', annotations: profile })).spec.containers[0]?.securityContext).toEqual({ appArmorProfile: { type: 'Unconfined' } });
  expect(await warningsOf({ name: 'told', annotations: profile })).toContain('deprecated since v1.30');
  const other = { 'container.apparmor.security.beta.kubernetes.io/d': 'unconfined' };
  await expect(create({ name: 'wrong', annotations: other })).rejects.toMatchObject({ code: 422, message: expect.stringContaining('container not found') });
  await expect(create({ name: 'mirror', annotations: { 'kubernetes.io/config.mirror': 'x' } }, { ...SPEC, serviceAccountName: '' })).rejects.toMatchObject({ code: 422 });
  expect((await create({ name: 'plain' })).spec.containers[0]?.securityContext).toBeUndefined();
  expect(await warningsOf({ name: 'told' })).toBeUndefined();
});

test('labels of a pod go into its affinities', async () => {
  const term = { topologyKey: 'z', labelSelector: { matchLabels: { a: 'b' } }, matchLabelKeys: ['hash'] };
  const spec = { ...SPEC, affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
  const values = [];
  for (const hash of ['1', '1', '2', '1']) {
    const pod = await create({ name: `hash-${values.length}`, labels: { hash } }, spec);
    values.push(pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.[0]?.labelSelector?.matchExpressions?.flatMap((one) => one.values));
  }
  expect(values).toEqual([['1'], ['1'], ['2'], ['1']]);
});

test('what admission changes in one namespace stays there', async () => {
  const limits = { limits: [{ type: 'Container', default: { memory: '1Gi' } }] };
  await door.call({ group: '', version: 'v1', resource: 'limitranges', namespace: 'limited', verb: 'create', body: { metadata: { name: 'l' }, spec: limits } });
  const [first] = await several('limits');
  expect((await create({ name: 'a' }, SPEC, 'limited')).spec.containers[0]?.resources?.limits).toEqual({ memory: '1Gi' });
  expect((await create({ name: 'limits-last' })).spec).toEqual(first?.spec);
});

test('a wrong specification is refused each time it comes', async () => {
  for (let i = 0; i < 3; i++) {
    await expect(create({ name: `bad-${i}` }, { ...SPEC, containers: [{ name: 'C', image: 'i' }] })).rejects.toMatchObject({ code: 422, message: expect.stringContaining('spec.containers[0].name') });
  }
});

test('an update may change what may be changed, and nothing else', async () => {
  await several('update');
  const relabelled = await change('update-1', (pod) => (pod.metadata.labels = { a: 'b' }));
  expect([relabelled.metadata.labels, relabelled.metadata.generation]).toEqual([{ a: 'b' }, 1]);
  const moved = await change('update-1', (pod) => ((pod.spec.containers[0] as { image: string }).image = 'j'));
  expect([moved.spec.containers[0]?.image, moved.metadata.generation]).toEqual(['j', 2]);
  await expect(change('update-1', (pod) => ((pod.spec.containers[0] as { command?: string[] }).command = ['x']))).rejects.toMatchObject({
    code: 422, message: expect.stringContaining('pod updates may not change fields other than'),
  });
  await expect(change('update-1', (pod) => (pod.metadata.labels = { a: '-' }))).rejects.toMatchObject({ code: 422, message: expect.stringContaining('metadata.labels') });
  const others = await Promise.all(['update-0', 'update-2'].map((name) => door.call({ ...PODS, namespace: 'one', verb: 'get', name }) as unknown as Promise<Pod>));
  expect(others.map((pod) => pod.spec.containers[0]?.image)).toEqual(['i', 'i']);
});

test('who owns what follows each change', async () => {
  await several('owned');
  const patched = (await door.call({
    ...PODS, namespace: 'one', verb: 'patch', name: 'owned-1', patchType: 'application/merge-patch+json', query: { fieldManager: 'other' }, body: { metadata: { labels: { a: 'b' } } },
  })) as ApiObject;
  const owners = (pod: ApiObject): string[] => (pod.metadata.managedFields as { manager: string; fieldsV1: object }[]).filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('f:labels')).map(({ manager }) => manager);
  expect(owners(patched)).toEqual(['other']);
  expect(owners((await door.call({ ...PODS, namespace: 'one', verb: 'get', name: 'owned-2' })) as ApiObject)).toEqual([]);
});

test('a name that is drawn twice is drawn again', async () => {
  draws.push(0, 0, 0, 0, 0);
  const taken = await create({ generateName: 'drawn-' }, { ...SPEC, automountServiceAccountToken: false });
  draws.push(0, 0, 0, 0, 0);
  const other = await create({ generateName: 'drawn-' }, { ...SPEC, automountServiceAccountToken: false });
  expect(other.metadata.name).not.toBe(taken.metadata.name);
  expect(other.spec).toEqual(taken.spec);
});
