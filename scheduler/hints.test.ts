import type { Node, Taint } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { demandOf } from './demand.ts';
import { type PodInput, node, pod } from './fixtures.ts';
import { goneHints, nodeHints } from './hints.ts';
import { DEFAULT_PROFILE } from './profile.ts';

type NodeInput = NonNullable<Parameters<typeof node>[1]>;
const TAINT: Taint = { key: 'k', effect: 'NoSchedule' };
const named = (name: string): PodInput => ({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }] } } } });

/** Which of the filters that look at a node alone are helped. */
function helped(before: Stored<Node> | undefined, after: Stored<Node>, input: PodInput): string[] {
  const demand = demandOf(pod(input));
  const alone = ['NodeUnschedulable', 'NodeName', 'TaintToleration', 'NodeAffinity', 'NodePorts', 'NodeResourcesFit'];
  return [...nodeHints(before, after)].filter(([filter, hint]) => alone.includes(filter) && hint(demand, DEFAULT_PROFILE)).map(([filter]) => filter).sort();
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

test.each<[string, PodInput, PodInput, string[]]>([
  ['a pod on a node', { nodeName: 'n' }, {}, ['InterPodAffinity', 'NodeResourcesFit', 'PodTopologySpread']],
  ['a pod for which a node was being cleared', {}, {}, ['NodeResourcesFit']],
  ['a pod with the port', { nodeName: 'n', hostPort: 80 }, { hostPort: 80 }, ['InterPodAffinity', 'NodePorts', 'NodeResourcesFit', 'PodTopologySpread']],
  ['a pod with another port', { nodeName: 'n', hostPort: 81 }, { hostPort: 80 }, ['InterPodAffinity', 'NodeResourcesFit', 'PodTopologySpread']],
])('goneHints(): %s', (_, gone, input, expected) => {
  const demand = demandOf(pod(input));
  expect([...goneHints(pod(gone))].filter(([, hint]) => hint(demand, DEFAULT_PROFILE)).map(([filter]) => filter).sort()).toEqual(expected);
});
