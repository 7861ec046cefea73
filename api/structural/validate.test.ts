/** What validation says of values, in upstream's words. */
import type { JsonSchema } from './json-schema.ts';
import { compileValidator } from './validate.ts';

function check(schema: JsonSchema, value: unknown, old?: unknown): string[] {
  return compileValidator(schema)(value, '', old).map(({ type, field, message }) => `${type} ${field}: ${message}`);
}

const of = (schema: JsonSchema): JsonSchema => ({ type: 'object', properties: { a: schema } });

test.each<[string, JsonSchema, unknown, string[]]>([
  ['a type', { type: 'string' }, 1, ['FieldValueTypeInvalid a: Invalid value: "integer": a in body must be of type string: "integer"']],
  ['a whole number for a number', { type: 'number' }, 3, []],
  ['a fraction for an integer', { type: 'integer' }, 1.5, [
    'FieldValueTypeInvalid a: Invalid value: "number": a in body must be of type integer: "number"',
    'FieldValueInvalid <nil>: Invalid value: "": Checked value must be of type integer (default format) in a',
  ]],
  ['null', { type: 'string' }, null, ['FieldValueTypeInvalid a: Invalid value: "null": a in body must be of type string: "null"']],
  ['null where it may be', { type: 'string', nullable: true, minLength: 3 }, null, []],
  ['either', { 'x-kubernetes-int-or-string': true }, true, ['FieldValueTypeInvalid a: Invalid value: "boolean": a in body must be of type integer,string: "boolean"']],
  ['a length in characters', { type: 'string', maxLength: 2 }, 'äöü', ['FieldValueTooLong a: Too long: may not be more than 2 bytes']],
  ['a length that surrogates would exceed', { type: 'string', maxLength: 1 }, '😀', []],
  ['the first of a text\'s faults only', { type: 'string', minLength: 3, pattern: '^b' }, 'a', ['FieldValueInvalid a: Invalid value: "a": a in body should be at least 3 chars long']],
  ['an enum', { type: 'string', enum: ['x', 'y'] }, 'z', ['FieldValueNotSupported a: Unsupported value: "z": supported values: "x", "y"']],
  ['bounds', { type: 'integer', maximum: 5, exclusiveMaximum: true }, 5, ['FieldValueInvalid a: Invalid value: 5: a in body should be less than 5']],
  ['a number without room in 64 bits', { type: 'string' }, 1e20, ['FieldValueTypeInvalid a: Invalid value: "number": a in body must be of type string: "number"']],
  ['null among the choices', { type: 'string', nullable: true, enum: ['x', null] }, null, ['FieldValueNotSupported a: Unsupported value: null: supported values: "x", "null"']],
  ['numbers as Go tells them', { type: 'number', maximum: -1e9 }, 1234567.5, ['FieldValueInvalid a: Invalid value: 1.2345675e+06: a in body should be less than or equal to -1e+09']],
  ['whole numbers with whole ones', { type: 'number', maximum: 2.5 }, 3, ['FieldValueInvalid a: Invalid value: 3: a in body should be less than or equal to 2']],
  ['a limit without room in 64 bits', { type: 'number', minimum: 1.5e20 }, 1, []],
  ['multiples of tiny fractions', { type: 'number', multipleOf: 1e-5 }, 1.25, ['FieldValueInvalid a: Invalid value: 1.25: a in body should be a multiple of 1e-05']],
  ['multiples of fractions', { type: 'number', multipleOf: 0.1 }, 0.3, []],
  ['a range of a format', { type: 'integer', format: 'int32' }, 2 ** 31, ['FieldValueInvalid <nil>: Invalid value: "": Checked value must be of type integer with format int32 in a']],
  ['a format', { type: 'string', format: 'date' }, '2021-02-29', ['FieldValueTypeInvalid a: Invalid value: "2021-02-29": a in body must be of type date: "2021-02-29"']],
  ['a format nobody knows', { type: 'string', format: 'odd' }, 'x', []],
  ['items before their count', { type: 'array', maxItems: 1, items: { type: 'string' } }, ['x', 2], [
    'FieldValueTypeInvalid a[1]: Invalid value: "integer": a[1] in body must be of type string: "integer"', 'FieldValueTooMany a: Too many: 2: must have at most 1 item',
  ]],
  ['a required field', { type: 'object', required: ['b'] }, {}, ['FieldValueRequired a.b: Required value']],
  ['values of a map', { type: 'object', additionalProperties: { type: 'integer' } }, { x: 'y' }, ['FieldValueTypeInvalid a.x: Invalid value: "string": a.x in body must be of type integer: "string"']],
  ['a closed object', { type: 'object', additionalProperties: false }, { x: 1 }, ['FieldValueInvalid a: Invalid value: "": a.x in body is a forbidden property']],
  ['a name that objects inherit', { type: 'object', required: ['constructor'] }, {}, ['FieldValueRequired a.constructor: Required value']],
  ['none of some, told by the closest', { anyOf: [{ type: 'string' }, { type: 'object', required: ['x'] }] }, {}, [
    'FieldValueInvalid <nil>: Invalid value: "": "a" must validate at least one schema (anyOf)', 'FieldValueRequired a.x: Required value',
  ]],
  ['two of which one', { oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3, ['FieldValueInvalid <nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives']],
  ['what must not be', { not: { enum: [3] } }, 3, ['FieldValueInvalid <nil>: Invalid value: "": "a" must not validate the schema (not)']],
])('compileValidator() tells %s', (_what, schema, value, expected) => {
  expect(check(of(schema), { a: value })).toEqual(expected);
});

const keyed: JsonSchema = {
  type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', properties: { k: { type: 'string' }, v: { type: 'integer', maximum: 5 } } },
};

test.each<[string, JsonSchema, unknown, unknown, number]>([
  ['the same value stays', { type: 'string', maxLength: 1 }, 'long', 'long', 0],
  ['another does not', { type: 'string', maxLength: 1 }, 'longer', 'long', 1],
  ['what was not there is new', { type: 'string', maxLength: 1 }, 'long', undefined, 1],
  ['items are found by their keys', keyed, [{ k: 'b' }, { k: 'a', v: 9 }], [{ k: 'a', v: 9 }], 0],
  ['other lists are compared as a whole', { type: 'array', items: { type: 'integer', maximum: 5 } }, [9, 1], [9], 1],
])('updates: %s', (_what, schema, value, old, errors) => {
  expect(check(of(schema), { a: value, b: 1 }, old === undefined ? {} : { a: old })).toHaveLength(errors);
});
