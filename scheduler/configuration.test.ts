import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Configuration, readConfiguration } from './configuration.ts';
import { Extenders } from './extenders.ts';
import { ZONE, cluster, node, pod } from './fixtures.ts';
import { decide } from './decide.ts';
import { NOW, type PodInput } from './fixtures.ts';
import type { Snapshot } from './snapshot.ts';
import { seededRandom } from '../std/random.ts';

const META = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };
const read = (fields: object): Configuration => readConfiguration({ ...META, ...fields });
const args = (name: string, given: object): object => ({ profiles: [{ pluginConfig: [{ name, args: given }] }] });

test('readConfiguration() without profiles means the usual one', () => {
  expect(read({})).toMatchObject({ profiles: [{ name: 'default-scheduler' }], backoff: { baseMs: 1000, limitMs: 10_000 }, extenders: [] });
});

describe('readConfiguration() refuses by name', () => {
  const rows: [string, object, string][] = [
    ['an unknown field', { colour: 1 }, 'strict decoding error: unknown field "colour"'],
    ['one further in', { profiles: [{ plugins: { score: { enable: [] } } }] }, 'strict decoding error: unknown field "profiles[0].plugins.score.enable"'],
    ['another kind', { kind: 'Config' }, 'no kind "Config" is registered for version "kubescheduler.config.k8s.io/v1" in scheme'],
    ['an unknown plugin', { profiles: [{ plugins: { score: { enabled: [{ name: 'Magic' }] } } }] }, 'initializing profiles: creating profile for scheduler name default-scheduler: ScorePlugin "Magic" does not exist'],
    ['a plugin that does not score', { profiles: [{ plugins: { score: { enabled: [{ name: 'NodeName' }] } } }] }, 'plugin "NodeName" does not extend ScorePlugin plugin'],
    ['a plugin twice', { profiles: [{ plugins: { filter: { enabled: [{ name: 'NodeName' }, { name: 'NodeName' }] } } }] }, 'plugin "NodeName" already registered as "FilterPlugin"'],
    ['no order of pods', { profiles: [{ plugins: { queueSort: { disabled: [{ name: '*' }] } } }] }, 'only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0'],
    ['a number that is a text', { profiles: [{ percentageOfNodesToScore: 'x' }] }, 'json: cannot unmarshal string into Go struct field KubeSchedulerConfiguration.profiles.percentageOfNodesToScore of type int32'],
    ['an argument that is a text', args('InterPodAffinity', { hardPodAffinityWeight: 'x' }), 'decoding .profiles[0].pluginConfig[0]: decoding args for plugin InterPodAffinity: json: cannot unmarshal string into Go struct field InterPodAffinityArgs.hardPodAffinityWeight of type int32'],
    ['several things at once', { parallelism: 0, podInitialBackoffSeconds: 0 }, '[parallelism: Invalid value: 0: should be an integer value greater than zero, podInitialBackoffSeconds: Invalid value: 0: must be greater than 0]'],
    ['arguments that a plugin refuses when it is made', args('NodeResourcesFit', { ignoredResourceGroups: ['a/b'] }), 'initializing profiles: creating profile for scheduler name default-scheduler: initializing plugin "NodeResourcesFit": ignoredResourceGroups[0]: Invalid value: "a/b": resource group name can\'t contain \'/\''],
    ['a constraint twice', args('PodTopologySpread', { defaultingType: 'List', defaultConstraints: [{ maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' }, { maxSkew: 2, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' }] }), 'args.defaultConstraints[1]: Duplicate value: "{a, DoNotSchedule}"'],
    ['a time too short', args('DynamicResources', { bindingTimeout: '500ms' }), 'args.bindingTimeout: Invalid value: "500ms": must be at least 1 second'],
    ['resources that extenders cannot manage', { extenders: [{ urlPrefix: 'http://x', managedResources: [{ name: 'cpu' }] }] }, 'extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name'],
    ['what does not belong to a point', { profiles: [{ plugins: { permit: { enabled: [{ name: 'NodeName' }] } } }] }, 'plugin "NodeName" does not extend PermitPlugin plugin'],
    ['half a plugin', { profiles: [{ plugins: { preFilter: { disabled: [{ name: 'NodePorts' }] } } }] }, 'profiles[0].plugins.preFilter: NodePorts is turned off here but not where it decides; this scheduler turns plugins on and off at filter, score, postFilter, multiPoint only'],
    ['half a score', { profiles: [{ plugins: { preScore: { disabled: [{ name: '*' }] } } }] }, 'profiles[0].plugins.preScore: TaintToleration is turned off here but not where it decides'],
    ['a lease shorter than its renewal', { leaderElection: { leaseDuration: '1s', renewDeadline: '90s' } }, 'leaderElection.leaseDuration: Invalid value: "1m30s": must be greater than `RenewDeadline`'],
    ['another lock, and less than nothing', { leaderElection: { resourceLock: 'x', retryPeriod: '-1.5s' }, clientConnection: { burst: -1 } }, '[clientConnection.burst: Invalid value: -1: must be non-negative, leaderElection.retryPeriod: Invalid value: "-1.5s": must be greater than zero, leaderElection.resourceLock: Invalid value: "x": resourceLock value must be "leases"]'],
    ['what a connection does not have', { clientConnection: { foo: 1 } }, 'strict decoding error: unknown field "clientConnection.foo"'],
    ['no binding at all', { profiles: [{ plugins: { multiPoint: { disabled: [{ name: 'DefaultBinder' }] } } }] }, 'at least one bind plugin is needed for profile with scheduler name "default-scheduler"'],
    ['profiles without names', { profiles: [{ schedulerName: 'a' }, {}] }, 'profiles[1].schedulerName: Required value'],
    ['two of one name', { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] }, 'profiles[1].schedulerName: Duplicate value: {}'],
    ['a back-off of nothing', { podInitialBackoffSeconds: 0 }, 'podInitialBackoffSeconds: Invalid value: 0: must be greater than 0'],
    ['a limit below it', { podInitialBackoffSeconds: 5, podMaxBackoffSeconds: 2 }, 'podMaxBackoffSeconds: Invalid value: 2'],
    ['more than all nodes', { percentageOfNodesToScore: 101 }, 'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]'],
    ['unknown arguments', args('NodeResourcesFit', { strategy: 1 }), 'strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: decoding args for plugin NodeResourcesFit: strict decoding error: unknown field "strategy"'],
    ['a strategy without its shape', args('NodeResourcesFit', { scoringStrategy: { type: 'RequestedToCapacityRatio' } }), 'must be specified when type is RequestedToCapacityRatio'],
    ['a shape that goes back', args('NodeResourcesFit', { scoringStrategy: { type: 'RequestedToCapacityRatio', requestedToCapacityRatio: { shape: [{ utilization: 50, score: 1 }, { utilization: 40, score: 2 }] } } }), 'values must be sorted in increasing order'],
    ['constraints beside the system\'s', args('PodTopologySpread', { defaultConstraints: [{ maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule' }] }), 'when .defaultConstraints are not empty'],
    ['scores without a weight', { extenders: [{ urlPrefix: 'http://x', prioritizeVerb: 'p' }] }, 'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it'],
  ];
  test.each(rows)('%s', (_, fields, message) => {
    expect(() => read(fields)).toThrow(message);
  });
});

describe('a profile decides', () => {
  const world = (): Snapshot => {
    const snapshot = cluster(node('full', { cpu: '4', labels: { [ZONE]: 'a' } }), node('empty', { cpu: '4', labels: { [ZONE]: 'b', disk: 'fast' } }), node('closed', { unschedulable: true }));
    snapshot.setPod(pod({ cpu: '2', memory: '2Gi' }), 'full');
    return snapshot;
  };
  const shape = (...points: [number, number][]): object => ({ shape: points.map(([utilization, score]) => ({ utilization, score })) });
  const ratio = (...points: [number, number][]): object => args('NodeResourcesFit', { scoringStrategy: { type: 'RequestedToCapacityRatio', resources: [{ name: 'cpu', weight: 3 }], requestedToCapacityRatio: shape(...points) } });
  const MISSING: PodInput = { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] };
  const onlyFit = { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit', weight: 1 }] } };
  const rows: [string, object, PodInput, string][] = [
    ['by the room that is left', {}, { cpu: '1', memory: '1Gi' }, 'empty'],
    ['by the room that is taken', { profiles: [{ plugins: onlyFit, pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } }] }] }, { cpu: '1', memory: '1Gi' }, 'full'],
    ['by a shape', ratio([0, 0], [100, 10]), { cpu: '1', memory: '1Gi' }, 'full'],
    ['by another shape', ratio([0, 10], [100, 0]), { cpu: '1', memory: '1Gi' }, 'empty'],
    ['with a filter off', { profiles: [{ plugins: { filter: { disabled: [{ name: 'NodeUnschedulable' }] } } }] }, { cpu: '1', nodeSelector: { 'kubernetes.io/hostname': 'closed' } }, 'closed'],
    ['with everything off', { profiles: [{ plugins: { multiPoint: { disabled: [{ name: 'NodeUnschedulable' }] } } }] }, { cpu: '1', nodeSelector: { 'kubernetes.io/hostname': 'closed' } }, 'closed'],
    ['with an affinity for all', args('NodeAffinity', { addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE, operator: 'In', values: ['a'] }] }] } } }), { cpu: '1' }, 'full'],
    ['with an affinity that nothing meets', args('NodeAffinity', { addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'x', operator: 'Exists' }] }] } } }), { cpu: '1', tolerations: [{ operator: 'Exists' }] }, "0/3 nodes are available: 3 node(s) didn't match scheduler-enforced node affinity. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."],
    ['without preemption', { profiles: [{ plugins: { postFilter: { disabled: [{ name: 'DefaultPreemption' }] } } }] }, { cpu: '9', priority: 9, nodeSelector: { [ZONE]: 'a' } }, "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable. no new claims to deallocate"],
    ['with nobody to ask afterwards', { profiles: [{ plugins: { postFilter: { disabled: [{ name: '*' }] } } }] }, { cpu: '9', nodeSelector: { [ZONE]: 'a' } }, "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable."],
    ['what cannot be at all', {}, MISSING, '0/3 nodes are available: persistentvolumeclaim "c" not found. not found'],
    ['what cannot be at all, where nobody looks after devices', { profiles: [{ plugins: { postFilter: { disabled: [{ name: 'DynamicResources' }] } } }] }, { ...MISSING, preemptionPolicy: 'Never' }, '0/3 nodes are available: persistentvolumeclaim "c" not found. preemption: not eligible due to preemptionPolicy=Never.'],
    ['what cannot be at all, where others are never evicted', { profiles: [{ plugins: { postFilter: { disabled: [{ name: '*' }] } } }] }, MISSING, '0/3 nodes are available: persistentvolumeclaim "c" not found.'],
    ['with resources that others count', args('NodeResourcesFit', { ignoredResourceGroups: ['example.com'] }), { containers: [{ name: 'c', image: 'i', resources: { requests: { 'example.com/gpu': '1' } } }] }, 'empty'],
  ];
  test.each(rows)('%s', (_, fields, input, expected) => {
    const [profile] = read(fields).profiles;
    const [decision] = decide(world(), [pod(input)], { now: NOW, random: seededRandom(1), ...(profile && { profile }) });
    expect(decision && 'node' in decision ? decision.node : decision?.unschedulable.message).toBe(expected);
  });
});

