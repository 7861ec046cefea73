/** OpenAPI documents against those of a real server, without its prose; and what custom resources add. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ProtobufReader } from '../codec/protobuf-decode.ts';
import type { Kind } from '../kind.ts';
import { builtinKinds } from '../kinds/index.ts';
import { openApiV2, openApiV2Protobuf } from './v2.ts';
import { openApiV3, openApiV3Index, openApiV3Protobuf } from './v3.ts';

type Json = Record<string, unknown>;

const documents = JSON.parse(gunzipSync(readFileSync(join(import.meta.dirname, 'fixtures/documents.json.gz'))).toString()) as { v2: Json; v3: Record<string, Json> };
const OPTIONS = { version: '1.36' };
const kinds = builtinKinds();

/** Without descriptions, which the recorded documents lack. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key, inner]) => key !== 'description' || typeof inner !== 'string').map(([key, inner]) => [key, bare(inner)]));
}

/** The paths at which two values differ. */
function differences(got: unknown, want: unknown, path = ''): string[] {
  if (typeof got !== 'object' || typeof want !== 'object' || got === null || want === null || Array.isArray(got)) {
    return JSON.stringify(got) === JSON.stringify(want) ? [] : [path];
  }
  const keys = new Set([...Object.keys(got), ...Object.keys(want)]);
  return [...keys].flatMap((key) => differences((got as Json)[key], (want as Json)[key], `${path}/${key}`));
}

/** Objects by sorted keys, so that lists of them compare by what they say. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, canonical(inner)]));
}

/** The bytes of each value of a field. */
function fieldOf(bytes: Uint8Array, wanted: number): Buffer[] {
  const reader = new ProtobufReader(bytes);
  const found: Buffer[] = [];
  reader.fields((number, wire) => {
    if (number === wanted && wire === 2) found.push(reader.slice());
    else reader.skip(wire);
  });
  return found;
}

const same = (got: unknown, want: unknown): string[] => differences(canonical(bare(got)), canonical(want));

test('openApiV2() is the document of a real server', () => {
  expect(same(openApiV2(kinds, OPTIONS), documents.v2)).toEqual([]);
});

