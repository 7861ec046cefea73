import { partialMetadata } from './partial.ts';

const GENERATION = 'deprecated.daemonset.template.generation';

test.each<[string, string, object | undefined, object | undefined]>([
  ['DaemonSet', 'alone', { [GENERATION]: '1' }, undefined],
  ['DaemonSet', 'among others', { [GENERATION]: '1', note: 'x' }, { note: 'x' }],
  ['DaemonSet', 'missing', undefined, undefined],
  ['Deployment', 'of another kind', { [GENERATION]: '1' }, { [GENERATION]: '1' }],
])('partialMetadata() of a %s with the annotation that upstream keeps as a field, %s', (kind, _, annotations, expected) => {
  const metadata = { name: 'a', ...(annotations && { annotations: annotations as Record<string, string> }) };
  expect(partialMetadata({ kind, metadata }, 'v1').metadata).toEqual({ name: 'a', ...(expected && { annotations: expected }) });
});
