/** Uses of Secrets' tokens are remembered by day. */
import { configmaps, secrets } from '../../api/resources.ts';
import { VirtualClock } from '../../std/clock.ts';
import { FakeReader } from './fake-reader.ts';
import { noteUse, startTracking } from './legacy-token-tracking.ts';
import type { Stored } from './reader.ts';
import type { Secret } from '../../api/types/core.v1.ts';

const DAY_MS = 24 * 3600 * 1000;

test('a use is written once a day; the first day is in kube-system', async () => {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1, 23));
  const store = new FakeReader();
  const parts = { reader: store, writer: store, clock };
  await startTracking(parts);
  clock.step(DAY_MS);
  await startTracking(parts);
  expect(store.get(configmaps, 'kube-system', 'kube-apiserver-legacy-service-account-token-tracking')?.data).toEqual({ since: '2026-01-01' });
  store.set(secrets, { metadata: { namespace: 'a', name: 's' } });
  const secret = (): Stored<Secret> => store.get(secrets, 'a', 's') as Stored<Secret>;
  const label = (): string | undefined => secret().metadata.labels?.['kubernetes.io/legacy-token-last-used'];
  const before = store.writes;
  for (let i = 0; i < 3; i++) await noteUse(parts, secret());
  expect([label(), store.writes - before]).toEqual(['2026-01-02', 1]);
  clock.step(DAY_MS);
  await noteUse(parts, secret());
  expect(label()).toBe('2026-01-03');
  const ahead = { ...parts, clock: { now: () => Date.UTC(2026, 0, 2, 23, 59) } };
  await noteUse(ahead, secret());
  expect(label()).toBe('2026-01-03');
});
