import { deepFreeze } from '../../std/deep.ts';
import { WrittenNumber } from '../codec/json-text.ts';
import { ApiError } from '../status.ts';
import { applyJsonPatch, MAX_OPERATIONS } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { applyStrategicPatch } from './strategic.ts';

describe('applyJsonPatch() does', () => {
  const rows: [string, unknown, unknown[], unknown][] = [
    ['add', { a: 1 }, [{ op: 'add', path: '/b', value: { c: null } }], { a: 1, b: { c: null } }],
    ['add at an index and at the end', [1, 2], [{ op: 'add', path: '/1', value: 9 }, { op: 'add', path: '/-', value: 8 }, { op: 'add', path: '/4', value: 7 }], [1, 9, 2, 8, 7]],
    ['negative indices', [1, 2, 3], [{ op: 'remove', path: '/-1' }, { op: 'add', path: '/-1', value: 4 }, { op: 'replace', path: '/-3', value: 0 }], [0, 2, 4]],
    ['remove', { a: { b: 1, c: 2 } }, [{ op: 'remove', path: '/a/b' }], { a: { c: 2 } }],
    ['replace of a missing key', {}, [{ op: 'replace', path: '/a', value: 1 }], { a: 1 }],
    ['replace of the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
    ['move', { a: { b: [1] } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: [1] }],
    ['copy by value', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }, { op: 'replace', path: '/c/b', value: 2 }], { a: { b: 1 }, c: { b: 2 } }],
    ['test', { a: { b: [1, { c: 2 }] }, n: null }, [{ op: 'test', path: '/a', value: { b: [1, { c: 2 }] } }, { op: 'test', path: '/n', value: null }, { op: 'test', path: '/gone', value: null }], { a: { b: [1, { c: 2 }] }, n: null }],
    ['escapes', { 'a/b': 1, 'm~n': 2, '~1': 3 }, [{ op: 'remove', path: '/a~1b' }, { op: 'remove', path: '/m~0n' }, { op: 'replace', path: '/~01', value: 4 }], { '~1': 4 }],
    ['__proto__ as data', {}, [{ op: 'add', path: '/__proto__', value: { x: 1 } }], JSON.parse('{"__proto__":{"x":1}}')],
    ['nothing', { a: 1 }, [], { a: 1 }],
    ['null for no operations', { a: 1 }, null as unknown as unknown[], { a: 1 }],
    ['numbers as they were written', { a: 1 }, [{ op: 'add', path: '/b', value: new WrittenNumber('2.0') }, { op: 'test', path: '/b', value: new WrittenNumber('2.0') }], { a: 1, b: new WrittenNumber('2.0') }],
  ];
  test.each(rows)('%s', (_, document, operations, expected) => {
    expect(JSON.stringify(applyJsonPatch(deepFreeze(document), deepFreeze(operations)))).toBe(JSON.stringify(expected));
  });
});

