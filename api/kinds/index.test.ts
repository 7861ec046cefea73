import { builtinKinds } from './index.ts';
import { kindOf } from './testing.ts';

test('there is one row per kind, and their plurals differ within a group', () => {
  const kinds = builtinKinds();
  const names = new Set(kinds.map(({ kind, group }) => `${kind}.${group}`));
  const plurals = new Set(kinds.map(({ plural, group }) => `${plural}.${group}`));
  expect(names.size).toBe(kinds.length);
  expect(plurals.size).toBe(kinds.length);
  expect(kinds.length).toBeGreaterThan(60);
});

test.each([
  ['Pod', '', 'pods'],
  ['Service', '', 'services/specs'],
  ['Endpoints', '', 'services/endpoints'],
  ['Node', '', 'minions'],
  ['ReplicationController', '', 'controllers'],
  ['Event', 'events.k8s.io', 'events'],
  ['Event', '', 'events'],
  ['Deployment', 'apps', 'deployments'],
  ['Lease', 'coordination.k8s.io', 'leases'],
  ['Ingress', 'networking.k8s.io', 'ingress'],
  ['Role', 'rbac.authorization.k8s.io', 'roles'],
  ['APIService', 'apiregistration.k8s.io', 'apiregistration.k8s.io/apiservices'],
  ['CustomResourceDefinition', 'apiextensions.k8s.io', 'apiextensions.k8s.io/customresourcedefinitions'],
])('%s of %j is stored under %s', (kind, group, path) => {
  expect(kindOf(kind, group).storagePath).toBe(path);
});

test('every kind checks its metadata and has a name rule that refuses a slash', () => {
  for (const kind of builtinKinds()) {
    if (!kind.strategy.validate || kind.stored?.({} as never) === false) continue;
    expect(kind.strategy.validateName?.('a/b', false) ?? ['default']).not.toEqual([]);
  }
});
