/** Each rule is told short histories: the one that breaks it, and one beside it that nobody could have known better. */
import type { Raw } from '../picture.ts';
import { autoscalerRule } from './autoscalers.ts';
import { cronJobRule } from './cronjobs.ts';
import { deviceRule } from './devices.ts';
import { garbageRule } from './garbage.ts';
import { hookRule } from './hooks.ts';
import { INDEX, indexRule } from './indexes.ts';
import { namespaceRule } from './namespaces.ts';
import { preemptionRule } from './preemption.ts';
import { rollbackRule } from './rollbacks.ts';
import type { Rule, Scene } from './rule.ts';
import { taintRule } from './taints.ts';
import { termRule } from './terms.ts';
import { volumeRule } from './volumes.ts';
import { workloadRule } from './workloads.ts';

type Parts = Partial<Omit<Raw, 'metadata'>> & Partial<Raw['metadata']> & { readonly webhooks?: object[] };
/** Seconds, and what is written then; a text is the uid of what is deleted, a number shifts the clock on the wall. */
type Step = readonly [second: number, write: Raw | string | number];
type Row = readonly [what: string, steps: readonly Step[], says: RegExp | undefined];

const EPOCH = Date.UTC(2026, 0, 1);

/** Named after its uid. */
function object(kind: string, uid: string, { spec, status, webhooks, ...metadata }: Parts = {}): Raw {
  const namespace = ['Node', 'Namespace', 'PersistentVolume', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'].includes(kind) ? undefined : 'red';
  return { kind, metadata: { name: uid, uid, ...(namespace && { namespace }), ...metadata }, ...(spec && { spec }), ...(status && { status }), ...(webhooks && { webhooks }) } as Raw;
}

function told(rule: (scene: Scene) => Rule, steps: readonly Step[]): string[] {
  const said: string[] = [];
  const known = new Map<string, Raw>();
  let [now, shift, shiftedAt] = [0, 0, -Infinity];
  const scene: Scene = { monotonic: () => now, wall: () => EPOCH + now + shift, steadyMs: () => now - shiftedAt, isRelaxed: () => false, say: (violation) => void said.push(violation) };
  const one = rule(scene);
  for (const [second, write] of steps) {
    now = second * 1000;
    if (typeof write === 'number') {
      shift += write * 1000;
      shiftedAt = now;
      continue;
    }
    const uid = typeof write === 'string' ? write : write.metadata.uid;
    const before = known.get(uid);
    if (typeof write === 'string') known.delete(uid);
    else known.set(uid, write);
    one.changed({ now: typeof write === 'string' ? undefined : write, before });
  }
  return said;
}

function rows(rule: (scene: Scene) => Rule, table: readonly Row[]): void {
  test.each(table)('%s', (_what, steps, says) => {
    const said = told(rule, steps);
    if (says) expect(said.join('\n')).toMatch(says);
    else expect(said).toEqual([]);
  });
}

const gone = { deletionTimestamp: 'now' };

describe('cronJobRule() says when a run', () => {
  const cron = (spec: object = {}): Raw => object('CronJob', 'c', { spec: { ...spec } });
  const job = (uid: string, minute: number, parts: Parts = {}): Raw => object('Job', uid, { annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': new Date(EPOCH + minute * 60_000).toISOString() }, ownerReferences: [{ uid: 'c', kind: 'CronJob', name: 'c' }], ...parts });
  const done = { status: { conditions: [{ type: 'Complete', status: 'True' }] } };
  rows(cronJobRule, [
    ['is made a second time', [[0, cron()], [60, job('1', 1)], [61, '1'], [80, job('2', 1)]], /had its run/],
    ['is made for another time: all is well', [[0, cron()], [60, job('1', 1)], [120, job('2', 2)]], undefined],
    ['is made before its time', [[0, cron()], [30, job('1', 1)]], /before its time/],
    ['is made before its time on a clock that was just set back: nobody could know', [[0, cron()], [59, -30], [60, job('1', 1)]], undefined],
    ['is made after its deadline', [[0, cron({ startingDeadlineSeconds: 20 })], [110, job('1', 1)]], /after its deadline/],
    ['is made late, where that is no matter', [[0, cron()], [110, job('1', 1)]], undefined],
    ['is made while another goes on', [[0, cron({ concurrencyPolicy: 'Forbid' })], [60, job('1', 1)], [120, job('2', 2)]], /while 1 was running/],
    ['is made after another', [[0, cron({ concurrencyPolicy: 'Forbid' })], [60, job('1', 1)], [90, job('1', 1, done)], [120, job('2', 2)]], undefined],
    ['leaves alone what it replaces', [[0, cron({ concurrencyPolicy: 'Replace' })], [60, job('1', 1)], [120, job('2', 2)]], /without ending 1/],
    ['replaces another', [[0, cron({ concurrencyPolicy: 'Replace' })], [60, job('1', 1)], [119, job('1', 1, gone)], [120, job('2', 2)]], undefined],
    ['is made though suspended', [[0, cron()], [40, cron({ suspend: true })], [60, job('1', 1)]], /suspended/],
    ['is made in the moment of suspension', [[0, cron()], [58, cron({ suspend: true })], [60, job('1', 1)]], undefined],
  ]);
});

describe('autoscalerRule() says when a size', () => {
  const scaler = (minReplicas: number, maxReplicas: number): Raw => object('HorizontalPodAutoscaler', 'h', { spec: { scaleTargetRef: { name: 'd' }, minReplicas, maxReplicas, behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } } });
  const sized = (replicas: number): Raw => object('Deployment', 'd', { spec: { replicas } });
  rows(autoscalerRule, [
    ['is above the upper bound', [[0, sized(1)], [1, scaler(1, 3)], [20, sized(4)]], /outside of 1 to 3/],
    ['is below the lower bound', [[0, sized(3)], [1, scaler(2, 3)], [20, sized(1)]], /outside of 2 to 3/],
    ['keeps to bounds that have just changed', [[0, sized(1)], [1, scaler(1, 4)], [18, scaler(1, 3)], [20, sized(4)]], undefined],
    ['goes down too soon', [[0, sized(1)], [1, scaler(1, 5)], [20, sized(4)], [40, sized(2)]], /4 were wanted/],
    ['goes down in time', [[0, sized(1)], [1, scaler(1, 5)], [20, sized(4)], [85, sized(2)]], undefined],
    ['goes down with the upper bound', [[0, sized(1)], [1, scaler(1, 5)], [20, sized(4)], [30, scaler(1, 2)], [40, sized(2)]], undefined],
  ]);
});

describe('volumeRule() says when', () => {
  const claim = (uid: string, volumeName?: string, parts: Parts = {}): Raw => object('PersistentVolumeClaim', uid, { spec: { storageClassName: 'pool', ...(volumeName && { volumeName }) }, ...parts });
  const volume = (uid: string, owner?: string, node?: string): Raw => object('PersistentVolume', uid, { spec: { ...(owner && { claimRef: { uid: owner } }), ...(node && { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ values: [node] }] }] } } }) } });
  const pod = (uid: string, nodeName?: string, parts: Parts = {}): Raw => object('Pod', uid, { spec: { volumes: [{ persistentVolumeClaim: { claimName: 'a' } }], ...(nodeName && { nodeName }) }, ...parts });
  const set = (whenDeleted: string, whenScaled: string, replicas: number): Raw => object('StatefulSet', 's', { spec: { replicas, persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } } });
  const member = (parts: Parts = {}): Raw => claim('data-s-1', undefined, { labels: { app: 's' }, ...parts });
  const alone = { spec: { volumeName: 'v', accessModes: ['ReadWriteOncePod'] } };
  const bound: Step[] = [[0, volume('v', 'a')], [1, claim('a', 'v')]];
  rows(volumeRule, [
    ['a claim changes its volume', [...bound, [2, volume('w', 'a')], [3, claim('a', 'w')]], /went from volume v to w/],
    ['two claims have one volume', [...bound, [2, claim('b', 'v')]], /volume v was given to red\/b/],
    ['a claim takes what was not meant for it', [[0, volume('v')], [1, claim('a', 'v')]], /not meant for it/],
    ['a volume changes its claim', [...bound, [2, volume('v', 'b')]], /from one claim to another/],
    ['a claim is bound that should wait', [[0, volume('v', 'a')], [1, claim('a', 'v', { spec: { volumeName: 'v', storageClassName: 'x-waiting' } })]], /before any pod wanted it/],
    ['a claim is bound that a pod wants', [[0, pod('p')], [1, volume('v', 'a')], [2, claim('a', 'v', { spec: { volumeName: 'v', storageClassName: 'x-waiting' } })]], undefined],
    ['a claim goes while in use', [...bound, [2, pod('p', 'n')], [3, claim('a', 'v', gone)], [4, 'a']], /went while p was using it/],
    ['a claim goes after its pod', [...bound, [2, pod('p', 'n')], [3, claim('a', 'v', gone)], [4, 'p'], [5, 'a']], undefined],
    ['a claim goes with a pod that has ended', [...bound, [2, pod('p', 'n')], [3, claim('a', 'v', gone)], [4, pod('p', 'n', { status: { phase: 'Succeeded' } })], [5, 'a']], undefined],
    ['a volume goes while a claim has it', [...bound, [2, 'v']], /volume v went while/],
    ['a volume goes after its claim', [...bound, [2, 'a'], [3, 'v']], undefined],
    ['a pod is placed with an unbound claim', [[0, claim('a')], [1, pod('p')], [2, pod('p', 'n')]], /before its claim red\/a was bound/],
    ['a pod is placed far from its volume', [[0, volume('v', 'a', 'm')], [1, claim('a', 'v')], [2, pod('p')], [3, pod('p', 'n')]], /its volume is on m/],
    ['a pod is placed with a claim that goes', [...bound, [2, claim('a', 'v', gone)], [30, pod('p')], [31, pod('p', 'n')]], /was being deleted/],
    ['two pods share what is for one', [[0, volume('v', 'a')], [1, claim('a', 'v', alone)], [2, pod('p', 'n')], [3, pod('q', 'n')]], /p has red\/a for itself/],
    ['a set that keeps its claims loses one by scaling', [[0, set('Delete', 'Retain', 1)], [1, member()], [2, member(gone)]], /keeps it/],
    ['a set that keeps its claims loses one by going', [[0, set('Retain', 'Delete', 2)], [1, member()], [200, 's'], [201, member(gone)]], /keeps it/],
    ['a set loses the claim of a pod that it has', [[0, set('Delete', 'Delete', 2)], [1, member()], [2, member(gone)]], /keeps it/],
    ['a set takes its claims along', [[0, set('Delete', 'Retain', 2)], [1, member()], [2, 's'], [3, member(gone)]], undefined],
    ['a set gives up the claim of a pod too many', [[0, set('Retain', 'Delete', 1)], [1, member()], [2, member(gone)]], undefined],
  ]);
});

