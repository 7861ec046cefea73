import { decodeJson } from '../../api/codec/json.ts';
import type { ApiObject } from '../../api/kind.ts';
import { AlikeParts } from './alike.ts';

const spec = (image: string, more: object = {}): object => ({ containers: [{ name: 'c', image, ...more }] });
const pod = (part: object, kind = 'Pod'): ApiObject => ({ apiVersion: 'v1', kind, metadata: { name: 'a' }, spec: part });

function known(...parts: object[]): AlikeParts {
  const alike = new AlikeParts();
  for (const part of parts) alike.share(pod(part), 'spec')?.();
  return alike;
}

test('a part that is known by its text is shared, and frozen throughout', () => {
  const alike = new AlikeParts();
  const [first, second] = [pod(spec('i')), pod(spec('i'))];
  const keep = alike.share(first, 'spec');
  expect(alike.share(second, 'spec')).toBeDefined();
  keep?.();
  expect(alike.share(second, 'spec')).toBeUndefined();
  expect(second['spec']).toBe(first['spec']);
  expect(() => ((second['spec'] as { containers: { image: string }[] }).containers as [{ image: string }])[0].image = 'j').toThrow(TypeError);
});

test('what is kept is the part as it is then', () => {
  const alike = new AlikeParts();
  const first = pod(spec('i'));
  const keep = alike.share(first, 'spec');
  first['spec'] = { ...spec('i'), restartPolicy: 'Always' };
  keep?.();
  const second = pod(spec('i'));
  alike.share(second, 'spec');
  expect(second['spec']).toEqual({ ...spec('i'), restartPolicy: 'Always' });
});

test.each<[string, ApiObject]>([
  ['another value deep inside', pod(spec('j'))],
  ['one more field', pod(spec('i', { stdin: true }))],
  ['another kind', pod(spec('i'), 'Toad')],
  ['an empty list that was sent', decodeJson({ type: 'io.k8s.api.core.v1.Pod' }, JSON.stringify(pod(spec('i', { env: [] })))).object],
])('%s is not alike', (_, other) => {
  const own = other['spec'];
  const alike = known({ ...spec('i') }, JSON.parse(JSON.stringify({ ...spec('i'), containers: [{ name: 'c', image: 'i', resources: {} }] })) as object);
  alike.share(other, 'spec');
  expect(other['spec']).toBe(own);
});

test('what was not used for long is forgotten', () => {
  const alike = known(spec('used'), spec('not'));
  for (let i = 0; i < 255; i++) {
    alike.share(pod(spec(`i${i}`)), 'spec')?.();
    alike.share(pod(spec('used')), 'spec');
  }
  expect([alike.share(pod(spec('used')), 'spec'), alike.share(pod(spec('i254')), 'spec')]).toEqual([undefined, undefined]);
  expect(alike.share(pod(spec('not')), 'spec')).toBeDefined();
});

test('long texts are kept for few, and very long ones for nobody', () => {
  const long = spec('i', { command: ['x'.repeat(15_000)] });
  const alike = known(long, ...Array.from({ length: 40 }, (_, i) => spec(`i${i}`, { command: ['x'.repeat(15_000)] })), spec('i', { command: ['x'.repeat(20_000)] }));
  expect(alike.share(pod(spec('i39', { command: ['x'.repeat(15_000)] })), 'spec')).toBeUndefined();
  expect(alike.share(pod(long), 'spec')).toBeDefined();
  const veryLong = pod(spec('i', { command: ['x'.repeat(20_000)] }));
  const own = veryLong['spec'];
  alike.share(veryLong, 'spec');
  expect(veryLong['spec']).toBe(own);
});
