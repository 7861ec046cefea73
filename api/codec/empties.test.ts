import { semanticEqual } from '../kinds/shared/semantic-equal.ts';
import { emptiesOf, restoreEmpties } from './empties.ts';
import { decodeJson, normalize } from './json.ts';

const TYPE = { type: 'io.k8s.api.core.v1.Pod' };
const TEXT = '{"metadata":{"name":"a","labels":{}},"spec":{"containers":[{"name":"c","env":[],"ports":[{"containerPort":1}]}],"nodeSelector":{}}}';

test('empty lists and maps are not there, come back while they matter, and go again', () => {
  const { object, empties } = decodeJson(TYPE, TEXT);
  const plain = JSON.stringify(object);
  expect(empties).toBe(true);
  expect(plain).not.toMatch(/env|nodeSelector|labels/);
  const undo = restoreEmpties(object);
  expect(object).toMatchObject({ metadata: { labels: {} }, spec: { nodeSelector: {}, containers: [{ env: [] }] } });
  expect(JSON.stringify((object['spec'] as { nodeSelector: object }).nodeSelector)).toBe('{}');
  expect(semanticEqual(object, JSON.parse(plain))).toBe(true);
  undo();
  expect(JSON.stringify(object)).toBe(plain);
});

test('what was noted outlives another decoding, and what was filled in meanwhile stays', () => {
  const { object } = decodeJson(TYPE, TEXT);
  const again = normalize(TYPE, object);
  expect(again.empties).toBe(true);
  expect(emptiesOf(again.object.metadata)).toEqual({ labels: 'map' });
  const undo = restoreEmpties(again.object);
  again.object.metadata.labels = { a: 'b' };
  undo();
  expect(again.object.metadata.labels).toEqual({ a: 'b' });
});