describe('preemptionRule() says when a pod', () => {
  const open = (uid: string): Raw => object('Node', uid, { spec: {}, status: { conditions: [{ type: 'Ready', status: 'True' }] } });
  const pod = (uid: string, cpu: string, { priority = 0, preempted = false, nominated = '', nodeName, ...parts }: Parts & { priority?: number; preempted?: boolean; nominated?: string; nodeName?: string; preemptionPolicy?: string } = {}): Raw => {
    const { preemptionPolicy, ...rest } = parts as { preemptionPolicy?: string };
    const status = { ...(preempted && { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] }), ...(nominated && { nominatedNodeName: nominated }) };
    return object('Pod', uid, { spec: { priority, ...(preemptionPolicy && { preemptionPolicy }), ...(nodeName && { nodeName }), containers: [{ resources: { requests: { cpu } } }] }, status, ...rest });
  };
  const budget = object('PodDisruptionBudget', 'b', { spec: { selector: { matchLabels: { app: 'guarded' } } }, status: { disruptionsAllowed: 0 } });
  const guarded = { labels: { app: 'guarded' } };
  const full: Step[] = [[0, open('m')], [0, open('n')], [1, pod('low', '1400m')], [2, pod('low', '1400m', { nodeName: 'n' })]];
  const taken: Step = [40, pod('low', '1400m', { nodeName: 'n', preempted: true })];
  rows(preemptionRule, [
    ['has to go for nobody', [...full, [20, pod('same', '1400m')], taken], /for nobody more important/],
    ['has to go for a polite one', [...full, [20, pod('high', '1400m', { priority: 1000, preemptionPolicy: 'Never' } as Parts)], taken], /for nobody more important/],
    ['has to go though there is room', [...full, [20, pod('high', '1400m', { priority: 1000 })], taken], /room elsewhere/],
    ['has to go because there is no room', [...full, [3, pod('other', '1400m')], [4, pod('other', '1400m', { nodeName: 'm' })], [20, pod('high', '1400m', { priority: 1000 })], taken], undefined],
    ['has to go because there was no room a moment ago', [...full, [3, pod('other', '1400m')], [4, pod('other', '1400m', { nodeName: 'm' })], [20, pod('high', '1400m', { priority: 1000 })], [38, 'other'], taken], undefined],
    ['has to go against its budget', [[0, open('m')], [0, open('n')], [0, budget], [1, pod('low', '1400m', guarded)], [2, pod('low', '1400m', { ...guarded, nodeName: 'n' })], [3, pod('other', '1400m')], [4, pod('other', '1400m', { nodeName: 'm' })], [20, pod('high', '1400m', { priority: 1000 })], [40, pod('low', '1400m', { ...guarded, nodeName: 'n', preempted: true })]], /against its budget/],
    ['takes what was cleared for another', [[0, open('n')], [1, pod('high', '1400m', { priority: 1000, nominated: 'n' })], [20, pod('low', '1400m')], [21, pod('low', '1400m', { nodeName: 'n' })], [22, open('n')]], /cleared for red\/high/],
    ['takes what another gives up in the same moment', [[0, open('n')], [1, pod('high', '1400m', { priority: 1000, nominated: 'n' })], [20, pod('low', '1400m')], [21, pod('low', '1400m', { nodeName: 'n' })], [21, pod('high', '1400m', { priority: 1000, nominated: 'm' })], [22, open('n')]], undefined],
    ['takes what is left beside another', [[0, open('n')], [1, pod('high', '1000m', { priority: 1000, nominated: 'n' })], [20, pod('low', '400m')], [21, pod('low', '400m', { nodeName: 'n' })]], undefined],
    ['takes what was cleared a moment ago', [[0, open('n')], [1, pod('high', '1400m', { priority: 1000 })], [19, pod('high', '1400m', { priority: 1000, nominated: 'n' })], [20, pod('low', '1400m')], [21, pod('low', '1400m', { nodeName: 'n' })]], undefined],
  ]);
});

