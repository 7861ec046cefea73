/** Pruning and defaulting of whole objects. */
import { deepCopy } from '../../std/deep.ts';
import { applyDefaults } from './defaults.ts';
import type { JsonSchema } from './json-schema.ts';
import { prune } from './prune.ts';

test.each<[string, JsonSchema, object, object]>([
  ['what is not declared', { properties: { a: { type: 'object' } } }, { kind: 'K', metadata: { x: 1 }, a: { b: 1 }, c: 1 }, { kind: 'K', metadata: { x: 1 }, a: {} }],
  ['nothing where unknown fields are kept, but within what is declared there', { 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'object' } } }, { b: { c: 1 }, a: { d: 1 } }, { b: { c: 1 }, a: {} }],
  ['within items and maps', { properties: { l: { items: { properties: { a: {} } } }, m: { additionalProperties: { properties: { a: {} } } } } }, { l: [{ a: 1, b: 1 }], m: { k: { a: 1, b: 1 } } }, { l: [{ a: 1 }], m: { k: { a: 1 } } }],
  ['nothing of an embedded object that has no schema for its own fields but its metadata', { properties: { t: { 'x-kubernetes-embedded-resource': true, properties: { spec: {} } } } }, { t: { kind: 'K', metadata: {}, data: 1 } }, { t: { kind: 'K', metadata: {} } }],
])('prune() takes away %s', (_what, schema, before, after) => {
  const object = deepCopy(before);
  expect(prune(object, schema, true)).toBe(JSON.stringify(before) !== JSON.stringify(after));
  expect(object).toEqual(after);
});

const defaulted: JsonSchema = {
  properties: {
    a: { type: 'integer', default: 3 }, o: { type: 'object', properties: { b: { default: true } } }, d: { type: 'object', default: {}, properties: { e: { default: 'x' } } },
    l: { items: { properties: { p: { default: 'TCP' } } } }, m: { additionalProperties: { properties: { w: { default: 1 } } } }, n: { nullable: true, default: 'n' }, plain: { type: 'string' },
  },
};

test.each<[string, object, object]>([
  ['what is absent, and within defaults', {}, { a: 3, d: { e: 'x' }, n: 'n' }],
  ['nothing into parents that are absent', { o: {} }, { a: 3, d: { e: 'x' }, n: 'n', o: { b: true } }],
  ['into items and maps', { l: [{}, { p: 'UDP' }], m: { k: {} } }, { a: 3, d: { e: 'x' }, n: 'n', l: [{ p: 'TCP' }, { p: 'UDP' }], m: { k: { w: 1 } } }],
  ['for nulls that may not be, while others stay', { a: null, n: null, plain: null }, { a: 3, d: { e: 'x' }, n: null }],
  ['nothing over zero and false', { a: 0, o: { b: false } }, { a: 0, d: { e: 'x' }, n: 'n', o: { b: false } }],
])('applyDefaults() puts %s', (_what, before, after) => {
  const object = deepCopy(before);
  expect(applyDefaults(object, defaulted)).toBe(true);
  expect(object).toEqual(after);
  expect(applyDefaults(object, defaulted)).toBe(false);
});

test('applyDefaults() shares nothing with the schema', () => {
  const one: { d?: { e?: string } } = {};
  applyDefaults(one, defaulted);
  (one.d as { e: string }).e = 'changed';
  const other: { d?: { e?: string } } = {};
  applyDefaults(other, defaulted);
  expect(other.d?.e).toBe('x');
});
