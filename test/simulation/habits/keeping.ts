/** Volumes and claims, of StatefulSets and alone, deleted at the wrong moment too. */
import { nodes, persistentvolumeclaims, persistentvolumes, pods, statefulsets, storageclasses } from '../../../api/resources.ts';
import type { PersistentVolumeClaimSpec, PersistentVolumeSpec, PodSpec } from '../../../api/types/core.v1.ts';
import type { StatefulSetSpec } from '../../../api/types/apps.v1.ts';
import { below } from '../../../std/random.ts';
import type { Habit, People } from './habit.ts';

const NAMESPACE = 'red';
/** Made as they are wanted; where the pod is; from a pool. */
const CLASSES = { 'made-waiting': 'coracle.dev/local-path', 'pinned-waiting': 'kubernetes.io/no-provisioner', pool: 'kubernetes.io/no-provisioner' } as const;
type Class = keyof typeof CLASSES;
const MAX_SETS = 2;
const MAX_ALONE = 3;
const POOL = 4;

export function keeping(people: People): Habit {
  const { client, random } = people;
  const sets: string[] = [];
  const alone: string[] = [];
  const claim = (name: Class): PersistentVolumeClaimSpec => ({ storageClassName: name, accessModes: [people.pick(['ReadWriteOnce', 'ReadWriteOncePod'])], resources: { requests: { storage: '1Gi' } } });
  const container = { name: 'c', image: 'keeper', resources: { requests: { cpu: '100m', memory: '16Mi' } } };

  const stock = async (name: Class): Promise<void> => {
    const found = name === 'pool' ? undefined : await client.list(nodes).catch(() => undefined);
    const node = found && people.pick(found.items)?.metadata.name;
    if (name !== 'pool' && node === undefined) return;
    const spec = {
      storageClassName: name, capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'], persistentVolumeReclaimPolicy: 'Retain',
      ...(node === undefined ? { nfs: { server: 'far', path: '/' } } : { local: { path: '/data' }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] } } }),
    } as unknown as PersistentVolumeSpec;
    const volume = `v-${people.number()}`;
    await people.attempt(`create volume ${volume} ${name} ${node ?? ''}`, () => client.create(persistentvolumes, { metadata: { name: volume }, spec }));
  };
  const makeSet = async (): Promise<void> => {
    const name = `keeper-${people.number()}`;
    const policy = { whenDeleted: people.pick(['Retain', 'Delete']), whenScaled: people.pick(['Retain', 'Delete']) };
    const spec = {
      replicas: 1 + below(random, 3), serviceName: name, selector: { matchLabels: { app: name } }, podManagementPolicy: people.pick(['OrderedReady', 'Parallel']), persistentVolumeClaimRetentionPolicy: policy,
      template: { metadata: { labels: { app: name }, annotations: { 'coracle.dev/hollow-stop': '3s' } }, spec: { terminationGracePeriodSeconds: 10, containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/data' }] }] } },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim(people.pick(['made-waiting', 'made-waiting', 'pinned-waiting', 'pool'] as const)) }],
    } as unknown as StatefulSetSpec;
    sets.push(name);
    await people.attempt(`create keeper ${name} ${JSON.stringify(policy)}`, () => client.create(statefulsets, { metadata: { namespace: NAMESPACE, name }, spec }));
  };
  const scaleSet = async (): Promise<void> => {
    const name = people.pick(sets);
    const replicas = below(random, 4);
    await people.attempt(`scale keeper ${name} to ${replicas}`, () => client.patch(statefulsets, { namespace: NAMESPACE, name }, { type: 'application/merge-patch+json', body: { spec: { replicas } } }));
  };
  const removeSet = async (): Promise<void> => {
    const [name = ''] = sets.splice(below(random, sets.length), 1);
    await people.attempt(`delete keeper ${name}`, () => client.delete(statefulsets, { namespace: NAMESPACE, name }, { propagationPolicy: people.pick(['Background', 'Foreground']) }));
  };
  const podSpec = (name: string): PodSpec => ({ terminationGracePeriodSeconds: 10, containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }] }) as unknown as PodSpec;
  const makePod = (name: string, pod = name): Promise<boolean> => people.attempt(`create pod ${pod} with claim ${name}`, () => client.create(pods, { metadata: { namespace: NAMESPACE, name: pod, labels: { app: name } }, spec: podSpec(name) }));
  const makeAlone = async (): Promise<void> => {
    const name = `loner-${people.number()}`;
    const kind = people.pick(['made-waiting', 'pinned-waiting', 'pool'] as const);
    alone.push(name);
    await people.attempt(`create claim ${name} ${kind}`, () => client.create(persistentvolumeclaims, { metadata: { namespace: NAMESPACE, name }, spec: claim(kind) }));
    if (random.next() < 0.8) await makePod(name);
  };
  /** The claim first, or the pod first, or one of them alone for a while. */
  const removeAlone = async (): Promise<void> => {
    const [name = ''] = alone.splice(below(random, alone.length), 1);
    const key = { namespace: NAMESPACE, name };
    const order = random.next() < 0.5 ? ([persistentvolumeclaims, pods] as const) : ([pods, persistentvolumeclaims] as const);
    for (const resource of order) {
      await people.insist(`delete ${resource.resource} ${name}`, () => client.delete(resource as typeof pods, key));
      if (random.next() < 0.3) await makePod(name, `${name}-late`);
      await people.clockTick();
    }
    await people.insist(`delete pod ${name}-late`, () => client.delete(pods, { ...key, name: `${name}-late` }));
  };
  /** Somebody cleans up, in use or not. */
  const removeVolume = async (): Promise<void> => {
    const found = await client.list(persistentvolumes).catch(() => undefined);
    const volume = found && found.items.length > 0 ? people.pick(found.items) : undefined;
    if (!volume) return;
    const { name } = volume.metadata;
    await people.attempt(`delete volume ${name}, which is ${volume.status?.phase}`, () => client.delete(persistentvolumes, { name }));
  };
  return {
    async begin() {
      for (const [name, provisioner] of Object.entries(CLASSES)) await people.insist(`class ${name}`, () => client.create(storageclasses, { metadata: { name }, provisioner, volumeBindingMode: name === 'pool' ? 'Immediate' : 'WaitForFirstConsumer', reclaimPolicy: 'Delete' }));
      for (let i = 0; i < POOL; i++) await stock(i % 2 === 0 ? 'pool' : 'pinned-waiting');
      await makeSet();
    },
    menu: () => [
      [sets.length < MAX_SETS ? 4 : 0, makeSet],
      [sets.length > 0 ? 6 : 0, scaleSet],
      [sets.length > 0 ? 2 : 0, removeSet],
      [alone.length < MAX_ALONE ? 5 : 0, makeAlone],
      [alone.length > 0 ? 4 : 0, removeAlone],
      [3, () => stock(people.pick(['pool', 'pinned-waiting'] as const))],
      [2, removeVolume],
    ],
  };
}