describe('garbageRule() says when', () => {
  const root = (parts: Parts = {}): Raw => object('ConfigMap', 'root', { labels: { graph: 'root' }, ...parts });
  const leaf = (owners: readonly string[], parts: Parts = {}): Raw => object('Secret', 'leaf', { labels: { graph: 'leaf' }, ownerReferences: owners.map((uid) => ({ uid, kind: 'ConfigMap', name: uid, blockOwnerDeletion: true })), ...parts });
  const foreground = { ...gone, finalizers: ['foregroundDeletion'] };
  rows(garbageRule, [
    ['something owned is collected', [[0, root()], [1, leaf(['root'])], [2, 'leaf']], /though ConfigMap root owns it/],
    ['one of two owners is left', [[0, root()], [1, leaf(['other', 'root'])], [2, leaf(['other', 'root'], gone)]], /though ConfigMap root owns it/],
    ['nobody owns it any more', [[0, root()], [1, leaf(['root'])], [2, 'root'], [3, 'leaf']], undefined],
    ['its owner waits for it', [[0, root()], [1, leaf(['root'])], [2, root(foreground)], [3, 'leaf'], [4, 'root']], undefined],
    ['its owner does not wait', [[0, root()], [1, leaf(['root'])], [30, root(foreground)], [31, 'root']], /went before Secret leaf/],
    ['an orphan is collected', [[0, root()], [1, leaf(['root'])], [2, leaf([])], [3, 'root'], [4, 'leaf']], /orphaned/],
    ['its namespace goes', [[0, root()], [1, leaf(['root'])], [2, object('Namespace', 'red', gone)], [3, 'leaf']], undefined],
  ]);
});