test('openApiV3Index() names the documents of a real server', () => {
  const { paths } = openApiV3Index(kinds, (path) => path.toUpperCase()) as { paths: Record<string, { serverRelativeURL: string }> };
  expect(Object.keys(paths).sort()).toEqual(Object.keys(documents.v3).sort());
  expect(paths['apis/apps/v1']).toEqual({ serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=APIS/APPS/V1' });
});

test.each(Object.keys(documents.v3))('openApiV3() of %s is the document of a real server', (path) => {
  expect(same(openApiV3(path, kinds, OPTIONS), documents.v3[path])).toEqual([]);
});

test.each(['', 'apis/nowhere', 'apis/apps/v2', 'api/v2', 'apis/apps/v1/more', '__proto__'])('openApiV3() has no document %j', (path) => {
  expect(openApiV3(path, kinds, OPTIONS)).toBeUndefined();
});

test('each response and each parameter reference can be resolved', () => {
  const { definitions, parameters } = openApiV2(kinds, OPTIONS) as { definitions: Json; parameters: Json };
  const refs = new Set([...JSON.stringify(openApiV2(kinds, OPTIONS)).matchAll(/"\$ref":"#\/(definitions|parameters)\/([^"]+)"/g)].map(([, place, name]) => `${place} ${name}`));
  expect([...refs].filter((ref) => !Object.hasOwn(ref.startsWith('definitions') ? definitions : parameters, ref.split(' ')[1] ?? ''))).toEqual([]);
});

const one = (bytes: Uint8Array, ...path: number[]): Buffer => path.reduce<Buffer>((at, number) => fieldOf(at, number)[0] ?? Buffer.alloc(0), Buffer.from(bytes));

const byName = (entries: Buffer[], name: string): Buffer => one(entries.find((entry) => one(entry, 1).toString() === name) ?? Buffer.alloc(0), 2);

describe('openApiV2Protobuf()', () => {
  const bytes = openApiV2Protobuf(openApiV2(kinds, OPTIONS));

  test('has every path and definition, with names and kinds', () => {
    expect(one(bytes, 1).toString()).toBe('2.0');
    const paths = fieldOf(one(bytes, 8), 2);
    expect(paths.map((entry) => one(entry, 1).toString())).toEqual(Object.keys(documents.v2['paths'] as Json).sort());
    const patch = one(byName(paths, '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'), 8);
    expect(one(patch, 5).toString()).toBe('patchAppsV1NamespacedDeployment');
    const extensions = fieldOf(patch, 13);
    expect(JSON.parse(one(byName(extensions, 'x-kubernetes-group-version-kind'), 2).toString())).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' });
    const definitions = fieldOf(one(bytes, 9), 1);
    expect(definitions).toHaveLength(Object.keys(documents.v2['definitions'] as Json).length);
    const properties = fieldOf(one(byName(definitions, 'io.k8s.api.core.v1.ContainerPort'), 25), 1);
    expect(one(byName(properties, 'containerPort'), 22, 1).toString()).toBe('integer');
  });
});

test('openApiV3Protobuf() has every path and schema of a document', () => {
  const document = openApiV3('apis/apps/v1', kinds, OPTIONS) as { paths: Json; components: { schemas: Json } };
  const bytes = openApiV3Protobuf(document);
  expect(one(bytes, 1).toString()).toBe('3.0.0');
  expect(one(bytes, 2, 6).toString()).toBe(OPTIONS.version);
  const paths = fieldOf(one(bytes, 4), 1);
  expect(paths.map((entry) => one(entry, 1).toString())).toEqual(Object.keys(document.paths));
  const put = one(byName(paths, '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'), 5);
  expect(one(put, 5).toString()).toBe('replaceAppsV1NamespacedDeployment');
  expect(one(byName(fieldOf(one(put, 7, 1, 2), 1), '*/*'), 1, 2, 1).toString()).toBe('#/components/schemas/io.k8s.api.apps.v1.Deployment');
  const schemas = fieldOf(one(bytes, 5, 1), 1);
  expect(schemas.map((entry) => one(entry, 1).toString())).toEqual(Object.keys(document.components.schemas));
  const deployment = one(byName(schemas, 'io.k8s.api.apps.v1.Deployment'), 1);
  expect(one(deployment, 25).toString()).toBe('object');
  expect(one(byName(fieldOf(one(deployment, 31), 1), 'spec'), 1, 26, 2, 1).toString()).toBe('#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec');
});

describe('custom resources', () => {
  const structural = { type: 'object', required: ['spec'], properties: { spec: { type: 'object', properties: { size: { type: 'integer', default: 1 }, any: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } } } } };
  const widget: Kind = {
    group: 'shop.example.com', kind: 'Widget', listKind: 'WidgetList', plural: 'widgets', singular: 'widget', shortNames: [], categories: [], namespaced: true,
    versions: [{ version: 'v1', schema: { structural }, storageVersionHash: '' }], hub: 'v1', verbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
    subresources: [{ name: 'status', verbs: ['get', 'patch', 'update'] }], strategy: {}, storagePath: 'shop.example.com/widgets', custom: 'widgets.shop.example.com',
  };
  const all = [...kinds, widget];

  test('stand in both documents under their own names', () => {
    const v2 = openApiV2(all, OPTIONS) as { paths: Json; definitions: Record<string, Json> };
    expect(Object.keys(v2.paths).filter((path) => path.includes('widgets'))).toEqual([
      '/apis/shop.example.com/v1/namespaces/{namespace}/widgets', '/apis/shop.example.com/v1/namespaces/{namespace}/widgets/{name}',
      '/apis/shop.example.com/v1/namespaces/{namespace}/widgets/{name}/status', '/apis/shop.example.com/v1/widgets',
    ]);
    expect(v2.definitions['com.example.shop.v1.Widget']).toMatchObject({
      type: 'object', required: ['spec'], 'x-kubernetes-group-version-kind': [{ group: 'shop.example.com', kind: 'Widget', version: 'v1' }],
      properties: { metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }, spec: { properties: { size: { type: 'integer' }, any: {} } } },
    });
    expect(JSON.stringify(v2.definitions['com.example.shop.v1.Widget'])).not.toMatch(/anyOf|nullable/);
    const v3 = openApiV3('apis/shop.example.com/v1', all, OPTIONS) as { paths: Json; components: { schemas: Record<string, Json> } };
    expect(v3.components.schemas['com.example.shop.v1.Widget']).toMatchObject({ properties: { spec: structural.properties.spec } });
    expect((v3 as unknown as { info: object }).info).toMatchObject({ title: 'Kubernetes CRD Swagger' });
    const options = v3.components.schemas['io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'] as { 'x-kubernetes-group-version-kind': { group: string }[] };
    expect(options['x-kubernetes-group-version-kind'].map(({ group }) => group)).toEqual(expect.arrayContaining(['', 'apps', 'batch']));
    expect(v3.components.schemas['com.example.shop.v1.WidgetList']).toMatchObject({ properties: { items: { items: { $ref: '#/components/schemas/com.example.shop.v1.Widget' } } } });
    expect(Object.keys((openApiV3Index(all, () => '') as { paths: Json }).paths)).toContain('apis/shop.example.com/v1');
    expect(() => openApiV2Protobuf(openApiV2(all, OPTIONS))).not.toThrow();
  });

  test('say in version 2 less of what is open or nullable, and in version 3 what is meant', () => {
    const schema = {
      type: 'object', properties: {
        port: { 'x-kubernetes-int-or-string': true },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } },
        maybe: { type: 'array', nullable: true, items: { type: 'string' } },
        pod: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: {} },
      },
      required: ['port', 'maybe'],
    };
    const row = { ...widget, versions: [{ version: 'v1', schema: { structural: schema }, storageVersionHash: '' }] };
    const v2 = openApiV2([...kinds, row], OPTIONS) as { definitions: Record<string, { properties: Json; required: string[] }> };
    const second = v2.definitions['com.example.shop.v1.Widget'];
    expect(second?.required).toEqual(['port']);
    expect(second?.properties).toMatchObject({ port: { 'x-kubernetes-int-or-string': true }, maybe: {} });
    expect(second?.properties['free']).toEqual({ 'x-kubernetes-preserve-unknown-fields': true });
    expect(second?.properties['maybe']).toEqual({});
    const v3 = openApiV3('apis/shop.example.com/v1', [...kinds, row], OPTIONS) as { components: { schemas: Record<string, { properties: Json }> } };
    const third = v3.components.schemas['com.example.shop.v1.Widget'];
    expect(third?.properties['port']).toEqual({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] });
    expect(third?.properties['pod']).toMatchObject({ required: ['kind', 'apiVersion'], properties: { metadata: { allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }] } } });
  });

  test('change nothing of what is built in', () => {
    expect(same(openApiV3('apis/apps/v1', all, OPTIONS), documents.v3['apis/apps/v1'])).toEqual([]);
  });
});