describe('applyJsonPatch() refuses', () => {
  const document = { a: { b: 1 }, l: [1], s: 'x', big: 'x'.repeat(1024 * 1024) };
  const rows: [string, unknown, number][] = [
    ['an object', { data: 1 }, 400],
    ['a number as operation', [1], 400],
    ['a number as path', [{ op: 'add', path: 1 }], 400],
    ['an unknown operation', [{ op: 'shake', path: '/a' }], 422],
    ['no operation', [{ path: '/a', value: 1 }], 422],
    ['no path', [{ op: 'replace', value: 1 }], 422],
    ['remove of what is not there', [{ op: 'remove', path: '/none' }], 422],
    ['add below what is not there', [{ op: 'add', path: '/none/x', value: 1 }], 422],
    ['add below a scalar', [{ op: 'add', path: '/s/x', value: 1 }], 422],
    ['an index beyond the end', [{ op: 'add', path: '/l/2', value: 1 }], 422],
    ['replace beyond the end', [{ op: 'replace', path: '/l/1', value: 1 }], 422],
    ['a name as index', [{ op: 'add', path: '/l/x', value: 1 }], 422],
    ['an inherited key', [{ op: 'add', path: '/constructor/x', value: 1 }], 422],
    ['a test of the same number in other words', [{ op: 'test', path: '/a/b', value: new WrittenNumber('1.0') }], 422],
    ['null as operation', [null], 422],
    ['a failed test', [{ op: 'test', path: '/a/b', value: 2 }], 422],
    ['a test of what is not there', [{ op: 'test', path: '/none', value: 2 }], 422],
    ['copies that are too large together', ['c', 'd', 'e', 'f'].map((key) => ({ op: 'copy', from: '/big', path: `/${key}` })), 422],
    ['too many operations', Array.from({ length: MAX_OPERATIONS + 1 }, () => ({ op: 'test', path: '/s', value: 'x' })), 413],
  ];
  test.each(rows)('%s', (_, operations, code) => {
    expect(refusal(() => applyJsonPatch(document, operations)).code).toBe(code);
  });
  const lax: [unknown, number, string][] = [
    [{ a: 1 }, 400, 'json: cannot unmarshal object into Go value of type jsonpatch.Patch'],
    [[1], 400, 'json: cannot unmarshal number into Go value of type jsonpatch.Operation'],
    [[{ op: 'add', path: 1 }], 422, 'the server rejected our request due to an error in our request'],
  ];
  test.each(lax)('%j where fields are not validated', (operations, code, message) => {
    expect(refusal(() => applyJsonPatch(document, operations, true)).status).toMatchObject({ code, message });
  });
  test('without saying why', () => {
    expect(refusal(() => applyJsonPatch({}, [{ op: 'remove', path: '/a' }])).status).toMatchObject({
      code: 422, reason: 'Invalid', message: 'the server rejected our request due to an error in our request', details: {},
    });
  });
});