describe('namespaceRule() says when', () => {
  const namespace = object('Namespace', 'red');
  rows(namespaceRule, [
    ['something is left', [[0, namespace], [1, object('Secret', 's')], [30, 'red']], /went before Secret s/],
    ['something came in the last moment', [[0, namespace], [29, object('Secret', 's')], [30, 'red']], undefined],
    ['something is made where nothing is', [[0, namespace], [1, 'red'], [30, object('Secret', 's')]], /which is gone/],
  ]);
});

describe('taintRule() says when a pod', () => {
  const node = (...keys: string[]): Raw => object('Node', 'n', { spec: { taints: keys.map((key) => ({ key, effect: 'NoExecute' })) } });
  const pod = (toleration?: object | readonly object[], driven = false): Raw => object('Pod', 'p', { spec: { nodeName: 'n', tolerations: [toleration ?? []].flat() }, status: { conditions: driven ? [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' }] : [] } });
  const bears = { key: 'flood', operator: 'Exists' };
  const forAWhile = { ...bears, tolerationSeconds: 20 };
  const both = [forAWhile, { key: 'fire', operator: 'Exists', tolerationSeconds: 300 }];
  rows(taintRule, [
    ['is driven off by nothing', [[0, node()], [1, pod()], [2, pod(undefined, true)]], /no such taint/],
    ['is driven off by what it bears', [[0, node('flood')], [1, pod(bears)], [60, pod(bears, true)]], /driven off/],
    ['is driven off too soon', [[0, node()], [1, pod(forAWhile)], [30, node('flood')], [40, pod(forAWhile, true)]], /borne for 20 s/],
    ['is driven off in time', [[0, node()], [1, pod(forAWhile)], [30, node('flood')], [51, pod(forAWhile, true)]], undefined],
    ['is driven off at a time that was set by a taint that another outlasts', [[0, node()], [1, pod(both)], [20, node('flood')], [22, node('flood', 'fire')], [23, node('fire')], [41, pod(both, true)]], undefined],
    ['is driven off by a taint that went with all others', [[0, node()], [1, pod(both)], [20, node('flood')], [22, node()], [39, node('fire')], [41, pod(both, true)]], /fire for 2/],
    ['is driven off at once', [[0, node()], [1, pod()], [30, node('flood')], [31, pod(undefined, true)]], undefined],
    ['is driven off by a taint that has just gone', [[0, node()], [1, pod()], [30, node('flood')], [35, node()], [36, pod(undefined, true)]], undefined],
    ['is driven off while the clock jumps', [[0, node()], [1, pod(forAWhile)], [30, node('flood')], [32, 60], [33, pod(forAWhile, true)]], undefined],
  ]);
});

describe('rollbackRule() says when a Deployment', () => {
  const set = (uid: string, proven: boolean): Raw => object('ReplicaSet', uid, proven ? { annotations: { 'coracle.dev/proven': 'yes' } } : {});
  const went = (note?: string): Raw => object('Deployment', 'd', note ? { annotations: { 'coracle.dev/rolled-back': note } } : {});
  rows(rollbackRule, [
    ['goes back to what has not proven itself', [[0, set('a', false)], [1, went()], [2, went('b -> a: failed')]], /back to a, which had not/],
    ['goes back from what has', [[0, set('a', true)], [0, set('b', true)], [1, went()], [30, went('b -> a: failed')]], /back from b, which had/],
    ['goes back as it should', [[0, set('a', true)], [0, set('b', false)], [1, went()], [30, went('b -> a: failed')]], undefined],
  ]);
});

describe('workloadRule() says when', () => {
  const pod = (uid: string, parts: Parts = {}): Raw => object('Pod', uid, { ownerReferences: [{ uid: 'set', kind: 'X', name: 'set', controller: true }], ...parts });
  const made = (revision: string): Parts => ({ labels: { 'controller-revision-hash': revision } });
  const surging: Step[] = [[0, object('Node', 'a')], [0, object('DaemonSet', 'set', { spec: { updateStrategy: { rollingUpdate: { maxSurge: 1 } } } })]];
  const revision = { ...object('ControllerRevision', 'new', { ownerReferences: [{ uid: 'set', kind: 'X', name: 'set', controller: true }] }), revision: 2 } as Raw;
  const parted: Step[] = [[0, object('StatefulSet', 'set', { spec: { updateStrategy: { rollingUpdate: { partition: 1 } } }, status: { currentRevision: 'old' } })], [1, revision]];
  const on = (node: string, hash?: string): Parts => ({ ...(hash && made(hash)), spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ values: [node] }] }] } } } } });
  const is = (type: string): Parts => ({ status: { conditions: [{ type, status: 'True' }] } });
  const ended = { status: { phase: 'Succeeded' } };
  rows(workloadRule, [
    ['a Job that is over makes a pod', [[0, object('Job', 'set', is('Complete'))], [30, pod('p')]], /though it is over/],
    ['a Job has more at work than it may', [[0, object('Job', 'set', { spec: { parallelism: 1 } })], [1, pod('p')], [30, pod('q')]], /beside 1 others/],
    ['a Job has one after the other', [[0, object('Job', 'set', { spec: { parallelism: 1 } })], [1, pod('p')], [29, pod('p', ended)], [30, pod('q')]], undefined],
    ['a DaemonSet has two pods on a node', [[0, object('DaemonSet', 'set')], [1, pod('p', on('n'))], [30, pod('q', on('n'))]], /where p is/],
    ['a DaemonSet has a pod on each node', [[0, object('DaemonSet', 'set')], [1, pod('p', on('n'))], [30, pod('q', on('m'))]], undefined],
    ['a StatefulSet does not wait', [[0, object('StatefulSet', 'set')], [1, pod('s-0')], [30, pod('s-1')]], /before s-0 was ready/],
    ['a StatefulSet leaves one out', [[0, object('StatefulSet', 'set')], [1, pod('s-1')]], /before s-0 was ready/],
    ['a StatefulSet waits', [[0, object('StatefulSet', 'set')], [1, pod('s-0')], [29, pod('s-0', is('Ready'))], [30, pod('s-1')]], undefined],
    ['a DaemonSet with surge has an old and a new pod', [...surging, [1, pod('p', on('a', 'x'))], [30, pod('q', on('a', 'y'))]], undefined],
    ['a DaemonSet with surge has two alike', [...surging, [1, pod('p', on('a', 'x'))], [30, pod('q', on('a', 'x'))]], /for a, where p is/],
    ['a DaemonSet with surge has three', [...surging, [1, pod('p', on('a', 'x'))], [2, pod('q', on('a', 'y'))], [30, pod('r', on('a', 'z'))]], /where p,q is/],
    ['a DaemonSet surges on too many nodes', [...surging, [1, pod('pa', { ...on('a', 'x'), ...is('Ready') })], [2, pod('pb', { ...on('b', 'x'), ...is('Ready') })], [30, pod('qa', on('a', 'y'))], [30, pod('qb', on('b', 'y'))]], /doubles on 2 nodes of 1/],
    ['a DaemonSet replaces pods that are not ready, on however many nodes', [...surging, [1, pod('pa', { ...on('a', 'x'), ...is('Ready') })], [2, pod('pb', on('b', 'x'))], [30, pod('qa', on('a', 'y'))], [30, pod('qb', on('b', 'y'))]], undefined],
    ['a StatefulSet renews a pod below its partition', [...parted, [30, pod('s-0', made('new'))]], /below its partition of what is new/],
    ['a StatefulSet makes a pod below its partition again', [...parted, [30, pod('s-0', made('old'))]], undefined],
    ['a StatefulSet makes a pod beyond its partition as it was', [...parted, [30, pod('s-0', { ...made('old'), ...is('Ready') })], [60, pod('s-1', made('old'))]], /beyond its partition of what is old/],
    ['a StatefulSet renews a pod beyond its partition', [...parted, [30, pod('s-0', { ...made('old'), ...is('Ready') })], [60, pod('s-1', made('new'))]], undefined],
    ['a StatefulSet need not wait', [[0, object('StatefulSet', 'set', { spec: { podManagementPolicy: 'Parallel' } })], [1, pod('s-0')], [30, pod('s-1')]], undefined],
  ]);
});

