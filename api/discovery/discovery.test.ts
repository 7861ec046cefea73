/** Discovery documents against those of a real server. */
import { fixtures } from '../codec/fixtures.ts';
import type { Kind } from '../kind.ts';
import { builtinKinds } from '../kinds/index.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions, compareVersions } from './discovery.ts';

type Json = Record<string, unknown>;

const kinds = builtinKinds();
const wire = new Map(fixtures('wire').map(({ name, json }) => [name, json]));
const recorded = (name: string): unknown => JSON.parse(wire.get(name) ?? '');
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('apiVersions() tells the address', () => {
  expect(apiVersions('192.0.2.1:6443')).toEqual({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '192.0.2.1:6443' }] });
});

test('aggregatedDiscovery() of the core group is that of a real server', () => {
  expect(plain(aggregatedDiscovery(kinds, 'core'))).toEqual(recorded('discovery-api'));
});

test('apiGroupList() has the groups of a real server in its order', () => {
  expect(plain(apiGroupList(kinds))).toEqual(recorded('groups'));
});

test('apiResourceList() of apps/v1 is that of a real server', () => {
  expect(plain(apiResourceList(kinds, { group: 'apps', version: 'v1' }))).toEqual(recorded('resources-apps-v1'));
});

test('apiResourceList() of the core group has no apiVersion, and names foreign kinds with theirs', () => {
  const list = apiResourceList(kinds, { group: '', version: 'v1' }) as { resources: Json[] };
  expect(list).toMatchObject({ kind: 'APIResourceList', groupVersion: 'v1' });
  expect(list).not.toHaveProperty('apiVersion');
  const named = (name: string): Json | undefined => list.resources.find((resource) => resource['name'] === name);
  expect(named('pods/eviction')).toEqual({ name: 'pods/eviction', singularName: '', namespaced: true, group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] });
  expect(named('pods/exec')).toEqual({ name: 'pods/exec', singularName: '', namespaced: true, kind: 'PodExecOptions', verbs: ['create', 'get'] });
});

test('apiGroup() prefers the first version', () => {
  const versions = [{ groupVersion: 'autoscaling/v2', version: 'v2' }, { groupVersion: 'autoscaling/v1', version: 'v1' }];
  expect(apiGroup(kinds, 'autoscaling')).toEqual({ kind: 'APIGroup', apiVersion: 'v1', name: 'autoscaling', versions, preferredVersion: versions[0] });
});

test('what is not served has no document', () => {
  expect([apiGroup(kinds, ''), apiGroup(kinds, 'nowhere'), apiResourceList(kinds, { group: 'apps', version: 'v2' })]).toEqual([undefined, undefined, undefined]);
});

test('aggregatedDiscovery() leaves out the group and version of built-in kinds only', () => {
  const boat: Kind = {
    group: 'sea.example.com', kind: 'Boat', listKind: 'BoatList', plural: 'boats', singular: 'boat', shortNames: ['bt'], categories: [], namespaced: false,
    versions: [{ version: 'v1beta1', schema: { structural: {} }, storageVersionHash: 'x' }, { version: 'v1', schema: { structural: {} }, storageVersionHash: 'x' }], hub: 'v1',
    verbs: ['get'], subresources: [{ name: 'scale', verbs: ['get'], speaks: { group: 'autoscaling', version: 'v1', kind: 'Scale' } }], strategy: {}, storagePath: 'boats', custom: 'boats.sea.example.com',
  };
  const core = aggregatedDiscovery([...kinds, boat], 'core') as { items: { metadata: Json; versions: { resources: Json[] }[] }[] };
  expect(core.items).toHaveLength(1);
  expect(core.items[0]?.metadata).toEqual({});
  expect(core.items[0]?.versions[0]?.resources.find(({ resource }) => resource === 'namespaces')).toEqual({
    resource: 'namespaces', responseKind: { group: '', version: '', kind: 'Namespace' }, scope: 'Cluster', singularResource: 'namespace', shortNames: ['ns'],
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    subresources: [
      { subresource: 'finalize', responseKind: { group: '', version: '', kind: 'Namespace' }, verbs: ['update'] },
      { subresource: 'status', responseKind: { group: '', version: '', kind: 'Namespace' }, verbs: ['get', 'patch', 'update'] },
    ],
  });
  const groups = aggregatedDiscovery([boat, ...kinds], 'groups') as { items: Json[] };
  expect(groups.items.at(-1)).toEqual({
    metadata: { name: 'sea.example.com' },
    versions: ['v1', 'v1beta1'].map((version) => ({
      version, freshness: 'Current',
      resources: [{
        resource: 'boats', responseKind: { group: 'sea.example.com', version, kind: 'Boat' }, scope: 'Cluster', singularResource: 'boat', shortNames: ['bt'], verbs: ['get'],
        subresources: [{ subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: ['get'] }],
      }],
    })),
  });
});

test('compareVersions() puts stable before beta before alpha, and newer first', () => {
  const sorted = ['v10', 'v2', 'v1', 'v11beta2', 'v10beta3', 'v3beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'foo10'];
  expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
});
