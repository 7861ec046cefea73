import { podOf } from '../fixtures.ts';
import { type LocalUse, excess, isLimited } from './limits.ts';

const MIB = 1024 ** 2;

function used(containers: Record<string, [layer: number, logs: number]>, volumes: Record<string, number> = {}): LocalUse {
  return {
    containers: new Map(Object.entries(containers).map(([name, [layer, logs]]) => [name, { layer: layer * MIB, logs: logs * MIB }])),
    volumes: new Map(Object.entries(volumes).map(([name, mib]) => [name, mib * MIB])),
  };
}

function limited(...limits: (string | undefined)[]): object[] {
  return limits.map((limit, at) => ({ name: `c${at}`, ...(limit && { resources: { limits: { 'ephemeral-storage': limit } } }) }));
}

const scratch = { name: 'scratch', emptyDir: { sizeLimit: '5Mi' } };

describe('excess() names the first limit that a pod exceeds', () => {
  const rows: [string, object, LocalUse, string | undefined, boolean?][] = [
    ['none', { containers: limited('5Mi') }, used({ c0: [4, 1] }), undefined],
    ['of a volume', { containers: limited(undefined), volumes: [scratch] }, used({}, { scratch: 6 }), 'Usage of EmptyDir volume "scratch" exceeds the limit "5Mi". '],
    ['a volume before the pod', { containers: limited('1Mi'), volumes: [scratch] }, used({ c0: [9, 0] }, { scratch: 6 }), 'Usage of EmptyDir volume "scratch" exceeds the limit "5Mi". '],
    ['a volume that is just full', { containers: limited(undefined), volumes: [scratch] }, used({}, { scratch: 5 }), undefined],
    ['a volume in memory is bounded by itself', { containers: limited(undefined), volumes: [{ name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '5Mi' } }] }, used({}, { scratch: 6 }), undefined],
    ['all containers together', { containers: limited('5Mi', '5Mi') }, used({ c0: [4, 1], c1: [5, 1] }), 'Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. '],
    ['volumes count as the pod\'s', { containers: limited('5Mi'), volumes: [{ name: 'a', emptyDir: {} }, { name: 'b', configMap: {} }] }, used({ c0: [1, 1] }, { a: 2, b: 2 }), 'Pod ephemeral local storage usage exceeds the total limit of containers 5Mi. '],
    ['secrets do not', { containers: limited('5Mi'), volumes: [{ name: 'a', secret: {} }] }, used({ c0: [1, 1] }, { a: 9 }), undefined],
    ['who has no limit counts towards that of the others', { containers: limited('5Mi', undefined) }, used({ c0: [1, 0], c1: [5, 0] }), 'Pod ephemeral local storage usage exceeds the total limit of containers 5Mi. '],
    ['one container alone', { containers: limited('5Mi', '1Gi') }, used({ c0: [5, 1], c1: [0, 0] }), 'Container c0 exceeded its local ephemeral storage limit "5Mi". '],
    ['its layer is not on the node\'s disk', { containers: limited('5Mi', '1Gi') }, used({ c0: [5, 1], c1: [0, 0] }), undefined, true],
    ['an init container may take what it asks for', { initContainers: [{ name: 'init', resources: { limits: { 'ephemeral-storage': '20Mi' } } }], containers: limited('5Mi') }, used({ init: [15, 0] }), undefined],
  ];
  test.each(rows)('%s', (_, spec, use, message, hasImageDisk = false) => {
    expect(excess({ pod: podOf(spec), use, hasImageDisk })?.message).toBe(message);
  });
});

test.each<[boolean, object]>([
  [false, { containers: limited(undefined), volumes: [{ name: 'a', emptyDir: {} }, { name: 'b', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }, { name: 'c', emptyDir: { sizeLimit: '0' } }] }],
  [true, { containers: limited('5Mi') }],
  [true, { containers: limited(undefined), initContainers: limited('5Mi') }],
  [true, { containers: limited(undefined), volumes: [scratch] }],
])('isLimited() is %p of %j', (expected, spec) => {
  expect(isLimited(podOf(spec))).toBe(expected);
});
