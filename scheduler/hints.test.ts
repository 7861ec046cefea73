import type { Node, Taint } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { demandOf } from './demand.ts';
import { HOST, type PodInput, ZONE, node, pod } from './fixtures.ts';
import { type Hint, comeHints, goneHints, nodeHints, ownHints } from './hints.ts';
import { DEFAULT_PROFILE } from './profile.ts';

type NodeInput = NonNullable<Parameters<typeof node>[1]>;
const TAINT: Taint = { key: 'k', effect: 'NoSchedule' };
const named = (name: string): PodInput => ({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }] } } } });

/** Which of the filters that look at a node alone are helped. */
function helped(before: Stored<Node> | undefined, after: Stored<Node>, input: PodInput): string[] {
  const demand = demandOf(pod(input));
  const alone = ['NodeUnschedulable', 'NodeName', 'TaintToleration', 'NodeAffinity', 'NodePorts', 'NodeResourcesFit'];
  return [...nodeHints(before, after)].filter(([filter, hint]) => alone.includes(filter) && hint(demand, DEFAULT_PROFILE, pod(input))).map(([filter]) => filter).sort();
}

const ALL = ['NodeAffinity', 'NodeName', 'NodePorts', 'NodeResourcesFit', 'NodeUnschedulable', 'TaintToleration'];

test.each<[string, NodeInput | undefined, NodeInput, PodInput, string[]]>([
  ['a new node', undefined, {}, {}, ALL],
  ['a new node with a taint', undefined, { taints: [TAINT] }, {}, ALL.filter((one) => one !== 'TaintToleration')],
  ['a new node with a taint that is tolerated', undefined, { taints: [TAINT] }, { tolerations: [{ operator: 'Exists' }] }, ALL],
  ['a new node that is too small', undefined, { cpu: '1' }, { cpu: '2' }, ALL.filter((one) => one !== 'NodeResourcesFit')],
  ['a new node that is not wanted', undefined, {}, { nodeSelector: { disk: 'fast' } }, ALL.filter((one) => one !== 'NodeAffinity')],
  ['a new node of another name', undefined, {}, named('other'), ALL.filter((one) => one !== 'NodeAffinity')],
  ['a heartbeat', {}, {}, {}, []],
  ['a taint that goes', { taints: [TAINT] }, {}, {}, ALL.filter((one) => one !== 'NodeUnschedulable')],
  ['a taint that goes while another stays', { taints: [TAINT, { ...TAINT, key: 'l' }] }, { taints: [TAINT] }, {}, ['NodeAffinity', 'NodeName', 'NodePorts', 'NodeResourcesFit']],
  ['a node that is opened', { unschedulable: true }, {}, {}, ALL.filter((one) => one !== 'TaintToleration')],
  ['a node that is closed', {}, { unschedulable: true }, {}, []],
  ['the label that is wanted', {}, { labels: { disk: 'fast' } }, { nodeSelector: { disk: 'fast' } }, ['NodeAffinity']],
  ['another label', {}, { labels: { other: 'x' } }, { nodeSelector: { disk: 'fast' } }, []],
  ['room that is enough', { cpu: '1' }, { cpu: '3' }, { cpu: '2' }, ['NodeResourcesFit']],
  ['room that is too little still', { cpu: '1' }, { cpu: '1500m' }, { cpu: '2' }, []],
  ['room that shrinks', { cpu: '4' }, { cpu: '3' }, { cpu: '2' }, []],
])('nodeHints(): %s', (_, before, after, input, expected) => {
  expect(helped(before && node('n', before), node('n', after), input)).toEqual(expected);
});

const NOWHERE = (): Record<string, string> => ({});
const web = { app: 'web' };
const terms = (...labels: Record<string, string>[]): { requiredDuringSchedulingIgnoredDuringExecution: { topologyKey: string; labelSelector: { matchLabels: Record<string, string> } }[] } => ({ requiredDuringSchedulingIgnoredDuringExecution: labels.map((matchLabels) => ({ topologyKey: HOST, labelSelector: { matchLabels } })) });
const spread: PodInput = { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: web } }] };

const volume = (claimName: string): PodInput => ({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] });

function told(hints: ReadonlyMap<string, Hint>, input: PodInput): string[] {
  const waiting = pod(input);
  return [...hints].filter(([, hint]) => hint(demandOf(waiting), DEFAULT_PROFILE, waiting)).map(([filter]) => filter).sort();
}

