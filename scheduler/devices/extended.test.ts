import type { Container } from '../../api/types/core.v1.ts';
import type { DeviceClass } from '../../api/types/resource.v1.ts';
import type { Stored } from '../../client/client.ts';
import { pod } from '../fixtures.ts';
import { StandIns, requestsOf } from './extended.ts';

const GPU = 'example.com/gpu';
const container = (name: string, count: number, more: Partial<Container> = {}): Container => ({ name, image: 'i', resources: { requests: { cpu: '1', [GPU]: String(count) } }, ...more });

describe('requestsOf()', () => {
  const rows: [string, Container[], Container[], string, string][] = [
    ['one container', [], [container('c', 2)], 'container-0-request-1=2', 'c:container-0-request-1'],
    ['a container that asks for none', [], [container('c', 1), { name: 'd', image: 'i' }], 'container-0-request-1=1', 'c:container-0-request-1'],
    ['containers side by side', [], [container('c', 1), container('d', 2)], 'container-0-request-1=1 container-1-request-1=2', 'c:container-0-request-1 d:container-1-request-1'],
    ['one that ends before uses what comes later', [container('i', 2)], [container('c', 2)], 'container-1-request-1=2', 'c:container-1-request-1 i:container-1-request-1'],
    ['one that ends before needs more', [container('i', 3)], [container('c', 2)], 'container-0-request-1=1 container-1-request-1=2', 'c:container-1-request-1 i:container-1-request-1 i:container-0-request-1'],
    ['those that end before share', [container('i', 3), container('j', 4)], [container('c', 2)], 'container-1-request-1=2 container-2-request-1=2', 'c:container-2-request-1 i:container-2-request-1 i:container-1-request-1 j:container-2-request-1 j:container-1-request-1'],
    ['one that stays beside', [container('s', 1, { restartPolicy: 'Always' })], [container('c', 1)], 'container-0-request-1=1 container-1-request-1=1', 's:container-0-request-1 c:container-1-request-1'],
  ];
  test.each(rows)('%s', (_, initContainers, containers, requests, mappings) => {
    const found = requestsOf(pod({ initContainers, containers }), new Map([[GPU, 'gpu']]));
    expect(found.requests.map(({ name, exactly }) => `${name}=${exactly?.count}`).join(' ')).toBe(requests);
    expect(found.mappings.map(({ containerName, requestName }) => `${containerName}:${requestName}`).join(' ')).toBe(mappings);
  });
});

test('StandIns knows the newest class of a resource, and each class by its name', () => {
  const one = (name: string, creationTimestamp: string): Stored<DeviceClass> => ({ metadata: { name, namespace: '', uid: name, resourceVersion: '1', creationTimestamp }, spec: { extendedResourceName: GPU } });
  const standIns = new StandIns();
  expect(standIns.classOf(GPU)).toBeUndefined();
  standIns.set(one('b', '2026-01-02T00:00:00Z'));
  standIns.set(one('a', '2026-01-02T00:00:00Z'));
  standIns.set(one('old', '2026-01-01T00:00:00Z'));
  expect([GPU, 'deviceclass.resource.kubernetes.io/old', 'deviceclass.resource.kubernetes.io/none', 'cpu'].map((name) => standIns.classOf(name))).toEqual(['a', 'old', undefined, undefined]);
  standIns.remove('a');
  expect(standIns.classOf(GPU)).toBe('b');
});
