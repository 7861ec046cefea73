/** Rules of custom resources: which definitions are refused, and what values are held to. */
import { Path } from '../field-error.ts';
import type { JsonSchema } from './json-schema.ts';
import { checkRules, OBJECT_BUDGET } from './rule-check.ts';
import { validateRules } from './rule-rules.ts';
import { validateSchema } from './schema-rules.ts';

type Rules = NonNullable<JsonSchema['x-kubernetes-validations']>;

const of = (schema: JsonSchema): JsonSchema => ({ type: 'object', properties: { a: schema } });
const ruled = (schema: JsonSchema, ...rules: Rules): JsonSchema => ({ ...schema, 'x-kubernetes-validations': rules });
const STRING: JsonSchema = { type: 'string' };
const INT: JsonSchema = { type: 'integer' };

function definitionErrors(schema: JsonSchema): string[] {
  const forms = validateSchema(schema, Path.of('s'));
  return [...forms, ...validateRules(schema, Path.of('s'), { unchanged: false, errors: forms })].map(({ field, message }) => `${field}: ${message}`);
}

const RULE = 's.properties[a].x-kubernetes-validations[0]';
const form = (rule: string, more: Record<string, unknown> = {}): string =>
  JSON.stringify({ Rule: rule, Message: '', MessageExpression: '', Reason: null, FieldPath: '', OptionalOldSelf: null, ...more });

