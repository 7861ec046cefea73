import { pods, resourceclaims, resourceclaimtemplates } from '../api/resources.ts';
import type { ResourceClaim, ResourceClaimStatus } from '../api/types/resource.v1.ts';
import { item, reconciled, shown, type Item } from './fake-view.ts';
import { resourceClaimController } from './resource-claim.ts';

const template = item(resourceclaimtemplates, { metadata: { name: 't' }, spec: { metadata: { labels: { x: 'y' } }, spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] } } } });
const pod = ({ noted, node, phase = 'Pending', claims = [{ name: 'gpu', resourceClaimTemplateName: 't' }] }: { noted?: string; node?: string; phase?: string; claims?: object[] } = {}) =>
  item(pods, { metadata: { name: 'p' }, spec: { containers: [], resourceClaims: claims, ...(node && { nodeName: node }) }, status: { phase, ...(noted && { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: noted }] }) } } as never);
const OWN = { annotations: { 'resource.kubernetes.io/pod-claim-name': 'gpu' }, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p', controller: true }] };
const claim = (metadata: object, status: ResourceClaimStatus = {}) => item(resourceclaims, { metadata: { name: 'p-gpu-1', ...metadata }, spec: {}, status } as ResourceClaim);
const allocation = { devices: { results: [] } };
const reserved = [{ resource: 'pods', name: 'p', uid: 'uid-p' }];
const run = (key: string, ...items: Item[]) => reconciled(resourceClaimController(), key, items).actions;
const lines = (key: string, ...items: Item[]) => shown(run(key, ...items));

test('a claim is made of the template, then noted in the pod', () => {
  const [made] = run('a/p', pod(), template);
  expect(made).toMatchObject({ do: 'create', object: { metadata: { generateName: 'p-gpu-', ...OWN, labels: { x: 'y' } }, spec: { devices: {} } } });
  const [noted] = run('a/p', pod(), template, claim(OWN));
  expect(noted).toMatchObject({ do: 'apply', subresource: 'status', object: { status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'p-gpu-1' }] } } });
  expect(run('a/p', pod({ noted: 'p-gpu-1' }), template, claim(OWN))).toEqual([]);
});

test('a template that is not there is said once', () => {
  const controller = resourceClaimController();
  expect(shown(reconciled(controller, 'a/p', [pod()]).actions)).toEqual(['Warning FailedResourceClaimCreation: PodResourceClaim gpu: resource claim template "t": resourceclaimtemplate.resource.k8s.io "t" not found']);
  expect(reconciled(controller, 'a/p', [pod()]).actions).toEqual([]);
});

test.each<[string, Item[], string[]]>([
  ['reserved for a pod that runs', [pod({ noted: 'p-gpu-1', node: 'n', phase: 'Running' }), claim(OWN, { allocation, reservedFor: reserved })], []],
  ['reserved for a pod that has gone', [claim({}, { allocation, reservedFor: reserved })], ['confirm pods a', 'update resourceclaims/status a/p-gpu-1']],
  ['reserved for a pod that has ended', [pod({ phase: 'Succeeded', noted: 'p-gpu-1' }), claim(OWN, { allocation, reservedFor: reserved })], ['update resourceclaims/status a/p-gpu-1']],
  ['free, and its pod has ended', [pod({ phase: 'Succeeded', noted: 'p-gpu-1' }), claim(OWN)], ['delete resourceclaims a/p-gpu-1']],
  ['protected by the scheduler, which is about to allocate it', [claim({ finalizers: ['resource.kubernetes.io/delete-protection'] })], []],
  ['protected, and its last pod has gone', [claim({ finalizers: ['resource.kubernetes.io/delete-protection'] }, { allocation, reservedFor: reserved })], ['confirm pods a', 'update resourceclaims/status a/p-gpu-1', 'patch resourceclaims a/p-gpu-1 {"metadata":{"uid":"uid-p-gpu-1","$deleteFromPrimitiveList/finalizers":["resource.kubernetes.io/delete-protection"]}}']],
  ['being deleted, free and protected', [claim({ deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['resource.kubernetes.io/delete-protection'] })], ['update resourceclaims a/p-gpu-1']],
  ['free and somebody\'s', [claim({})], []],
])('a claim that is %s', (_, items, expected) => {
  expect(lines('claim a/p-gpu-1', ...items)).toEqual(expected);
});

test('nothing is taken from a pod that was not heard of yet; one that was seen has gone', () => {
  const held = claim({}, { allocation, reservedFor: reserved });
  const controller = resourceClaimController();
  const [asked] = reconciled(controller, 'claim a/p-gpu-1', [held]).actions;
  if (asked?.do !== 'confirm') throw new Error(`asks first: ${asked?.do}`);
  expect(asked.holds([{ metadata: { uid: 'another' } }] as never)).toBe(true);
  expect(asked.holds([{ metadata: { uid: 'uid-p' } }] as never)).toBe(false);
  const [watched] = controller.watches;
  expect([...(watched?.keys(pod({ noted: 'p-gpu-1' }).object as never, undefined as never) ?? [])]).toEqual(['a/p', 'claim a/p-gpu-1']);
  expect(shown(reconciled(controller, 'claim a/p-gpu-1', [held]).actions)).toEqual(['update resourceclaims/status a/p-gpu-1']);
});

test('a pod that came past the scheduler gets its reservation', () => {
  const direct = pod({ node: 'n', claims: [{ name: 'gpu', resourceClaimName: 'p-gpu-1' }] });
  expect(lines('a/p', direct, claim({}, { allocation }))).toEqual(['update resourceclaims/status a/p-gpu-1']);
  expect(lines('a/p', direct, claim({}, { allocation, reservedFor: reserved }))).toEqual([]);
});
