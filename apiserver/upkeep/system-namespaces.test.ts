/** What comes back when it is deleted. */
import { namespaces } from '../../api/resources.ts';
import { VirtualClock } from '../../std/clock.ts';
import { FakeReader } from '../auth/fake-reader.ts';
import { keepSystemNamespaces } from './system-namespaces.ts';

test('a namespace of the system that is deleted is there again within a minute; those of users, and those on their way out, are left alone', async () => {
  const clock = new VirtualClock();
  const store = new FakeReader().set(namespaces, ...['default', 'kube-public', 'kube-node-lease', 'mine'].map((name) => ({ metadata: { name }, spec: {} })));
  store.set(namespaces, { metadata: { name: 'kube-system' }, spec: {}, status: { phase: 'Terminating' } });
  const errors: unknown[] = [];
  const keeping = keepSystemNamespaces({ reader: store as never, writer: store as never, clock, log: { info: () => undefined, error: (_, error) => errors.push(error) } });
  const minute = async (): Promise<string[]> => {
    const before = store.list(namespaces).map(({ metadata }) => metadata.name);
    clock.step(60_000);
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    return store.list(namespaces).map(({ metadata }) => metadata.name).filter((name) => !before.includes(name));
  };
  expect(await minute()).toEqual([]);
  for (const name of ['kube-node-lease', 'mine']) store.delete(namespaces, '', name);
  expect(await minute()).toEqual(['kube-node-lease']);
  keeping.close();
  store.delete(namespaces, '', 'kube-node-lease');
  expect([await minute(), errors, store.writes]).toEqual([[], [], 1]);
});