test.each<[string, JsonSchema, string[]]>([
  ['a good one', of(ruled(STRING, { rule: "self != ''" })), []],
  ['names at the root', ruled(of(STRING), { rule: "self.metadata.name != '' && self.kind == 'T' && self.apiVersion == 'v'" }), []],
  ['labels at the root', ruled(of(STRING), { rule: "has(self.metadata.labels)" }), [
    `s.x-kubernetes-validations[0].rule: Invalid value: ${form('has(self.metadata.labels)')}: compilation failed: ERROR: <input>:1:4: undefined field 'labels'\n | has(self.metadata.labels)\n | ...^`,
  ]],
  ['an unknown field', of(ruled(of(STRING), { rule: 'self.b == 1' })), [
    `${RULE}.rule: Invalid value: ${form('self.b == 1')}: compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b == 1\n | ....^`,
  ]],
  ['no boolean', of(ruled(STRING, { rule: 'self' })), [`${RULE}.rule: Invalid value: ${form('self')}: cel expression must evaluate to a bool`]],
  ['perhaps a boolean', of(ruled({ 'x-kubernetes-int-or-string': true }, { rule: 'self' })), [`${RULE}.rule: Invalid value: ${form('self')}: cel expression must evaluate to a bool`]],
  ['a message that is no text', of(ruled(STRING, { rule: 'true', messageExpression: '1 + 1' })), [
    `${RULE}.messageExpression: Invalid value: ${form('true', { MessageExpression: '1 + 1' })}: messageExpression must evaluate to a string`,
  ]],
  ['a message of two lines', of(ruled(STRING, { rule: 'true', message: 'a\nb' })), [`${RULE}.message: Invalid value: "a\\nb": must not contain line breaks`]],
  ['a rule of two lines without a message', of(ruled(STRING, { rule: 'true\n&& true' })), [`${RULE}.message: Required value: message must be specified if rule contains line breaks`]],
  ['a reason that is none, a path to nowhere', of(ruled(of(STRING), { rule: 'true', reason: 'X' as never, fieldPath: '.b' })), [
    `${RULE}.reason: Unsupported value: "X": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
    `${RULE}.fieldPath: Invalid value: ".b": must be a valid path`,
  ]],
  ['a path with odd names', of(ruled({ type: 'object', properties: { 'b.c': { type: 'object', additionalProperties: STRING } } }, { rule: 'true', fieldPath: "['b.c']['d']" })), []],
  ['oldSelf in a list without keys', of({ type: 'array', maxItems: 9, items: ruled({ type: 'string', maxLength: 9 }, { rule: 'self == oldSelf' }) }), [
    's.properties[a].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[a]',
  ]],
  ['optionalOldSelf without oldSelf', of(ruled(STRING, { rule: "self != ''", optionalOldSelf: true })), [`${RULE}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`]],
  ['nothing of unknown fields', of(ruled({ type: 'object', properties: { b: { 'x-kubernetes-preserve-unknown-fields': true } } }, { rule: 'has(self.b)' })), [
    `${RULE}.rule: Invalid value: ${form('has(self.b)')}: compilation failed: ERROR: <input>:1:4: undefined field 'b'\n | has(self.b)\n | ...^`,
  ]],
  ['pairs of an unbounded list', of(ruled({ type: 'array', items: STRING }, { rule: 'self.all(x, self.exists_one(y, y == x))' })), [
    `${RULE}.rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`,
    's.properties[a].x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
    's: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)',
  ]],
  ['pairs of a bounded one', of(ruled({ type: 'array', maxItems: 20, items: { type: 'string', maxLength: 50 } }, { rule: 'self.all(x, self.exists_one(y, y == x))' })), []],
])('%s', (_what, schema, expected) => {
  expect(definitionErrors(schema)).toEqual(expected);
});

function check(schema: JsonSchema, value: unknown, old?: unknown, left = OBJECT_BUDGET): string[] {
  const { errors, warnings } = checkRules({ schema, value, ...(old !== undefined && { old }), ratchets: old !== undefined, isResource: false, path: Path.of('o'), budget: { left } });
  return [...errors.map(({ field, message, type }) => `${type} ${field}: ${message}`), ...warnings.map((text) => `warning ${text}`)];
}

const KEYED: JsonSchema = {
  type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'],
  items: ruled({ type: 'object', properties: { k: STRING, v: INT } }, { rule: 'self.v >= oldSelf.v', fieldPath: '.v', message: 'shrank' }),
};

test.each<[string, JsonSchema, unknown, unknown, string[]]>([
  ['holds', of(ruled(INT, { rule: 'self > 1' })), { a: 2 }, undefined, []],
  ['does not hold', of(ruled(INT, { rule: 'self > 1' })), { a: 1 }, undefined, ['FieldValueInvalid o.a: Invalid value: 1: failed rule: self > 1']],
  ['a null is not looked at', of(ruled({ ...INT, nullable: true }, { rule: 'self > 1' })), { a: null }, undefined, []],
  ['a null field is absent', ruled(of({ ...INT, nullable: true }), { rule: '!has(self.a)' }), { a: null }, undefined, []],
  ['an object is not shown', of(ruled(of(INT), { rule: 'self.a > 1', message: ' small ' })), { a: { a: 1 } }, undefined, ['FieldValueInvalid o.a: Invalid value: small']],
  ['reasons and places', of(ruled(of(INT), { rule: 'self.a > 1', reason: 'FieldValueForbidden', fieldPath: '.a' }, { rule: 'self.a > 2', reason: 'FieldValueDuplicate' })), { a: { a: 1 } }, undefined, [
    'FieldValueForbidden o.a.a: Forbidden: failed rule: self.a > 1', 'FieldValueDuplicate o.a: Duplicate value',
  ]],
  ['a message of its own', of(ruled(INT, { rule: 'self > 1', messageExpression: "'is ' + string(self)" })), { a: 1 }, undefined, ['FieldValueInvalid o.a: Invalid value: 1: is 1']],
  ['a message that fails', of(ruled(INT, { rule: 'self > 1', messageExpression: 'string(1 / self)', message: 'plain' })), { a: 0 }, undefined, ['FieldValueInvalid o.a: Invalid value: 0: plain']],
  ['a rule that fails', of(ruled({ type: 'array', items: INT }, { rule: 'self[1] > 0' })), { a: [] }, undefined, ['FieldValueInvalid o.a: Invalid value: "array": index out of bounds: 1 evaluating rule: self[1] > 0']],
  ['int or string', of(ruled({ 'x-kubernetes-int-or-string': true }, { rule: 'self > 1' })), { a: 'x' }, undefined, [
    'FieldValueInvalid o.a: Invalid value: "": \'no such overload\': call arguments did not match a supported operator, function or macro signature for rule: self > 1',
  ]],
  ['formats', ruled({ type: 'object', properties: { t: { type: 'string', format: 'date-time' }, d: { type: 'string', format: 'duration' }, b: { type: 'string', format: 'byte' } } }, {
    rule: "self.t > timestamp('2020-01-01T00:00:00Z') && self.d < duration('1h') && self.b == b'hi'",
  }), { t: '2021-01-01T00:00:00Z', d: '3 minutes', b: 'aGk=' }, undefined, []],
  ['escaped names', ruled({ type: 'object', properties: { 'a-b': INT, namespace: INT, c__d: INT } }, { rule: 'self.a__dash__b + self.__namespace__ + self.c__underscores__d == 6' }), { 'a-b': 1, namespace: 2, c__d: 3 }, undefined, []],
  ['no oldSelf on create', of(ruled(INT, { rule: 'self == oldSelf' })), { a: 1 }, undefined, []],
  ['oldSelf on update', of(ruled(INT, { rule: 'self == oldSelf', message: 'fixed' })), { a: 1 }, { a: 2 }, ['FieldValueInvalid o.a: Invalid value: 1: fixed']],
  ['oldSelf of a new field', of(ruled(INT, { rule: 'self == oldSelf' })), { a: 1 }, {}, []],
  ['optional oldSelf', of(ruled(INT, { rule: 'oldSelf.hasValue() || self == 1', optionalOldSelf: true })), { a: 2 }, undefined, ['FieldValueInvalid o.a: Invalid value: 2: failed rule: oldSelf.hasValue() || self == 1']],
  ['oldSelf by keys, in another order', of(KEYED), { a: [{ k: 'y', v: 1 }, { k: 'x', v: 5 }, { k: 'z', v: 0 }] }, { a: [{ k: 'x', v: 4 }, { k: 'y', v: 2 }] }, ['FieldValueInvalid o.a[0].v: Invalid value: shrank']],
  ['what was wrong before is a warning', of(ruled(INT, { rule: 'self < 5' })), { a: 7 }, { a: 7 }, ['warning o.a: Invalid value: 7: failed rule: self < 5']],
  ['what became wrong is not', of(ruled(INT, { rule: 'self < 5' })), { a: 7 }, { a: 8 }, ['FieldValueInvalid o.a: Invalid value: 7: failed rule: self < 5']],
  ['an unchanged list around it tolerates', of({ type: 'array', items: ruled(INT, { rule: 'self < 5' }) }), { a: [7] }, { a: [7] }, ['warning o.a[0]: Invalid value: 7: failed rule: self < 5']],
  ['a changed one does not', of({ type: 'array', items: ruled(INT, { rule: 'self < 5' }) }), { a: [7, 1] }, { a: [7] }, ['FieldValueInvalid o.a[0]: Invalid value: 7: failed rule: self < 5']],
  ['transitions are never tolerated', of(ruled(INT, { rule: 'self > oldSelf' })), { a: 7 }, { a: 7 }, ['FieldValueInvalid o.a: Invalid value: 7: failed rule: self > oldSelf']],
  ['map values', of({ type: 'object', additionalProperties: ruled(INT, { rule: 'self > 0' }) }), { a: { x: 1, 'y/z': 0 } }, undefined, ['FieldValueInvalid o.a[y/z]: Invalid value: 0: failed rule: self > 0']],
  ['an embedded object', of(ruled({ type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }, { rule: "self.kind == 'Pod' && self.metadata.name == 'p'" })),
    { a: { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p' } } }, undefined, []],
])('%s', (_what, schema, value, old, expected) => {
  expect(check(schema, value, old)).toEqual(expected);
});

test('checkRules() ends when the budget of the object is used up', () => {
  const schema = of({ type: 'array', items: ruled(INT, { rule: 'self > 0' }) });
  expect(check(schema, { a: [1, 1, 1, 1] }, undefined, 5)).toEqual(['FieldValueInvalid o.a[2]: Invalid value: "integer": validation failed due to running out of cost budget, no further validation rules will be run']);
});

test('checkRules() ends at a rule that costs too much', () => {
  const schema = of(ruled({ type: 'array', items: INT }, { rule: 'self.all(x, self.all(y, x >= 0 && y >= 0))', message: 'pairs' }));
  expect(check(schema, { a: Array.from({ length: 600 }, (_, at) => at) })).toEqual([
    'FieldValueInvalid o.a: Invalid value: "array": \'operation cancelled: actual cost limit exceeded\': no further validation rules will be run due to call cost exceeds limit for rule: pairs',
  ]);
});
