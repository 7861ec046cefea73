import { demandType, negotiate, negotiateError, preferredType, type Offer } from './negotiate.ts';

const ONE: Offer = { route: 'plain', metadata: true, tables: true };
const CUSTOM: Offer = { metadata: true, tables: true, custom: true };
const WATCH: Offer = { ...ONE, route: 'streams', watch: true };
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const METADATA = 'as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';

test.each([
  [undefined, ONE, 'json', undefined],
  ['', ONE, 'json', undefined],
  ['*/*', ONE, 'json', undefined],
  ['application/yaml', ONE, 'yaml', undefined],
  ['application/json;q=0.5,application/yaml;q=0.6', ONE, 'yaml', undefined],
  ['application/json;q=0', ONE, 'json', undefined],
  ['application/json;q=0, application/yaml', ONE, 'yaml', undefined],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', ONE, 'json', undefined],
  [`${PROTOBUF},application/json`, ONE, 'protobuf', undefined],
  [`${PROTOBUF},application/json`, CUSTOM, 'json', undefined],
  [`${PROTOBUF};${METADATA}`, CUSTOM, 'protobuf', 'PartialObjectMetadata'],
  ['application/*', CUSTOM, 'json', undefined],
  ['application/json;stream=watch', ONE, 'json', undefined],
  ['application/json;foo=bar', ONE, 'json', undefined],
  [`${TABLE},application/json`, ONE, 'json', 'Table'],
  [`${TABLE};q=0.5,application/yaml;q=0.7`, ONE, 'yaml', undefined],
  ['*/*;as=Table;v=v1;g=meta.k8s.io', ONE, 'json', 'Table'],
  ['application/yaml;as=Table;v=v1;g=meta.k8s.io', ONE, 'yaml', 'Table'],
  [`${PROTOBUF};as=Table;v=v1;g=meta.k8s.io,${TABLE}`, ONE, 'json', 'Table'],
  [`${TABLE},application/json`, { ...ONE, tables: false }, 'json', undefined],
  ['application/json;as=Boat;v=v1;g=meta.k8s.io,application/json', ONE, 'json', undefined],
  ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', ONE, 'json', 'PartialObjectMetadataList'],
] as const)('negotiate() %s', (header, offer, media, as) => {
  expect(negotiate(header, offer, false)).toMatchObject({ media, as });
});

const AVAILABLE = '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf';
const ACCEPTED = 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf';
const STREAMS = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch';

test.each([
  ['text/html', ONE, AVAILABLE],
  ['text/html', CUSTOM, ACCEPTED],
  ['application/*', ONE, AVAILABLE],
  ['APPLICATION/JSON', ONE, AVAILABLE],
  [';', ONE, AVAILABLE],
  ['application/json;as=Boat;v=v1;g=meta.k8s.io', ONE, ACCEPTED],
  ['application/json;as="Table";v="v1";g="meta.k8s.io"', ONE, ACCEPTED],
  ['application/json;as=Table;g=meta.k8s.io', ONE, ACCEPTED],
  [`${PROTOBUF};as=Table;v=v1;g=meta.k8s.io`, ONE, ACCEPTED],
  [PROTOBUF, CUSTOM, ACCEPTED],
  ['text/html', WATCH, `${AVAILABLE}, ${STREAMS}`],
  ['application/yaml', WATCH, `only the following media types are accepted: ${STREAMS}`],
  ['application/json;q=0.1,application/yaml', WATCH, `only the following media types are accepted: ${STREAMS}`],
] as const)('negotiate() refuses %s', (header, offer, message) => {
  expect(() => negotiate(header, offer, false)).toThrow(expect.objectContaining({ code: 406, message }));
});

test.each([
  [undefined, 'json', false],
  ['application/yaml', 'yaml', false],
  [PROTOBUF, 'protobuf', false],
  [TABLE, 'json', true],
  [`${TABLE},application/json`, 'json', false],
  ['text/html', 'json', true],
] as const)('negotiateError() %s', (header, media, pretty) => {
  expect(negotiateError(header, false)).toMatchObject({ media, pretty, as: undefined });
});

test.each([
  [undefined, 'a/b'],
  ['a/*', 'a/b'],
  ['a/c;q=0.5,a/b;q=0.4', 'a/c'],
  ['x/y', undefined],
] as const)('preferredType() %s', (header, expected) => {
  expect(preferredType(header, ['a/b', 'a/c'])).toBe(expected);
});

test('demandType() looks at whole types only', () => {
  expect(() => demandType('a/b;q=0.1', ['a/b'])).not.toThrow();
  expect(() => demandType('a/*', ['a/b'])).toThrow(expect.objectContaining({ code: 406, message: '406: Not Acceptable\n\nAvailable representations: a/b' }));
});
