/** What paths find, and what columns show of it. */
import { compileColumns } from './columns.ts';
import { compileJsonPath } from './json-path.ts';

const object = {
  metadata: { name: 'n', labels: { 'a.b/c': 'x', 'd.e': 'y' } },
  spec: { hosts: [{ name: 'x', up: true }, { name: 'y', up: false, weight: 3 }], n: 0, none: null },
  status: { conditions: [{ type: 'Ready', status: 'True' }, { type: 'Other', status: 'False' }] },
};

test.each<[string, unknown]>([
  ['.metadata.name', ['n']],
  ['.spec.n', [0]],
  ['.spec.missing.deeper', []],
  ['.metadata.labels.a\\.b/c', ['x']],
  ["['metadata']['labels']['d.e']", []],
  ['.metadata.labels.d\\.e', ['y']],
  ['.spec.hosts[*].name', ['x', 'y']],
  ['.spec.hosts[-1].name', ['y']],
  ['.spec.hosts[0:1].name', ['x']],
  ['.spec.hosts[5].name', undefined],
  ['.spec.hosts.name', []],
  ['.metadata.name[0]', undefined],
  ['.spec.hosts[]', [{ name: 'x', up: true }]],
  ['.spec.hosts[0:9]', undefined],
  ['.spec.hosts[0,1].up', [true, false]],
  ['.spec.hosts[?(@.weight==3.0)].name', undefined],
  ['.spec.hosts[?(@.up==true)].name', ['x']],
  ['.spec.n extra', undefined],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  ["$.status.conditions[?(@.type!='Ready')].status", ['False']],
  ['.spec.hosts[?(@.weight)].name', ['y']],
  ['.spec.hosts[?(@.weight>2)].name', ['y']],
  ['..up', [true, false]],
])('compileJsonPath(%j) finds %j', (path, expected) => {
  expect(compileJsonPath(path)(object)).toEqual(expected);
});

test.each(['.a[', 'a[zero]', '.a["b"]', '.a[?(@.b==1]', '....a', '.a[0]|b'])('compileJsonPath(%j) throws', (path) => {
  expect(() => compileJsonPath(path)).toThrow();
});

const NOW = Date.parse('2030-01-01T00:00:00Z');

test.each<[string, string, unknown, unknown]>([
  ['integer', 'a number', 3, 3],
  ['integer', 'a text', '3', null],
  ['string', 'an object', { b: '<', a: 1 }, '{"a":1,"b":"\\u003c"}'],
  ['string', 'a large number', 1.5e7 + 0.5, '1.50000005e+07'],
  ['integer', 'a number beyond 64 bits', 1e21, -(2n ** 63n)],
  ['string', 'null', null, '<no value>'],
  ['string', 'nothing', undefined, null],
  ['boolean', 'false', false, false],
  ['date', 'a time', '2029-12-31T23:00:00Z', '60m'],
  ['date', 'no time', 'soon', '<invalid>'],
])('a column of type %s shows %s', (type, _what, value, expected) => {
  const [, column] = compileColumns([{ name: 'C', type, jsonPath: '.spec.v' }]);
  expect(column?.cell({ apiVersion: 'g/v1', kind: 'K', metadata: {}, spec: value === undefined ? {} : { v: value } }, NOW)).toBe(expected);
});