describe('applyMergePatch()', () => {
  const rows: [unknown, unknown, unknown][] = [
    [{ a: 1, b: 2 }, { a: null, c: 3 }, { b: 2, c: 3 }],
    [{ a: { b: 1, c: 2 } }, { a: { b: null, d: 3 } }, { a: { c: 2, d: 3 } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    [{}, { a: { b: null, c: { d: null } } }, { a: { c: {} } }],
    [{}, { a: [null, { b: null, c: 1 }] }, { a: [null, { c: 1 }] }],
    [{ a: 'x' }, { a: { b: null } }, { a: {} }],
    [{ a: { b: 1 } }, { a: 'x' }, { a: 'x' }],
    [{ a: 1 }, {}, { a: 1 }],
    [{}, { constructor: { a: 1 } }, { constructor: { a: 1 } }],
  ];
  test.each(rows)('%j and %j', (document, patch, expected) => {
    expect(applyMergePatch(deepFreeze(document), deepFreeze(patch))).toEqual(expected);
  });
  test.each([[[]], ['x'], [5], [null]])('refuses %j with 400', (patch) => {
    expect(refusal(() => applyMergePatch({}, patch)).code).toBe(400);
  });
});

const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';
const CONFIG_MAP = 'io.k8s.api.core.v1.ConfigMap';
const SERVICE = 'io.k8s.api.core.v1.Service';

function pod(spec: object): object {
  return { spec: { template: { spec } } };
}

describe('applyStrategicPatch()', () => {
  const two = pod({ containers: [{ name: 'c', image: 'i', env: [{ name: 'A', value: '1' }] }, { name: 'd', image: 'i' }] });
  const rows: [string, string, object, object, object][] = [
    ['merges by key, patched and new ones first', DEPLOYMENT, two,
      pod({ containers: [{ name: 'c', image: 'j', env: [{ name: 'B', value: '2' }] }, { name: 'e', image: 'k' }] }),
      pod({ containers: [{ name: 'c', image: 'j', env: [{ name: 'B', value: '2' }, { name: 'A', value: '1' }] }, { name: 'e', image: 'k' }, { name: 'd', image: 'i' }] })],
    ['keeps what stood before a patched item before it', DEPLOYMENT, two, pod({ containers: [{ name: 'd', image: 'j' }] }),
      pod({ containers: [{ name: 'c', image: 'i', env: [{ name: 'A', value: '1' }] }, { name: 'd', image: 'j' }] })],
    ['deletes an item', DEPLOYMENT, two, pod({ containers: [{ name: 'c', $patch: 'delete' }, { name: 'none', $patch: 'delete' }] }), pod({ containers: [{ name: 'd', image: 'i' }] })],
    ['replaces a list', DEPLOYMENT, two, pod({ containers: [{ $patch: 'replace' }, { name: 'e', image: 'k' }] }), pod({ containers: [{ name: 'e', image: 'k' }] })],
    ['orders a list', DEPLOYMENT, pod({ containers: [{ name: 'c' }, { name: 'd' }] }),
      pod({ '$setElementOrder/containers': [{ name: 'd' }, { name: 'e' }, { name: 'c' }], containers: [{ name: 'e' }] }), pod({ containers: [{ name: 'd' }, { name: 'e' }, { name: 'c' }] })],
    ['replaces lists without merge strategy', DEPLOYMENT, pod({ tolerations: [{ key: 'x' }] }), pod({ tolerations: [{ key: 'y' }] }), pod({ tolerations: [{ key: 'y' }] })],
    ['retains keys', DEPLOYMENT, { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: {} } } }, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }, { spec: { strategy: { type: 'Recreate' } } }],
    ['retains keys of an item', DEPLOYMENT, pod({ volumes: [{ name: 'v', emptyDir: {} }] }), pod({ volumes: [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'm' } }] }), pod({ volumes: [{ name: 'v', configMap: { name: 'm' } }] })],
    ['deletes and replaces maps', DEPLOYMENT, { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } } }, { metadata: { labels: { $patch: 'delete' }, annotations: { $patch: 'replace', e: 'f' } } }, { metadata: { labels: {}, annotations: { e: 'f' } } }],
    ['unites lists of scalars', CONFIG_MAP, { metadata: { finalizers: ['a', 'b'] } }, { metadata: { finalizers: ['c', 'b'] } }, { metadata: { finalizers: ['c', 'a', 'b'] } }],
    ['deletes from lists of scalars', CONFIG_MAP, { metadata: { finalizers: ['a', 'b'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a', 'z'] } }, { metadata: { finalizers: ['b'] } }],
    ['null deletes, also inside what is new', CONFIG_MAP, { data: { a: 'b' } }, { data: { a: null, c: 'd' }, metadata: { labels: { x: null, y: 'z' } } }, { data: { c: 'd' }, metadata: { labels: { y: 'z' } } }],
    ['merges Service ports by port', SERVICE, { spec: { ports: [{ name: 'http', port: 80 }, { name: 'tls', port: 443 }] } }, { spec: { ports: [{ port: 80, targetPort: 8080 }] } }, { spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }, { name: 'tls', port: 443 }] } }],
  ];
  test.each(rows)('%s', (_, type, document, patch, expected) => {
    expect(applyStrategicPatch(type, deepFreeze(document), deepFreeze(patch))).toEqual(expected);
  });
});

describe('applyStrategicPatch() refuses', () => {
  const document = pod({ containers: [{ name: 'c' }, { name: 'd' }], nodeSelector: { a: 'b' }, volumes: [{ name: 'v' }] });
  const rows: [string, unknown, number, string | RegExp][] = [
    ['an item without its key', pod({ containers: [{ image: 'x' }] }), 500, 'map: map[image:x] does not contain declared merge key: name'],
    ['an unknown directive', pod({ nodeSelector: { $patch: 'shake' } }), 500, 'unknown patch type: shake in map: map[$patch:shake]'],
    ['a patch out of the given order', pod({ '$setElementOrder/containers': [{ name: 'd' }], containers: [{ name: 'c' }] }), 500, /^The order in patch list:/],
    ['a key that is not retained', pod({ volumes: [{ name: 'v', $retainKeys: ['name'], emptyDir: {} }] }), 400, 'invalid patch format of retainKeys'],
    ['a list in the place of the patch', [], 400, /cannot unmarshal array/],
  ];
  test.each(rows)('%s', (_, patch, code, message) => {
    const error = refusal(() => applyStrategicPatch(DEPLOYMENT, document, patch));
    expect(error.code).toBe(code);
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  });
});

function refusal(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
