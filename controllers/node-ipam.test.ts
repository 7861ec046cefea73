import { nodes } from '../api/resources.ts';
import type { Node } from '../api/types/core.v1.ts';
import { item, reconciled, shown } from './fake-view.ts';
import { nodeIpamController } from './node-ipam.ts';

const status = { nodeInfo: { containerRuntimeVersion: 'containerd://1.7' } } as Node['status'];
const node = (name: string, podCIDR?: string) => item(nodes, { metadata: { name, resourceVersion: '1' }, spec: podCIDR ? { podCIDR, podCIDRs: [podCIDR] } : {}, ...(status && { status }) });
const lines = (...items: ReturnType<typeof node>[]) => shown(reconciled(nodeIpamController({ clusterCidr: '10.244.0.0/22', nodeMaskSize: 24 }), 'nodes', items).actions);

test('each node gets the first block that no other has', () => {
  expect(lines(node('a'), node('b', '10.244.0.0/24'), node('c'), node('d', '10.244.2.0/24'))).toEqual([
    'patch nodes a {"metadata":{"resourceVersion":"1"},"spec":{"podCIDR":"10.244.1.0/24","podCIDRs":["10.244.1.0/24"]}}',
    'patch nodes c {"metadata":{"resourceVersion":"1"},"spec":{"podCIDR":"10.244.3.0/24","podCIDRs":["10.244.3.0/24"]}}',
  ]);
});

test('a block of another size blocks all that it touches, one from elsewhere none', () => {
  expect(lines(node('a', '10.244.0.0/23'), node('b', '192.168.0.0/24'), node('c'))).toEqual([expect.stringContaining('"podCIDR":"10.244.2.0/24"')]);
});

test('when there is none left the node is told so, once, and again when there was one meanwhile', () => {
  const controller = nodeIpamController({ clusterCidr: '10.244.0.0/22', nodeMaskSize: 24 });
  const told = ['Normal CIDRNotAvailable: Node b status is now: CIDRNotAvailable'];
  const [all, none] = [node('a', '10.244.0.0/22'), node('b')];
  expect(reconciled(nodeIpamController({ clusterCidr: '10.244.0.0/22', nodeMaskSize: 24 }), 'nodes', [all, none]).actions).toMatchObject([{ about: { name: 'b', uid: none.object.metadata.uid } }]);
  const looks = [[all, none], [all, none], [node('a', '10.244.0.0/24'), none], [all, none]].map((items) => shown(reconciled(controller, 'nodes', items).actions));
  expect(looks).toEqual([told, [], [expect.stringContaining('patch nodes b')], told]);
});

test('what cannot be divided is refused by name', () => {
  expect(() => nodeIpamController({ clusterCidr: 'fd00::/64', nodeMaskSize: 80 })).toThrow('only IPv4');
});

test('a node without a container runtime is given none, unless every node is to have one', () => {
  const bare = item(nodes, { metadata: { name: 'a', resourceVersion: '1' }, spec: {} });
  const count = (everyNode: boolean) => reconciled(nodeIpamController({ clusterCidr: '10.244.0.0/22', nodeMaskSize: 24, everyNode }), 'nodes', [bare]).actions.length;
  expect([count(false), count(true)]).toEqual([0, 1]);
});
