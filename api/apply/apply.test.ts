import { deepFreeze } from '../../std/deep.ts';
import type { ApiObject } from '../kind.ts';
import type { Schema } from '../schema.ts';
import { ApiError } from '../status.ts';
import type { Convert } from './ownership.ts';
import { serverSideApply } from './server-side-apply.ts';
import { trackUpdate } from './track-update.ts';

const CONFIG_MAP: Schema = { type: 'io.k8s.api.core.v1.ConfigMap' };
const DEPLOYMENT: Schema = { type: 'io.k8s.api.apps.v1.Deployment' };
const SERVICE: Schema = { type: 'io.k8s.api.core.v1.Service' };
const WIDGET: Schema = {
  structural: {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          ports: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['port', 'protocol'],
            items: { type: 'object', properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' }, note: { type: 'string' } } },
          },
          tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
          args: { type: 'array', items: { type: 'string' } },
          place: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { x: { type: 'string' }, y: { type: 'string' } } },
          any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          size: { 'x-kubernetes-int-or-string': true },
        },
      },
    },
  },
};

/** One object and the writes to it, a second apart. */
class Session {
  object: ApiObject | undefined;
  readonly #schema: Schema;
  readonly #base: { apiVersion: string; kind: string };
  #now = 0;
  constructor(schema: Schema, apiVersion: string, kind: string) {
    this.#schema = schema;
    this.#base = { apiVersion, kind };
  }
  apply(manager: string, fields: object, more: { force?: boolean; subresource?: string; reset?: string[][]; convert?: Convert } = {}): this {
    const { force = false, subresource = '', reset = [], convert } = more;
    this.object = deepFreeze(
      serverSideApply({
        schema: this.#schema, live: this.object, applied: deepFreeze(this.#object(fields)) as ApiObject, manager, force, subresource,
        apiVersion: this.#base.apiVersion, kind: this.#base.kind, now: this.#tick(), resetFields: reset, convert,
      }),
    ) as ApiObject;
    return this;
  }
  write(manager: string, fields: object, more: { subresource?: string; reset?: string[][]; managedFields?: unknown[] } = {}): this {
    const next = this.#object(structuredClone(fields));
    if (more.managedFields) next.metadata.managedFields = more.managedFields;
    trackUpdate({
      schema: this.#schema, live: this.object, next, manager, apiVersion: this.#base.apiVersion,
      subresource: more.subresource ?? '', now: this.#tick(), resetFields: more.reset ?? [],
    });
    this.object = deepFreeze(next) as ApiObject;
    return this;
  }
  /** `manager operation [subresource] @second` → fields. */
  owners(): Record<string, unknown> {
    const entries = (this.object?.metadata.managedFields ?? []) as { manager: string; operation: string; subresource?: string; time?: string; fieldsV1: unknown }[];
    return Object.fromEntries(entries.map((e) => [[e.manager, e.operation, e.subresource, e.time && `@${Date.parse(e.time) / 1000}`].filter(Boolean).join(' '), e.fieldsV1]));
  }
  fields(): unknown {
    const { apiVersion: _, kind: __, metadata, ...rest } = this.object as ApiObject;
    const { name: ___, managedFields: ____, ...meta } = metadata;
    return Object.keys(meta).length > 0 ? { metadata: meta, ...rest } : rest;
  }
  refusal(run: (session: this) => unknown): ApiError {
    try {
      run(this);
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  }
  #object(fields: object): ApiObject {
    const { metadata, ...rest } = fields as { metadata?: object };
    return { ...this.#base, metadata: { name: 'a', ...metadata }, ...rest };
  }
  #tick(): number {
    return ++this.#now * 1000;
  }
}

const configMap = (): Session => new Session(CONFIG_MAP, 'v1', 'ConfigMap');
const deployment = (): Session => new Session(DEPLOYMENT, 'apps/v1', 'Deployment');
const service = (): Session => new Session(SERVICE, 'v1', 'Service');
const widget = (): Session => new Session(WIDGET, 'example.com/v1', 'Widget');
const pod = (spec: object): object => ({ spec: { template: { spec } } });