test.each<[string, PodInput, PodInput, string[]]>([
  ['a pod that has nothing to do with it', {}, spread, ['NodeResourcesFit']],
  ['a pod with the port', { hostPort: 80 }, { ...spread, hostPort: 80 }, ['NodePorts', 'NodeResourcesFit']],
  ['a pod with another port', { hostPort: 81 }, { ...spread, hostPort: 80 }, ['NodeResourcesFit']],
  ['a pod that it was spread with', { labels: web }, spread, ['NodeResourcesFit', 'PodTopologySpread']],
  ['a pod of another namespace', { labels: web, namespace: 'far' }, spread, ['NodeResourcesFit']],
  ['a pod that it avoided', { labels: web }, { ...spread, affinity: { podAntiAffinity: terms(web) } }, ['InterPodAffinity', 'NodeResourcesFit', 'PodTopologySpread']],
  ['a pod that kept it out', { affinity: { podAntiAffinity: terms(web) } }, { ...spread, labels: web }, ['InterPodAffinity', 'NodeResourcesFit']],
  ['a pod with the claim', volume('c'), { ...spread, ...volume('c') }, ['NodeResourcesFit', 'NodeVolumeLimits', 'VolumeRestrictions']],
  ['a pod with another claim', volume('other'), { ...spread, ...volume('c') }, ['NodeResourcesFit', 'NodeVolumeLimits']],
])('goneHints(): %s', (_, gone, input, expected) => {
  expect(told(goneHints(pod({ nodeName: 'n', ...gone }), NOWHERE), input)).toEqual(expected);
});

test.each<[string, PodInput | undefined, PodInput, PodInput, string[]]>([
  ['a pod that it wants nearby', undefined, { labels: web }, { ...spread, affinity: { podAffinity: terms(web) } }, ['InterPodAffinity', 'PodTopologySpread']],
  ['a pod that fulfils one of two wishes', undefined, { labels: web }, { ...spread, affinity: { podAffinity: terms(web, { tier: 'a' }) } }, ['PodTopologySpread']],
  ['a pod that it avoids', undefined, { labels: { app: 'other' } }, { ...spread, affinity: { podAntiAffinity: terms({ app: 'other' }) } }, []],
  ['a pod that it avoids no longer', { labels: web }, { labels: { app: 'other' } }, { ...spread, affinity: { podAntiAffinity: terms(web) } }, ['InterPodAffinity', 'PodTopologySpread']],
  ['labels that mean nothing to it', { labels: web }, { labels: { ...web, x: 'y' } }, { ...spread, affinity: { podAffinity: terms(web) } }, []],
])('comeHints(): %s', (_, before, come, input, expected) => {
  expect(told(comeHints(before && pod(before), pod(come), NOWHERE), input)).toEqual(expected);
});

const tolerating: PodInput = { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] };
const honouring: PodInput = { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', nodeTaintsPolicy: 'Honor', labelSelector: { matchLabels: web } }] };

test.each<[string, PodInput, PodInput, string[]]>([
  ['nothing that counts', { image: 'a' }, { image: 'b' }, []],
  ['its labels', spread, { ...spread, labels: { app: 'other' } }, ['InterPodAffinity']],
  ['the labels by which it is spread', spread, { ...spread, labels: web }, ['InterPodAffinity', 'PodTopologySpread']],
  ['a toleration', spread, { ...spread, tolerations: [{ key: 'k', operator: 'Exists' }] }, ['TaintToleration']],
  ['a toleration of closed nodes', {}, tolerating, ['NodeUnschedulable', 'TaintToleration']],
  ['a toleration where taints count for its spread', honouring, { ...honouring, ...tolerating }, ['NodeUnschedulable', 'PodTopologySpread', 'TaintToleration']],
  ['less than before', { cpu: '2' }, { cpu: '1' }, ['NodeResourcesFit']],
  ['more than before', { cpu: '1' }, { cpu: '2' }, []],
  ['the claims made for it', {}, { status: { resourceClaimStatuses: [{ name: 'a', resourceClaimName: 'b' }] } }, ['DynamicResources']],
])('ownHints(): %s', (_, before, after, expected) => {
  expect([...ownHints(pod(before), pod(after)).keys()].sort()).toEqual(expected);
});
