/** Schemas that are refused, and why. */
import { Path } from '../field-error.ts';
import { validateDefaults } from './default-rules.ts';
import type { JsonSchema } from './json-schema.ts';
import { validateSchema } from './schema-rules.ts';
import { validateStructural } from './structural-rules.ts';

function check(schema: JsonSchema): string[] {
  const structural = validateStructural(schema, Path.of('s'));
  const errors = [...(structural.length > 0 ? structural : validateDefaults(schema, Path.of('s'))), ...validateSchema(schema, Path.of('s'))];
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

const of = (schema: JsonSchema): JsonSchema => ({ type: 'object', properties: { a: schema } });

test.each<[string, JsonSchema, string[]]>([
  ['a plain one', of({ type: 'array', items: { type: 'string' } }), []],
  ['no type', of({}), ['s.properties[a].type: Required value: must not be empty for specified object fields']],
  ['no type where anything goes', of({ 'x-kubernetes-preserve-unknown-fields': true }), []],
  ['an int-or-string with its usual anyOf', of({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }), []],
  ['a type inside anyOf', of({ type: 'string', anyOf: [{ type: 'string' }] }), ['s.properties[a].anyOf[0].type: Forbidden: must be empty to be structural']],
  ['a field only inside allOf', { type: 'object', allOf: [{ properties: { b: { minimum: 1 } } }] }, ['s.properties[b]: Required value: because it is defined in s.allOf[0].properties[b]']],
  ['metadata by its name', { type: 'object', properties: { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 9 } } } } }, []],
  ['more of metadata', { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } }, [
    's.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
  ]],
  ['a list without items', of({ type: 'array' }), ['s.properties[a].items: Required value: must be specified']],
  ['a pattern that Go cannot read', of({ type: 'string', pattern: 'a(?=b)' }), [
    's.properties[a].pattern: Invalid value: "a(?=b)": must be a valid regular expression, but isn\'t: error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
  ]],
  ['a default of another type', of({ type: 'integer', default: 'x' }), ['s.properties[a].default: Invalid value: "string":  in body must be of type integer: "string"']],
  ['a default with more than is declared', of({ type: 'object', properties: {}, default: { b: 1 } }), ['s.properties[a].default: Invalid value: {"b":1}: must not have unknown fields']],
  ['a default within another that lacks a field', of({ type: 'object', required: ['b'], default: {} }), ['s.properties[a].default.b: Required value']],
  ['a default in metadata', { type: 'object', properties: { metadata: { type: 'object', properties: { name: { type: 'string', default: 'x' } } } } }, [
    's.properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata',
  ]],
  ['keys that are no fields', of({ type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', properties: {} } }), [
    's.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k"]: entries must all be names of item properties',
  ]],
  ['a set of lists that are sets', of({ type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } } }), [
    's.properties[a].items.x-kubernetes-list-type: Invalid value: "set": must be atomic as item of a list with x-kubernetes-list-type=set',
  ]],
  ['a rule without text', of({ type: 'string', 'x-kubernetes-validations': [{ rule: ' ' }] }), [
    's.properties[a].x-kubernetes-validations[0].rule: Required value: rule is not specified',
  ]],
])('%s', (_what, schema, expected) => {
  expect(check(schema)).toEqual(expected);
});

const embeddedWith = (properties: JsonSchema['properties'] & object): JsonSchema => of({ type: 'object', 'x-kubernetes-embedded-resource': true, properties });

test.each<[string, JsonSchema, string[]]>([
  ['a default name that is none', embeddedWith({ metadata: { type: 'object', properties: { name: { type: 'string', default: '%' } } } }), [
    's.properties[a].properties[metadata].properties[name].default: Invalid value: "%": must result in valid metadata: metadata.name: Invalid value: "%": may not contain \'%\'',
  ]],
  ['a default name of another type', embeddedWith({ metadata: { type: 'object', properties: { name: { type: 'string', default: 4 as never } } } }), [
    's.properties[a].properties[metadata].properties[name].default: Invalid value: 4: must result in valid metadata: metadata: Invalid value: {"name":4}: json: cannot unmarshal number into Go struct field ObjectMeta.name of type string',
  ]],
  ['a default that its rule forbids', of({ type: 'integer', default: 1, 'x-kubernetes-validations': [{ rule: 'self > 1' }] }), ['s.properties[a].default: Invalid value: 1: failed rule: self > 1']],
])('defaults: %s', (_what, schema, expected) => {
  expect(check(schema)).toEqual(expected);
});