describe('trackUpdate()', () => {
  test('gives what is created to its creator, but not what is there in any object', () => {
    const s = deployment().write('maker', { metadata: { labels: { a: 'b' } }, spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, strategy: { type: 'Recreate' }, template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }], args: ['x'] }] } } } });
    expect(s.owners()).toEqual({
      'maker Update @1': {
        'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
        'f:spec': {
          'f:replicas': {}, 'f:selector': {}, 'f:strategy': { 'f:type': {} },
          'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"c"}': {
            '.': {}, 'f:name': {}, 'f:args': {}, 'f:resources': {}, 'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
          } } } },
        },
      },
    });
  });

  const revision = new Session({ type: 'io.k8s.api.apps.v1.ControllerRevision' }, 'apps/v1', 'ControllerRevision');
  const role = new Session({ type: 'io.k8s.api.rbac.v1.Role' }, 'rbac.authorization.k8s.io/v1', 'Role');
  test.each([
    ['zero', revision, { data: { spec: { a: 1 } }, revision: 0 }, { 'maker Update @1': { 'f:data': {} } }],
    ['null', role, { rules: null }, {}],
    ['an empty list', role, { rules: [] }, { 'maker Update @2': { 'f:rules': {} } }],
  ])('does not give away what an object says anyway: %s', (_, s, fields, owners) => {
    s.object = undefined;
    expect(s.write('maker', fields).owners()).toEqual(owners);
  });

  test('moves changed fields, takes removed ones away, and leaves the times of others', () => {
    const s = configMap().write('one', { data: { a: '1', b: '2', c: '3' } }).write('two', { data: { a: '1', b: 'x', d: '4' } });
    expect(s.owners()).toEqual({
      'one Update @1': { 'f:data': { '.': {}, 'f:a': {} } },
      'two Update @2': { 'f:data': { 'f:b': {}, 'f:d': {} } },
    });
    s.write('one', { data: { a: '1', b: 'x', d: '4' } });
    expect(Object.keys(s.owners())).toEqual(['one Update @1', 'two Update @2']);
    s.write('two', { data: { a: '9', b: 'x', d: '4' } });
    expect(s.owners()).toMatchObject({ 'two Update @4': { 'f:data': { 'f:a': {}, 'f:b': {}, 'f:d': {} } } });
  });

  test('drops entries that are left with nothing', () => {
    const s = configMap().write('one', { data: { a: '1' } }).write('two', {});
    expect(s.owners()).toEqual({});
  });

  test('writes a custom resource by its structural schema, containers included', () => {
    const s = widget().write('maker', { spec: { ports: [{ port: 1, note: 'n' }], tags: ['t'], args: ['x'], place: { x: '1' }, any: { deep: { er: 1, list: [1] } }, size: '5%' } });
    expect(s.owners()).toEqual({ 'maker Update @1': { 'f:spec': {
      '.': {}, 'f:args': {}, 'f:place': {}, 'f:size': {}, 'f:any': { '.': {}, 'f:deep': { '.': {}, 'f:er': {}, 'f:list': {} } },
      'f:ports': { '.': {}, 'k:{"port":1,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:note': {} } }, 'f:tags': { '.': {}, 'v:"t"': {} },
    } } });
  });

  test('leaves it to validation to refuse what is neither a number nor a text', () => {
    const s = widget().apply('one', { spec: { size: { x: 1 } } });
    expect(s.owners()).toEqual({ 'one Apply @1': { 'f:spec': { 'f:size': { 'f:x': {} } } } });
  });

  test('takes fields that a schema keeps without naming them, also further down', () => {
    const schema: Schema = { structural: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } } };
    const s = new Session(schema, 'g/v1', 'X').apply('one', { spec: { size: 1, more: { deep: [1] } }, other: 'x' });
    expect(s.owners()).toEqual({ 'one Apply @1': { 'f:spec': { 'f:size': {}, 'f:more': { '.': {}, 'f:deep': { } } }, 'f:other': {} } });
  });

  test('keeps what a subresource does not let through out of ownership', () => {
    const s = deployment().write('maker', { spec: { replicas: 1 }, status: { replicas: 7 } }, { reset: [['status']] });
    expect(s.owners()).toEqual({ 'maker Update @1': { 'f:spec': { 'f:replicas': {} } } });
    s.write('agent', { spec: { replicas: 9 }, status: { replicas: 2 } }, { subresource: 'status', reset: [['spec']] });
    expect(s.owners()).toEqual({ 'maker Update @1': { 'f:spec': { 'f:replicas': {} } }, 'agent Update status @2': { 'f:status': { 'f:replicas': {} } } });
  });

  const entry = { manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:a': {} } } };
  test.each([
    ['an empty list clears', [], {}],
    ['an empty entry clears', [{}], {}],
    ['a good list is taken', [entry], { 'x Update': entry.fieldsV1 }],
    ['the object itself is nobody\'s', [{ ...entry, fieldsV1: { '.': {}, ...entry.fieldsV1 } }], { 'x Update': entry.fieldsV1 }],
    ['an unknown operation is ignored', [{ ...entry, operation: 'Guess' }], { 'one Update @1': { 'f:data': { '.': {}, 'f:a': {} } } }],
    ['an unknown form is ignored', [{ ...entry, fieldsType: 'FieldsV9' }], { 'one Update @1': { 'f:data': { '.': {}, 'f:a': {} } } }],
    ['malformed fields are ignored', [{ ...entry, fieldsV1: { nonsense: {} } }], { 'one Update @1': { 'f:data': { '.': {}, 'f:a': {} } } }],
  ])('managedFields in the object: %s', (_, managedFields, expected) => {
    expect(configMap().write('one', { data: { a: '1' } }).write('two', { data: { a: '1' } }, { managedFields }).owners()).toEqual(expected);
  });

  test('an object without owners gets none by updates, and all from before by its first apply', () => {
    const s = configMap().write('one', { data: { a: '1' } }).write('two', { data: { a: '1' } }, { managedFields: [] }).write('three', { data: { a: '2' } });
    expect(s.owners()).toEqual({});
    s.apply('four', { data: { b: '3' } });
    expect(s.owners()).toEqual({ 'before-first-apply Update @4': { 'f:data': { '.': {}, 'f:a': {} } }, 'four Apply @4': { 'f:data': { 'f:b': {} } } });
  });

  test('merges the oldest updaters when there are too many', () => {
    const s = configMap();
    const data: Record<string, string> = {};
    for (let i = 1; i <= 12; i++) {
      data[`k${i}`] = '';
      s.write(`m${i}`, { data });
    }
    expect(Object.keys(s.owners()).sort()).toEqual(['ancient-changes Update @3', ...[4, 5, 6, 7, 8, 9, 10, 11, 12].map((i) => `m${i} Update @${i}`)].sort());
    expect(s.owners()['ancient-changes Update @3']).toEqual({ 'f:data': { '.': {}, 'f:k1': {}, 'f:k2': {}, 'f:k3': {} } });
  });

  test('duplicates in a keyed list are owned as one', () => {
    const s = deployment().write('one', pod({ containers: [{ name: 'c', env: [{ name: 'A', value: '1' }, { name: 'A', value: '2' }] }] }));
    expect(JSON.stringify(s.owners())).toContain('"k:{\\"name\\":\\"A\\"}":{}');
  });

  test('texts of some form are any scalars, and bytes are texts', () => {
    const schema = { structural: { type: 'object', properties: { ip: { type: 'string', format: 'ipv4' }, raw: { type: 'string', format: 'byte' } } } };
    const apply = (fields: object): unknown => serverSideApply({ schema, live: undefined, applied: { apiVersion: 'e/v1', kind: 'E', metadata: { name: 'a' }, ...fields } as ApiObject, manager: 'm', force: false, apiVersion: 'e/v1', now: 0 });
    expect(() => apply({ ip: 5 })).not.toThrow();
    expect(() => apply({ ip: [5] })).toThrow('.ip: expected any scalar, got &{[5]}');
    expect(() => apply({ raw: 5 })).toThrow('.raw: expected string, got &value.valueUnstructured{Value:5}');
  });

  test.each([
    ['a status that does not fit its type', '', { status: 'x' }, undefined],
    ['a status that fits', '', { status: { n: 1 } }, ['m']],
    ['a status whose items come twice', '', { status: { c: [{ type: 'A' }, { type: 'A' }] } }, ['m']],
    ['a spec that does not fit, beside a status', 'status', { spec: 'x', status: { n: 1 } }, undefined],
  ])('of custom resources, what is not let through takes all owners away where it does not fit: %s', (_, subresource, sent, owners) => {
    const item = { type: 'object', properties: { type: { type: 'string' } } };
    const status = { type: 'object', properties: { n: { type: 'integer' }, c: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'], items: item } } };
    const schema = { structural: { type: 'object', properties: { spec: { type: 'object', properties: { s: { type: 'string' } } }, status } } };
    const next = { apiVersion: 'e/v1', kind: 'E', metadata: { name: 'a', labels: { a: 'b' } }, ...sent } as ApiObject;
    trackUpdate({ schema, live: undefined, next, manager: 'm', apiVersion: 'e/v1', subresource, now: 0, resetFields: subresource === '' ? [['status']] : [['spec'], ['metadata']] });
    expect((next.metadata.managedFields as { manager: string }[] | undefined)?.map(({ manager }) => manager)).toEqual(owners);
  });

  test('forgets managers of versions that are no longer served', () => {
    const next = { apiVersion: 'v2', kind: 'X', metadata: { managedFields: [{ ...entry, apiVersion: 'v1' }] }, data: { a: '1' } } as ApiObject;
    trackUpdate({ schema: CONFIG_MAP, live: undefined, next, manager: 'm', apiVersion: 'v2', now: 0, convert: () => undefined });
    expect((next.metadata.managedFields as { manager: string }[]).map(({ manager }) => manager)).toEqual(['m']);
  });
});

describe('serverSideApply()', () => {
  test('owns the leaves that it sets and leaves the rest alone', () => {
    const s = configMap().write('maker', { data: { k: 'v', other: 'x' } }).apply('one', { data: { k: 'v', l: 'w' } });
    expect(s.fields()).toEqual({ data: { k: 'v', other: 'x', l: 'w' } });
    expect(s.owners()).toEqual({ 'maker Update @1': { 'f:data': { '.': {}, 'f:k': {}, 'f:other': {} } }, 'one Apply @2': { 'f:data': { 'f:k': {}, 'f:l': {} } } });
  });

  test('takes keys that objects inherit as data', () => {
    const data = JSON.parse('{"constructor":"x","toString":"y","__proto__":"z"}') as Record<string, string>;
    const s = configMap().apply('one', { data: { k: 'v' } }).apply('two', { data });
    expect(JSON.stringify(s.fields())).toBe('{"data":{"k":"v","constructor":"x","toString":"y","__proto__":"z"}}');
    expect(s.owners()).toMatchObject({ 'two Apply @2': { 'f:data': { 'f:constructor': {}, 'f:toString': {}, 'f:__proto__': {} } } });
    expect(configMap().write('one', { data: { k: 'v' } }).write('two', { data: { k: 'v', constructor: 'x' } }).owners()).toMatchObject({ 'two Update @2': { 'f:data': { 'f:constructor': {} } } });
  });

  test('that changes nothing returns what was there, times included', () => {
    const s = service().apply('one', { spec: { selector: { x: 'y' }, ports: [{ port: 80 }] } });
    const before = s.object;
    expect(s.apply('one', { spec: { selector: { x: 'y' }, ports: [{ port: 80 }] } }, { force: true }).object).toEqual(before);
    expect(s.apply('two', { spec: { selector: { x: 'y' } } }).owners()).toMatchObject({ 'one Apply @1': {}, 'two Apply': { 'f:spec': { 'f:selector': {} } } });
  });

  test('removes what it gives up and nobody else owns', () => {
    const s = configMap().apply('one', { data: { a: '1', b: '2', c: '3' } }).apply('two', { data: { b: '2' } }).write('three', { data: { a: '1', b: '2', c: 'x' } });
    s.apply('one', {});
    expect(s.fields()).toEqual({ data: { b: '2', c: 'x' } });
    expect(Object.keys(s.owners())).toEqual(['two Apply', 'three Update @3']);
    expect(s.apply('two', {}).fields()).toEqual({ data: { c: 'x' } });
  });

  test('removes items of lists, and lists that lose all', () => {
    const s = deployment().apply('one', pod({ containers: [{ name: 'c', image: 'i' }, { name: 'd', image: 'i', env: [{ name: 'A', value: '1' }] }] }));
    s.apply('two', pod({ containers: [{ name: 'd', env: [{ name: 'B', value: '2' }] }] }));
    s.apply('one', pod({ containers: [{ name: 'c', image: 'i' }] }));
    expect(s.fields()).toEqual(pod({ containers: [{ name: 'c', image: 'i' }, { name: 'd', env: [{ name: 'B', value: '2' }] }] }));
    s.apply('two', {});
    expect(s.fields()).toEqual(pod({ containers: [{ name: 'c', image: 'i' }] }));
    expect(s.apply('one', { metadata: { labels: { a: 'b' } } }).fields()).toEqual({ metadata: { labels: { a: 'b' } } });
  });

  test('keeps what stands unowned beside what it removes', () => {
    const s = deployment().apply('one', { spec: { replicas: 1, ...(pod({ containers: [{ name: 'c', image: 'i' }] }) as { spec: object }).spec } });
    const { spec, ...rest } = s.object as ApiObject & { spec: object };
    s.object = { ...rest, spec: { ...spec, paused: true } } as ApiObject;
    expect(s.apply('one', { spec: { replicas: 1 } }).fields()).toEqual({ spec: { replicas: 1, paused: true } });
  });

  const lists: [string, unknown[], unknown[], unknown[]][] = [
    ['appends new ones', ['a', 'b'], ['c'], ['a', 'b', 'c']],
    ['follows the configuration for shared ones', ['a', 'b'], ['b', 'a'], ['b', 'a']],
    ['keeps live ones in their place', ['a', 'b', 'c'], ['c', 'a'], ['b', 'c', 'a']],
    ['puts new ones among shared ones', ['a', 'b', 'c'], ['a', 'x', 'c'], ['a', 'b', 'x', 'c']],
    ['puts new ones before shared ones', ['b', 'c'], ['x', 'b'], ['x', 'b', 'c']],
    ['unites sets', ['one', 'both'], ['two', 'both'], ['one', 'two', 'both']],
  ];
  test.each(lists)('orders lists: %s', (_, live, config, expected) => {
    const s = widget().apply('one', { spec: { tags: live, ports: live.map((note, i) => ({ port: port(note), protocol: 'TCP', note: `${i}` })) } });
    s.apply('two', { spec: { tags: config, ports: config.map((name) => ({ port: port(name), protocol: 'TCP' })) } });
    const { spec } = s.fields() as { spec: { tags: string[]; ports: { port: number }[] } };
    expect(spec.tags).toEqual(expected);
    expect(spec.ports.map((item) => item.port)).toEqual(expected.map(port));
  });

  test('takes atomic lists and maps whole, and items without a key by the default', () => {
    const s = widget().apply('one', { spec: { args: ['a'], place: { x: '1' }, ports: [{ port: 80, note: 'n' }] } });
    const error = s.refusal(() => s.apply('two', { spec: { args: ['b'], place: { y: '2' }, ports: [{ port: 80, protocol: 'TCP', note: 'm' }] } }));
    expect(error.status.details?.causes?.map(({ field }) => field)).toEqual(['.spec.args', '.spec.place', '.spec.ports[port=80,protocol="TCP"].note']);
    s.apply('two', { spec: { args: ['b'], place: { y: '2' } } }, { force: true });
    expect(s.fields()).toMatchObject({ spec: { args: ['b'], place: { y: '2' } } });
    expect(s.owners()).toEqual({
      'one Apply @1': { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:note': {} } } } },
      'two Apply @3': { 'f:spec': { 'f:args': {}, 'f:place': {} } },
    });
  });

  test('refuses to change what others own, each named with its fields', () => {
    const s = configMap().apply('one', { data: { k: 'v' } }).apply('two', { data: { k: 'v', l: 'w' } }).write('three', { data: { k: 'v', l: 'w', m: 'x' } });
    const error = s.refusal(() => s.apply('four', { data: { k: '1', l: '2', m: '3' } }));
    expect(error.status).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(error.message).toBe('Apply failed with 4 conflicts: conflicts with "one":\n- .data.k\nconflicts with "three" using v1:\n- .data.m\nconflicts with "two":\n- .data.k\n- .data.l');
    expect(error.status.details?.causes).toContainEqual({ reason: 'FieldManagerConflict', message: 'conflict with "three" using v1', field: '.data.m' });
    expect(s.refusal(() => s.apply('one', { data: { k: 'w' } })).message).toBe('Apply failed with 1 conflict: conflict with "two": .data.k');
    s.apply('four', { data: { k: '1' } }, { force: true });
    expect(s.owners()).toEqual({ 'two Apply @2': { 'f:data': { 'f:l': {} } }, 'three Update @3': { 'f:data': { 'f:m': {} } }, 'four Apply @6': { 'f:data': { 'f:k': {} } } });
  });

  test('of a status names the subresource and cannot touch the rest', () => {
    const s = deployment().apply('one', { spec: { replicas: 1 }, status: { replicas: 5 } }, { reset: [['status']] });
    s.apply('agent', { status: { observedGeneration: 3 } }, { subresource: 'status', reset: [['spec']] });
    expect(s.owners()).toEqual({ 'one Apply @1': { 'f:spec': { 'f:replicas': {} } }, 'agent Apply status @2': { 'f:status': { 'f:observedGeneration': {} } } });
    const error = s.refusal(() => s.apply('other', { status: { observedGeneration: 4 } }, { subresource: 'status' }));
    expect(error.message).toBe('Apply failed with 1 conflict: conflict with "agent" with subresource "status": .status.observedGeneration');
  });

  test('after an update conflicts with the updater until it agrees', () => {
    const s = configMap().apply('one', { data: { k: 'v', l: 'w' } }).write('editor', { data: { k: 'edited', l: 'w' } });
    expect(s.refusal(() => s.apply('one', { data: { k: 'v', l: 'w' } })).message).toBe('Apply failed with 1 conflict: conflict with "editor" using v1: .data.k');
    expect(s.apply('one', { data: { k: 'edited', l: 'w' } }).owners()).toMatchObject({ 'editor Update @2': {}, 'one Apply @1': { 'f:data': { 'f:k': {}, 'f:l': {} } } });
  });

  test('by kubectl takes over what its client-side apply set', () => {
    const last = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } });
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': last };
    const s = configMap().write('kubectl-client-side-apply', { metadata: { annotations }, data: { k: 'v', l: 'w' } });
    expect(s.refusal(() => s.apply('other', { data: { k: 'x' } })).code).toBe(409);
    expect(s.refusal(() => s.apply('kubectl', { data: { k: 'x', l: 'y' } })).message).toMatch(/1 conflict: .*: \.data\.l$/);
    s.apply('kubectl', { data: { k: 'x' } });
    expect(s.fields()).toMatchObject({ data: { k: 'x', l: 'w' } });
    expect(s.object?.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration']).toBe('{"apiVersion":"v1","data":{"k":"x"},"kind":"ConfigMap","metadata":{"name":"a"}}\n');
  });

  test('gives up in one version what it applied in another', () => {
    const common = { schema: RENAMED, kind: 'X', force: false, now: 0, convert: renaming };
    const first = serverSideApply({ ...common, live: undefined, applied: { apiVersion: 'g/v1', kind: 'X', metadata: {}, old: 'x', keep: 'y' }, manager: 'm', apiVersion: 'g/v1' });
    const live = renaming(first, 'g/v2')?.object as ApiObject;
    expect(() => serverSideApply({ ...common, live, applied: { apiVersion: 'g/v2', kind: 'X', metadata: {}, new: 'z' }, manager: 'n', apiVersion: 'g/v2' })).toThrow('conflict with "m": .old');
    const second = serverSideApply({ ...common, live, applied: { apiVersion: 'g/v2', kind: 'X', metadata: {}, keep: 'y' }, manager: 'm', apiVersion: 'g/v2' });
    expect(second['new']).toBeUndefined();
    expect(second['keep']).toBe('y');
    expect(second.metadata.managedFields).toMatchObject([{ apiVersion: 'g/v2', fieldsV1: { 'f:keep': {} } }]);
  });

  const problems: [string, Schema, object, number, string][] = [
    ['an unknown field', CONFIG_MAP, { extra: 'field' }, 500, 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .extra: field not declared in schema'],
    ['a duplicate', CONFIG_MAP, { metadata: { finalizers: ['x', 'x'] } }, 500, 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .metadata.finalizers: duplicate entries for key [="x"]'],
    ['a wrong type', CONFIG_MAP, { data: 'x' }, 500, 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data: expected map, got &{x}'],
    ['a number for a text', CONFIG_MAP, { data: { k: 7 } }, 500, 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.k: expected string, got &value.valueUnstructured{Value:7}'],
    ['a map for a text', CONFIG_MAP, { data: { k: { a: ['b', 1.5] } } }, 500, 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.k: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"a":[]interface {}{"b", 1.5}}}'],
    ['two problems', CONFIG_MAP, { data: { k: 7 }, immutable: 'x' }, 500, 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): errors:\n  .data.k: expected string, got &value.valueUnstructured{Value:7}\n  .immutable: expected boolean, got &{x}'],
    ['managed fields', CONFIG_MAP, { metadata: { managedFields: [] } }, 400, 'metadata.managedFields must be nil'],
    ['another kind', CONFIG_MAP, { kind: 'Secret' }, 400, 'invalid object type: /v1, Kind=Secret'],
    ['no version', CONFIG_MAP, { apiVersion: undefined }, 400, 'invalid object type: /, Kind=ConfigMap'],
  ];
  test.each(problems)('refuses %s', (_, schema, fields, code, message) => {
    const s = new Session(schema, 'v1', 'ConfigMap');
    const error = s.refusal(() => s.apply('one', fields));
    expect([error.code, error.message]).toEqual([code, message]);
  });

  test('refuses duplicates that differ only by the default of a key', () => {
    const s = service();
    expect(s.refusal(() => s.apply('one', { spec: { ports: [{ name: 'x', port: 80 }, { name: 'y', port: 80, protocol: 'TCP' }] } })).message).toMatch(
      /\.spec\.ports: duplicate entries for key \[port=80,protocol="TCP"\]$/,
    );
  });

  test('owns nulls and empty objects as they are', () => {
    const s = service().apply('one', { metadata: { annotations: null, labels: {} }, spec: { ports: [{ port: 80 }], selector: null } });
    expect(s.owners()).toEqual({ 'one Apply @1': { 'f:metadata': { 'f:annotations': {}, 'f:labels': {} }, 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } }, 'f:selector': {} } } });
  });

  test('follows a schema that became coarser', () => {
    const applied = { apiVersion: 'g/v1', kind: 'X', metadata: {}, place: { x: '1' } };
    const live = serverSideApply({ schema: schemaOf(false), live: undefined, applied, manager: 'one', force: false, apiVersion: 'g/v1', now: 0 });
    const next = serverSideApply({ schema: schemaOf(true), live, applied, manager: 'two', force: false, apiVersion: 'g/v1', now: 0 });
    expect((next.metadata.managedFields as { fieldsV1: unknown }[]).map(({ fieldsV1 }) => fieldsV1)).toEqual([{ 'f:place': {} }, { 'f:place': {} }]);
  });
});

/** A number for a name. */
function port(name: unknown): number {
  return [...String(name)].reduce((sum, character) => sum * 7 + character.charCodeAt(0), 0);
}

function schemaOf(atomic: boolean): Schema {
  const place = { type: 'object', properties: { x: { type: 'string' } }, ...(atomic && { 'x-kubernetes-map-type': 'atomic' }) };
  return { structural: { type: 'object', properties: { place } } };
}

const RENAMED: Schema = { structural: { type: 'object', properties: { old: { type: 'string' }, new: { type: 'string' }, keep: { type: 'string' } } } };

/** `old` in g/v1 is `new` in g/v2. */
function renaming(object: ApiObject, apiVersion: string): ReturnType<Convert> {
  const { old, new: current, ...rest } = object as ApiObject & { old?: unknown; new?: unknown };
  const value = old ?? current;
  const renamed = value === undefined ? {} : { [apiVersion === 'g/v1' ? 'old' : 'new']: value };
  return { schema: RENAMED, object: { ...rest, apiVersion, ...renamed } as ApiObject };
}