describe('hookRule() says when a pod', () => {
  const webhook = (failurePolicy: string): Raw => object('MutatingWebhookConfiguration', 'w', { webhooks: [{ failurePolicy }] });
  const marked = { annotations: { 'simulation/mark': 'seen' } };
  const guard = (failurePolicy: string): Raw => object('ValidatingWebhookConfiguration', 'g', { webhooks: [{ failurePolicy }] });
  const forbidden = { labels: { 'simulation/forbidden': 'yes' } };
  const well = (scene: Scene): Rule => hookRule(scene, { isWell: true, troubledAt: -Infinity });
  const ill = (scene: Scene): Rule => hookRule(scene, { isWell: false, troubledAt: 0 });
  rows(well, [
    ['was not shown', [[0, webhook('Ignore')], [30, object('Pod', 'p')]], /behind the back/],
    ['was shown', [[0, webhook('Ignore')], [30, object('Pod', 'p', marked)]], undefined],
    ['is well, and something forbidden is made', [[0, guard('Ignore')], [30, object('ConfigMap', 'm', forbidden)]], /which its webhook forbids/],
    ['is well, and something becomes forbidden', [[0, guard('Fail')], [30, object('ConfigMap', 'm')], [31, object('ConfigMap', 'm', forbidden)]], /which its webhook forbids/],
    ['is well, and what was forbidden before stays', [[0, object('ConfigMap', 'm', forbidden)], [1, guard('Fail')], [31, object('ConfigMap', 'm', forbidden)]], undefined],
    ['came before its webhook', [[0, webhook('Fail')], [2, object('Pod', 'p')]], undefined],
  ]);
  rows(ill, [
    ['passed where it must not', [[0, webhook('Fail')], [30, object('Pod', 'p')]], /behind the back/],
    ['is followed by something forbidden that must not pass', [[0, guard('Fail')], [30, object('ConfigMap', 'm', forbidden)]], /which its webhook forbids/],
    ['is followed by something forbidden that may pass', [[0, guard('Ignore')], [30, object('ConfigMap', 'm', forbidden)]], undefined],
    ['passed where it may', [[0, webhook('Ignore')], [30, object('Pod', 'p')]], undefined],
  ]);
});