test.each<[string, object, boolean]>([
  ['of whose gates one is blind', { preEnqueue: { disabled: [{ name: 'SchedulingGates' }] } }, false],
  ['with next to nothing', { multiPoint: { disabled: [{ name: '*' }], enabled: [{ name: 'PrioritySort' }, { name: 'DefaultBinder' }, { name: 'NodeName' }] } }, false],
  ['with what nobody misses turned off', { preFilter: { disabled: [{ name: 'NodeAffinity' }] }, preScore: { disabled: [{ name: 'NodeResourcesFit' }] }, permit: { disabled: [{ name: '*' }] } }, true],
])('readConfiguration() takes a profile %s', (_, plugins, mindsGates) => {
  expect(read({ leaderElection: { leaderElect: false, leaseDuration: '1s' }, profiles: [{ plugins }] }).profiles[0]?.mindsGates).toBe(mindsGates);
});

const CLOCK = { now: () => NOW };

test('Extenders filter, score and bind, and only one that may fail may fail', async () => {
  const asked: [string, { Pod?: object; NodeNames?: string[]; Node?: string }][] = [];
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => {
      asked.push([incoming.url ?? '', JSON.parse(body) as object]);
      const answers: Record<string, unknown> = { '/ext/filter': { NodeNames: ['b', 'c'], FailedNodes: { a: 'no licence' } }, '/ext/score': [{ Host: 'c', Score: 7 }], '/ext/bind': {} };
      outgoing.writeHead(incoming.url === '/broken/filter' ? 500 : 200).end(JSON.stringify(answers[incoming.url ?? ''] ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const urlPrefix = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const one = { urlPrefix: `${urlPrefix}/ext/`, filterVerb: 'filter', prioritizeVerb: 'score', bindVerb: 'bind', weight: 2, nodeCacheCapable: true };
  const broken = { urlPrefix: `${urlPrefix}/broken`, filterVerb: 'filter', ignorable: true };
  const nodes = ['a', 'b', 'c'].map((name) => node(name));
  const extenders = new Extenders(read({ extenders: [one, broken] }).extenders, CLOCK);
  const answer = await extenders.ask(pod({ name: 'p' }), nodes);
  expect([...answer.refused].map(([name, { reason }]) => [name, reason])).toEqual([['a', 'no licence']]);
  expect([...answer.scores]).toEqual([['c', 140]]);
  const [decision] = decide(cluster(...nodes), [pod()], { now: NOW, random: seededRandom(1), asked: answer });
  expect(decision).toMatchObject({ node: 'c' });
  await extenders.bind(pod({ name: 'p' }), 'c');
  expect(asked.at(-1)).toEqual(['/ext/bind', { PodName: 'p', PodNamespace: 'd', PodUID: 'p', Node: 'c' }]);
  await extenders.close();
  const strict = new Extenders(read({ extenders: [{ ...broken, ignorable: false }] }).extenders, CLOCK);
  await expect(strict.ask(pod(), nodes)).rejects.toThrow(/failed filter with extender at URL .*\/broken\/filter, code 500/);
  const picky = new Extenders(read({ extenders: [{ ...one, managedResources: [{ name: 'example.com/gpu' }] }] }).extenders, CLOCK);
  expect([picky.concern(pod()), picky.binds(pod())]).toEqual([false, false]);
  await Promise.all([strict.close(), picky.close()]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
