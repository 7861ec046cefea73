import { podSum } from './pod-sum.ts';
import type { Container } from './types/core.v1.ts';

const numbers = { none: 0, plus: (a: number, b: number) => a + b, largest: Math.max };
const container = (amount: number, restartPolicy?: string): Container => ({ name: String(amount), ...(restartPolicy && { restartPolicy }) });

test.each([
  ['nothing', [], [], 0],
  ['containers together', [1, 2], [], 3],
  ['one that is over before the others begin', [1, 2], [container(5)], 5],
  ['of those that come one after the other the largest', [1, 2], [container(5), container(4)], 5],
  ['a sidecar beside the containers', [1, 2], [container(4, 'Always')], 7],
  ['a sidecar beside what begins after it', [1], [container(2, 'Always'), container(5)], 7],
  ['a sidecar not beside what was over before it', [1], [container(5), container(2, 'Always')], 5],
])('podSum() of %s', (_what, main, initContainers, sum) => {
  expect(podSum({ containers: main.map((amount) => container(amount)), initContainers }, ({ name }) => Number(name), numbers)).toBe(sum);
});

test('podSum() says which containers last', () => {
  const seen: [string, boolean][] = [];
  podSum({ containers: [container(1)], initContainers: [container(2), container(3, 'Always')] }, ({ name }, lasts) => (seen.push([name, lasts]), 0), numbers);
  expect(seen).toEqual([['1', true], ['2', false], ['3', true]]);
});
