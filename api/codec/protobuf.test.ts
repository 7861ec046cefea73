/** Protobuf against what upstream's generated code and a real server wrote, in both directions. */
import type { WatchEventType } from '../request.ts';
import { fixtures } from './fixtures.ts';
import { parseExact } from './json-text.ts';
import { decodeProtobuf, encodeMessage, encodeProtobuf, encodeProtobufList, encodeWatchFrame, hasProtobuf, openProtobuf } from './protobuf.ts';

interface Named {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

const rows = fixtures('kinds')
  .map(({ name, json, pb = '' }) => ({ name, object: parseExact(json) as Named, pb: Buffer.from(pb, 'base64') }))
  // A WatchEvent is never in an envelope: see the frames below.
  .filter(({ object: { apiVersion, kind } }) => hasProtobuf(apiVersion, kind) && kind !== 'WatchEvent');

test('encodeProtobuf() writes every kind byte for byte', () => {
  expect(rows.length).toBeGreaterThan(300);
  expect(rows.filter(({ object, pb }) => !encodeProtobuf(object).equals(pb)).map(({ name }) => name)).toEqual([]);
});

test('decodeProtobuf() gives what the JSON of every kind says', () => {
  for (const { object, pb } of rows) expect(decodeProtobuf(pb)).toEqual(object);
});

test('decodeProtobuf() and encodeProtobuf() agree with a server’s answers', () => {
  for (const { name, json, pb = '' } of fixtures('wire').filter((row) => row.name !== 'watch')) {
    const bytes = Buffer.from(pb, 'base64');
    const object = decodeProtobuf(bytes);
    expect([name, encodeProtobuf(object).equals(bytes)]).toEqual([name, true]);
    // The two requests were not the same instant, and JSON names the kind of each item.
    if (name !== 'partialobjectmetadatalist') expect(object).toEqual(JSON.parse(json));
  }
});

test('encodeWatchFrame() writes a stream as a server does', () => {
  const watch = fixtures('wire').find(({ name }) => name === 'watch');
  const events = (watch?.json ?? '').split('\n').map((line) => JSON.parse(line) as { type: WatchEventType; object: Named });
  const frames = Buffer.concat(events.map(({ type, object }) => encodeWatchFrame(type, encodeProtobuf(object))));
  expect(frames.toString('base64')).toBe(watch?.pb);
});

test('encodeProtobufList() puts a list together from its items', () => {
  const lists = rows.filter(({ object }) => object.kind.endsWith('List') && Array.isArray(object['items']) && hasProtobuf(object.apiVersion, object.kind.slice(0, -4)) && object.apiVersion !== 'meta.k8s.io/v1beta1');
  expect(lists.length).toBeGreaterThan(50);
  for (const { name, object, pb } of lists) {
    const items = (object['items'] as object[]).map((item) => encodeMessage({ ...item, apiVersion: object.apiVersion, kind: object.kind.slice(0, -4) }));
    expect(encodeProtobufList({ ...object, metadata: object['metadata'] as Named, items }).equals(pb) || name).toBe(true);
  }
});

test('integers, large messages and texts beyond ASCII come back', () => {
  const object = {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'é', annotations: { big: 'x'.repeat(100_000), '\u{1F600}': 'b', '\uFFFD': 'a' }, generation: 9223372036854775807n },
    spec: { containers: null, activeDeadlineSeconds: -1, priority: -2147483648 }, status: {},
  };
  expect(decodeProtobuf(encodeProtobuf(object))).toEqual(object);
});

test('encodeProtobuf() takes discovery documents of the core group, which have no apiVersion', () => {
  const bytes = encodeProtobuf({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });
  expect(openProtobuf(bytes)).toMatchObject({ apiVersion: '', kind: 'APIVersions' });
});

test('hasProtobuf() knows what has no protobuf form', () => {
  expect(hasProtobuf('v1', 'Pod')).toBe(true);
  expect(hasProtobuf('v1', 'Status')).toBe(true);
  expect(hasProtobuf('autoscaling/v1', 'Scale')).toBe(true);
  expect(hasProtobuf('policy/v1', 'DeleteOptions')).toBe(true);
  expect(hasProtobuf('meta.k8s.io/v1', 'Table')).toBe(false);
  expect(hasProtobuf('example.com/v1', 'Widget')).toBe(false);
});

test('openProtobuf() tells the kind without decoding', () => {
  expect(openProtobuf(encodeProtobuf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }))).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
});

test.each([
  ['nothing', ''], ['JSON', Buffer.from('{"kind":"Pod"}').toString('base64')], ['the magic number only', 'azhzAA=='], ['a message cut short', 'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEg0KAwoBYRIG'],
  ['a wrong wire type', 'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEgIIAQ=='], ['an endless varint', `azhzAAr${'/'.repeat(20)}`],
])('decodeProtobuf() refuses %s', (_, base64) => {
  expect(() => decodeProtobuf(Buffer.from(base64, 'base64'))).toThrow(expect.objectContaining({ code: 400 }));
});