describe('termRule() says when', () => {
  const node = (uid: string, zone: string): Raw => object('Node', uid, { labels: { host: uid, zone } });
  const nodes: Step[] = [[0, node('a', 'x')], [0, node('b', 'x')], [0, node('c', 'y')]];
  const term = (app: string, topologyKey: string): object => ({ topologyKey, labelSelector: { matchLabels: { app } } });
  const required = (app: string, topologyKey: string): object => ({ requiredDuringSchedulingIgnoredDuringExecution: [term(app, topologyKey)] });
  const pod = (uid: string, nodeName: string | undefined, spec: object = {}, parts: Parts = {}): Raw => object('Pod', uid, { labels: { app: uid[0] ?? '' }, spec: { ...spec, ...(nodeName && { nodeName }) }, ...parts });
  const put = (at: number, uid: string, nodeName: string, spec?: object): Step[] => [[at, pod(uid, undefined, spec)], [at, pod(uid, nodeName, spec)]];
  const late: Step = [100, node('a', 'x')];
  const apart = { affinity: { podAntiAffinity: required('p', 'zone') } };
  const near = { affinity: { podAffinity: required('p', 'host') } };
  const even = { topologySpreadConstraints: [{ ...term('s', 'zone'), maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] };
  const mild = { topologySpreadConstraints: [{ ...term('s', 'zone'), maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }] };
  rows(termRule, [
    ['a pod comes to whom it is to be apart from', [...nodes, ...put(30, 'p1', 'a'), ...put(31, 'q1', 'b', apart), late], /put on b .* apart from p1 on a/],
    ['a pod comes to who is to be apart from it', [...nodes, ...put(30, 'q1', 'b', apart), ...put(31, 'p1', 'a'), late], /q1 on b is to be apart from it/],
    ['a pod is apart', [...nodes, ...put(30, 'p1', 'a'), ...put(31, 'q1', 'c', apart), late], undefined],
    ['who was there has ended', [...nodes, ...put(30, 'p1', 'a'), [31, pod('p1', 'a', {}, { status: { phase: 'Failed' } })], ...put(32, 'q1', 'b', apart), late], undefined],
    ['a pod is far from whom it must be near', [...nodes, ...put(30, 'p1', 'a'), ...put(60, 'q1', 'b', near), late], /to be near/],
    ['a pod is near', [...nodes, ...put(30, 'p1', 'a'), ...put(60, 'q1', 'a', near), late], undefined],
    ['a pod is near who was under way', [...nodes, ...put(30, 'q1', 'a', near), ...put(33, 'p1', 'a'), late], undefined],
    ['a pod is near who has just gone', [...nodes, ...put(30, 'p1', 'a'), [31, 'p1'], ...put(33, 'q1', 'a', near), late], undefined],
    ['a pod is near who has been going for long', [...nodes, ...put(30, 'p1', 'a'), [31, pod('p1', 'a', {}, gone)], ...put(60, 'q1', 'a', near), late], undefined],
    ['the first of those who are to be together comes', [...nodes, ...put(30, 'p1', 'a', near), late], undefined],
    ['the second goes elsewhere', [...nodes, ...put(30, 'p1', 'a', near), ...put(31, 'p2', 'b', near), late], /p2 was put on b/],
    ['pods are uneven', [...nodes, ...put(30, 's1', 'a', even), ...put(31, 's2', 'b', even), late], /2 with it and 0 elsewhere/],
    ['pods are even', [...nodes, ...put(30, 's1', 'a', even), ...put(31, 's2', 'c', even), ...put(32, 's3', 'b', even), late], undefined],
    ['pods are uneven that would rather be even', [...nodes, ...put(30, 's1', 'a', mild), ...put(31, 's2', 'b', mild), late], undefined],
    ['pods are even with who goes elsewhere a moment later', [...nodes, ...put(30, 's1', 'a', even), ...put(31, 's2', 'b', even), ...put(32, 's3', 'c', even), late], undefined],
    ['pods are uneven as one was about to go', [...nodes, ...put(30, 's1', 'a', even), [31, pod('s1', 'a', even, gone)], ...put(32, 's2', 'b', even), late], undefined],
    ['a zone has just come', [[0, node('a', 'x')], ...put(30, 's1', 'a', even), [31, node('c', 'y')], ...put(32, 's2', 'a', even), late], undefined],
  ]);
});

describe('indexRule() says when', () => {
  const job = (status: object = {}, spec: object = {}): Raw => object('Job', 'j', { spec: { completionMode: 'Indexed', completions: 2, ...spec }, status: status as never });
  const pod = (uid: string, index: number, phase?: string, exitCode?: number, parts: Parts = {}): Raw => object('Pod', uid, {
    annotations: { [INDEX]: String(index) }, ownerReferences: [{ uid: 'j', kind: 'Job', name: 'j', controller: true }],
    status: { ...(phase && { phase }), ...(exitCode !== undefined && { containerStatuses: [{ state: { terminated: { exitCode } } }] }) }, ...parts,
  });
  const begun: Step[] = [[0, job()], [1, pod('p', 0)]];
  const won: Step[] = [...begun, [2, pod('p', 0, 'Succeeded')]];
  const lost: Step[] = [...begun, [2, pod('p', 0, 'Failed', 5)]];
  const end = (type: string, reason?: string): object => ({ conditions: [{ type, status: 'True', ...(reason && { reason }) }] });
  rows(indexRule, [
    ['an index runs twice', [...begun, [40, pod('q', 0)]], /q was made for index 0, where p is/],
    ['two indexes run', [...begun, [40, pod('q', 1)]], undefined],
    ['an index runs twice, which nobody could know', [...begun, [3, pod('q', 0)]], undefined],
    ['an index runs while its pod goes', [...begun, [2, pod('p', 0, undefined, undefined, gone)], [40, pod('q', 0)]], undefined],
    ['an index does not wait for its pod to be gone', [[0, job({}, { podReplacementPolicy: 'Failed' })], [1, pod('p', 0, undefined, undefined, gone)], [40, pod('q', 0)]], /where p is/],
    ['an index runs again that succeeded without being asked for', [...won, [40, pod('q', 0)]], undefined],
    ['an index runs again that succeeded', [...won, [3, job({ succeeded: 1, completedIndexes: '0' })], [40, pod('q', 0)]], /had succeeded/],
    ['an index runs again that failed', [...lost, [40, pod('q', 0)]], undefined],
    ['an index runs again that failed for good', [...lost, [3, job({ failed: 1, failedIndexes: '0' })], [40, pod('q', 0)]], /failed for good/],
    ['a success is counted that was none', [...lost, [3, job({ succeeded: 1 })]], /counts 1 that succeeded, of 0/],
    ['a failure is counted twice', [...lost, [3, job({ failed: 2 })]], /counts 2 that failed, of 1/],
    ['an index is complete that is not', [...won, [3, job({ succeeded: 1, completedIndexes: '0,1' })]], /index 1 for complete/],
    ['an index is failed that is not', [...won, [3, job({ failedIndexes: '0' })]], /index 0 for failed/],
    ['a count goes back', [...lost, [3, job({ failed: 1 })], [4, job({})]], /counts 0 failed after 1/],
    ['an index is forgotten', [...won, [3, job({ succeeded: 1, completedIndexes: '0' })], [4, job({ succeeded: 1 })]], /forgets 0 of its completedIndexes/],
    ['a Job is complete too soon', [...won, [3, job({ succeeded: 1, completedIndexes: '0', ...end('Complete') })]], /complete with 1 of 2/],
    ['a Job is complete by its policy', [[0, job({}, { successPolicy: { rules: [{ succeededIndexes: '0' }] } })], [1, pod('p', 0, 'Succeeded')], [3, job({ succeeded: 1, completedIndexes: '0', ...end('Complete') })]], undefined],
    ['a Job fails by its policy', [...begun, [2, pod('p', 0, 'Failed', 42)], [3, job({ failed: 1, ...end('Failed', 'PodFailurePolicy') })]], undefined],
    ['a Job fails by its policy without a reason', [...lost, [3, job({ failed: 1, ...end('Failed', 'PodFailurePolicy') })]], /no pod ended with 42/],
    ['a Job ends twice', [...lost, [3, job({ failed: 1, ...end('Failed') })], [4, job({ failed: 1, ...end('Complete') })]], /ended twice/],
  ]);
});

describe('deviceRule() says when', () => {
  const claim = (uid: string, devices: readonly string[] = [], users: readonly string[] = []): Raw => object('ResourceClaim', uid, { status: { allocation: { devices: { results: devices.map((device) => ({ driver: 'd', pool: 'n', device })) } }, reservedFor: users.map((user) => ({ uid: user })) } });
  const pod = (uid: string, nodeName?: string, status: Parts['status'] = {}): Raw => object('Pod', uid, { spec: { resourceClaims: [{ name: 'x', resourceClaimName: 'a' }], ...(nodeName && { nodeName }) }, status });
  const placed = (node: string): Step[] => [[1, pod('p')], [2, pod('p', node)]];
  rows(deviceRule, [
    ['a device is given twice', [[0, claim('a')], [0, claim('b')], [1, claim('a', ['g'])], [2, claim('b', ['g'])]], /given d\/n\/g, which red\/a has/],
    ['each has a device', [[0, claim('a', ['g'])], [1, claim('b', ['h'])]], undefined],
    ['a device is given on', [[0, claim('a', ['g'])], [1, claim('a')], [2, claim('b', ['g'])]], undefined],
    ['a claim changes its device', [[0, claim('a', ['g'])], [1, claim('a', ['h'])]], /went from d\/n\/g to d\/n\/h/],
    ['a pod is placed with its device', [[0, claim('a', ['g'], ['p'])], ...placed('n')], undefined],
    ['a pod is placed without a claim', [...placed('n')], /without its claim/],
    ['a pod is placed without a device', [[0, claim('a', [], ['p'])], ...placed('n')], /red\/a has nothing/],
    ['a pod is placed far from its device', [[0, claim('a', ['g'], ['p'])], ...placed('m')], /red\/a has d\/n\/g/],
    ['a pod is placed with what is kept for others', [[0, claim('a', ['g'], ['q'])], ...placed('n')], /not kept for it/],
    ['a device is taken from a pod', [[0, claim('a', ['g'], ['p'])], ...placed('n'), [3, claim('a')]], /no longer kept for p/],
    ['a device is taken from a pod that has ended', [[0, claim('a', ['g'], ['p'])], ...placed('n'), [3, pod('p', 'n', { phase: 'Failed' })], [4, claim('a')]], undefined],
  ]);
});
