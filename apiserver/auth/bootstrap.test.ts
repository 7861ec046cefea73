import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import type { ApiObject } from '../../api/kind.ts';
import { clusterrolebindings, clusterroles, flowschemas, namespaces } from '../../api/resources.ts';
import type { ClusterRole } from '../../api/types/rbac.v1.ts';
import { deepCopy } from '../../std/deep.ts';
import { bootstrapObjects, ensureBootstrap } from './bootstrap.ts';
import { FakeReader } from './fake-reader.ts';

const FOLDER = new URL('../../manifests/bootstrap/', import.meta.url);

test('compiled.json says what the YAML files say (UPDATE=1 rewrites it)', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml')).sort();
  const objects = files.flatMap((file) => loadAll(readFileSync(new URL(file, FOLDER), 'utf8')) as ApiObject[]);
  const compiled = `[\n${objects.map((object) => JSON.stringify(object)).join(',\n')}\n]\n`;
  if (process.env['UPDATE']) writeFileSync(new URL('compiled.json', FOLDER), compiled);
  expect(readFileSync(new URL('compiled.json', FOLDER), 'utf8')).toBe(compiled);
  expect(new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`)).size).toBe(objects.length);
});

test('every role that a binding names exists', () => {
  const names = new Set(bootstrapObjects().map(({ kind, metadata }) => `${kind}/${kind === 'Role' ? metadata.namespace : ''}/${metadata.name}`));
  const dangling = bootstrapObjects().flatMap(({ roleRef, metadata }) => {
    const ref = roleRef as { kind: string; name: string } | undefined;
    return ref && !names.has(`${ref.kind}/${ref.kind === 'Role' ? metadata.namespace : ''}/${ref.name}`) ? [metadata.name] : [];
  });
  expect(dangling).toEqual([]);
});

test('ensureBootstrap() creates everything at the first start and writes nothing at the second', async () => {
  const store = new FakeReader();
  expect(await ensureBootstrap(store, store)).toEqual({ written: bootstrapObjects().length });
  expect(store.get(namespaces, '', 'kube-node-lease')).toBeDefined();
  expect(store.list(clusterroles).filter(({ metadata }) => metadata.labels?.['kubernetes.io/bootstrapping'] === 'rbac-defaults')).toHaveLength(69);
  expect(store.list(clusterrolebindings).filter(({ metadata }) => metadata.labels?.['kubernetes.io/bootstrapping'] === 'rbac-defaults')).toHaveLength(50);
  const writes = store.writes;
  expect(await ensureBootstrap(store, store)).toEqual({ written: 0 });
  expect(store.writes).toBe(writes);
});

describe('ensureBootstrap() on a cluster that people have changed', () => {
  test('gives a role back the rules that it lost, and keeps those that it got', async () => {
    const own = { apiGroups: ['example.com'], resources: ['things'], verbs: ['get'] };
    const role = await changed((draft) => (draft.rules = [own]));
    expect(role.rules[0]).toEqual(own);
    expect(role.rules.flatMap(({ resources }) => resources)).toEqual(expect.arrayContaining(['services', 'endpointslices', 'nodes']));
  });

  test('leaves a role alone whose annotation says so', async () => {
    const role = await changed((draft) => {
      draft.rules = [];
      draft.metadata.annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
    });
    expect(role.rules).toEqual([]);
  });

  test('does not touch the rules that aggregation has collected', async () => {
    const store = new FakeReader();
    await ensureBootstrap(store, store);
    const view = deepCopy(store.get(clusterroles, '', 'view')) as ClusterRole;
    view.rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
    store.set(clusterroles, view);
    expect(await ensureBootstrap(store, store)).toEqual({ written: 0 });
  });

  test('makes a binding anew that points to another role, unless its annotation says no', async () => {
    const store = new FakeReader();
    await ensureBootstrap(store, store);
    const point = (name: string, annotations: Record<string, string>): void => {
      const binding = deepCopy(store.get(clusterrolebindings, '', name)) as unknown as { roleRef: { name: string }; metadata: { annotations: Record<string, string> } };
      binding.roleRef.name = 'elsewhere';
      binding.metadata.annotations = annotations;
      store.set(clusterrolebindings, binding as never);
    };
    point('system:discovery', {});
    point('system:basic-user', { 'rbac.authorization.kubernetes.io/autoupdate': 'false' });
    await ensureBootstrap(store, store);
    expect(['system:discovery', 'system:basic-user'].map((name) => store.get(clusterrolebindings, '', name)?.roleRef.name)).toEqual(['system:discovery', 'elsewhere']);
  });

  test('puts a flow schema right when it may, defaults beside the wanted fields are no difference', async () => {
    const store = new FakeReader();
    await ensureBootstrap(store, store);
    const schema = deepCopy(store.get(flowschemas, '', 'probes')) as unknown as { spec: { matchingPrecedence: number; extra?: string } };
    schema.spec.extra = 'defaulted';
    store.set(flowschemas, schema as never);
    expect(await ensureBootstrap(store, store)).toEqual({ written: 0 });
    schema.spec.matchingPrecedence = 7;
    store.set(flowschemas, schema as never);
    expect(await ensureBootstrap(store, store)).toEqual({ written: 1 });
    expect(store.get(flowschemas, '', 'probes')?.spec?.matchingPrecedence).toBe(2);
  });
});

async function changed(change: (role: ClusterRole) => void): Promise<ClusterRole> {
  const store = new FakeReader();
  await ensureBootstrap(store, store);
  const role = deepCopy(store.get(clusterroles, '', 'system:node-proxier')) as ClusterRole;
  change(role);
  store.set(clusterroles, role);
  await ensureBootstrap(store, store);
  return deepCopy(store.get(clusterroles, '', 'system:node-proxier')) as ClusterRole;
}
