/** The facts table: it can be read, it is whole, and its rows say what they are taken to say. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { groupFacts, kindFact, kindFacts, knownType, resourceFacts, typeFact } from './facts.ts';
import type { FieldFact } from './fact.ts';

test('every kind has its type, and every type those that it refers to', () => {
  const missing = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const fact = typeFact(name);
    if (!fact) missing.add(name);
    for (const field of fact?.fields ?? []) for (let at: FieldFact | undefined = field; at; at = at.of) if (at.ref) visit(at.ref);
  };
  for (const { type } of kindFacts()) visit(type);
  expect([...missing]).toEqual([]);
  expect(seen.size).toBeGreaterThan(600);
});

test('every served resource has a kind, and so has what its subresources speak', () => {
  const unknown = resourceFacts().flatMap(({ group, version, kind, subresources = [] }) =>
    [{ group, version, kind }, ...subresources.flatMap(({ responseKind }) => responseKind ?? [])].filter((gvk) => !kindFact(gvk.group, gvk.version, gvk.kind)),
  );
  expect(unknown).toEqual([]);
  expect(groupFacts().flatMap(({ group, versions }) => versions.map((version) => `${group}/${version}`)).sort()).toEqual(
    [...new Set(resourceFacts().map(({ group, version }) => `${group}/${version}`))].sort(),
  );
});

test('typeFact() reads rows', () => {
  const field = (type: string, name: string): FieldFact | undefined => knownType(type).fields.find((one) => one.name === name);
  expect(field('io.k8s.api.core.v1.Container', 'ports')).toEqual({
    name: 'ports', number: 6, kind: 'list', of: { kind: 'ref', ref: 'io.k8s.api.core.v1.ContainerPort' }, omitempty: true,
    listType: 'map', mapKeys: ['containerPort', 'protocol'], patchStrategy: 'merge', mergeKey: 'containerPort',
  });
  expect(field('io.k8s.api.core.v1.ContainerPort', 'protocol')).toEqual({ name: 'protocol', number: 4, kind: 'string', omitempty: true, enum: ['SCTP', 'TCP', 'UDP'], default: 'TCP' });
  expect(field('io.k8s.api.apps.v1.Deployment', 'spec')).toEqual({ name: 'spec', number: 2, kind: 'ref', ref: 'io.k8s.api.apps.v1.DeploymentSpec', omitempty: true, default: {} });
  expect(field('io.k8s.api.authentication.v1.UserInfo', 'extra')).toMatchObject({ kind: 'map', of: { kind: 'list', message: true, of: { kind: 'string' } } });
  expect(field('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'creationTimestamp')).toMatchObject({ kind: 'time', ref: 'io.k8s.apimachinery.pkg.apis.meta.v1.Time', omitzero: true });
  expect(knownType('io.k8s.apimachinery.pkg.apis.meta.v1.Table').protobuf).toBe(false);
});

test('kindFact() knows kinds that are everywhere', () => {
  expect(kindFact('apps', 'v1', 'DeleteOptions')?.type).toBe('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
  expect(kindFact('apps', 'v1', 'Nothing')).toBeUndefined();
});

test.each(['', 'Pod', 'io.k8s.api.core.v1.Nothing', 'io.k8s.api.nowhere.v1.Pod', '../../package.x', 'com.example.core.v1.Pod'])('typeFact() does not know %j', (name) => {
  expect(typeFact(name)).toBeUndefined();
});

test('the table has a file per package and nothing else', () => {
  const files = readdirSync(join(import.meta.dirname, 'table'));
  expect(files).toContain('core.v1.json');
  expect(files.every((file) => /^[a-z]+(\.v\d[a-z0-9]*)?\.json$/.test(file))).toBe(true);
});
