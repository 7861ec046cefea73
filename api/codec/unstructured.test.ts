import { ApiError } from '../status.ts';
import { WrittenNumber } from './json-text.ts';
import { decodeMade, fromUnstructured } from './json.ts';

const DEPLOYMENT = { type: 'io.k8s.api.apps.v1.Deployment' };

const taken: [string, unknown, unknown][] = [
  ['a float that is whole', new WrittenNumber('3.0'), 3],
  ['what is too large, cut off', 5_000_000_000, 705_032_704],
  ['what is beyond 64 bits', 2n ** 70n, 0],
];
test.each(taken)('fromUnstructured() takes %s as replicas', (_, replicas, expected) => {
  const { object } = fromUnstructured(DEPLOYMENT, { spec: { replicas } });
  expect((object['spec'] as { replicas: unknown }).replicas).toBe(expected);
});

const refused: [unknown, string][] = [
  [{ spec: { replicas: '3' } }, 'unrecognized type: int32'],
  [{ spec: { replicas: 1.5 } }, 'cannot convert float64 to int32'],
  [{ spec: { paused: 'true' } }, 'unrecognized type: bool'],
  [{ spec: 'x' }, 'cannot restore struct from: string'],
  [{ spec: { template: { spec: { containers: {} } } } }, 'cannot restore slice from map'],
  [{ metadata: { labels: [] } }, 'cannot restore map from slice'],
  [{ metadata: { labels: { a: 1 } } }, 'cannot convert int64 to string'],
  [{ metadata: { labels: { a: true } } }, 'unrecognized type: string'],
  // Of several the one whose field comes first in its type.
  [{ metadata: { labels: { a: true }, generation: 'x' } }, 'unrecognized type: int64'],
  [{ spec: { strategy: { rollingUpdate: { maxSurge: 1.5 } } } }, 'json: cannot unmarshal number 1.5 into Go value of type int32'],
];
test.each(refused)('fromUnstructured() refuses %j', (value, message) => {
  expect(refusal(() => fromUnstructured(DEPLOYMENT, value))).toBe(message);
});

const NAMED = { structural: { type: 'object', properties: { spec: { type: 'object', properties: { text: { type: 'string' } } } } } };

test('nulls that may not be stay after an apply, to be refused, and vanish from bodies', () => {
  const value = { apiVersion: 'a.b/v1', kind: 'A', metadata: { name: 'a' }, spec: { text: null } };
  expect(fromUnstructured(NAMED, value).object['spec']).toEqual({ text: null });
  expect(decodeMade(NAMED, value).object['spec']).toEqual({});
});

const made: [unknown, string][] = [
  [[], 'json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'],
  [{ kind: 1 }, 'json: cannot unmarshal number into Go struct field .kind of type string'],
  [{ apiVersion: {} }, 'json: cannot unmarshal object into Go struct field .apiVersion of type string'],
];
test.each(made)('decodeMade() looks for the kind in %j', (value, message) => {
  expect(refusal(() => decodeMade(DEPLOYMENT, value))).toBe(`couldn't get version/kind; json parse error: ${message}`);
});

test('of several wrong values in a made object the first by name is told', () => {
  const value = { spec: { replicas: 'x', paused: 1 }, metadata: { name: 1, labels: 2 } };
  expect(refusal(() => decodeMade(DEPLOYMENT, value))).toBe('json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type map[string]string');
});

test('a schema within a schema ends with what is wrong in it', () => {
  const versions = [{ schema: { openAPIV3Schema: { minLength: 'x', items: { type: 5 } } } }];
  const definition = { type: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition' };
  expect(refusal(() => decodeMade(definition, { spec: { versions } }))).toMatch(/items\.type of type string$/);
});

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
  return 'taken';
}
