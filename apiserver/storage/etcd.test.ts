/** What only a store across a network can get wrong: servers that are away, come back, or share their leases. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { VirtualClock } from '../../std/clock.ts';
import { EtcdLeases } from './etcd-leases.ts';
import { ETCD_MISSING, hasEtcd, startEtcd, type EtcdServer } from './etcd-server.ts';
import { openEtcd } from './etcd.ts';
import { Compacted, Unavailable } from './store.ts';
import { record, text } from './store.conformance.ts';

function rig(): { leases: EtcdLeases; clock: VirtualClock; granted: number[] } {
  const clock = new VirtualClock();
  const granted: number[] = [];
  const client = { leaseGrant: async ({ TTL }: { TTL: number }) => ({ ID: String(granted.push(TTL)) }) };
  return { leases: new EtcdLeases(() => client as never, clock), clock, granted };
}

describe('leases', () => {
  test('keys share a lease for as long as it outlives what they ask for', async () => {
    const { leases, clock, granted } = rig();
    expect(await Promise.all([leases.get(3_600), leases.get(3_600)])).toEqual(['1', '1']);
    await clock.advance(59_000);
    expect(await leases.get(3_600)).toBe('1');
    await clock.advance(2_000);
    expect(await leases.get(3_600)).toBe('2');
    expect(await leases.get(10)).toBe('3');
    expect(granted).toEqual([3_660, 3_660, 11]);
  });

  test('a lease takes a bounded number of keys, and is not used after it was forgotten', async () => {
    const { leases, granted } = rig();
    for (let i = 0; i < 1_000; i++) await leases.get(3_600);
    expect(granted.length).toBe(1);
    expect(await leases.get(3_600)).toBe('2');
    leases.forget(3_600);
    expect(await leases.get(3_600)).toBe('3');
  });
});

describe('unreachable', () => {
  test('nobody listens: Unavailable, naming the endpoint', async () => {
    const endpoint = 'http://127.0.0.1:1';
    const store = await openEtcd({ endpoints: [endpoint] });
    await expect(store.revision()).rejects.toThrow(Unavailable);
    await expect(store.write('/a', 0, text('x'))).rejects.toThrow(endpoint);
    await store.close();
  });

  test('somebody listens and never answers: Unavailable when the time is over', async () => {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => void sockets.add(socket));
    const port = await new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
    const store = await openEtcd({ endpoints: [`http://127.0.0.1:${port}`], timeoutMs: 200 });
    await expect(store.get('/a')).rejects.toThrow(Unavailable);
    await store.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});

if (hasEtcd()) {
  describe('a server that goes and comes back', () => {
    let etcd: EtcdServer;
    beforeEach(async () => {
      etcd = await startEtcd();
    }, 30_000);
    afterEach(() => etcd.stop());

    test('watches resume without loss or repetition, writes fail meanwhile', async () => {
      const store = await openEtcd({ endpoints: [etcd.endpoint] });
      const first = await store.write('/a/1', 0, text('x'));
      const seen = record(store, '/a/', first - 1);
      await seen.until(() => seen.changes.length === 1);
      await etcd.kill();
      await expect(store.write('/a/2', 0, text('x'))).rejects.toThrow(Unavailable);
      await etcd.start();
      // Written by another API server before this one's watch is back.
      const other = await openEtcd({ endpoints: [etcd.endpoint] });
      await other.write('/a/1', first, text('y'));
      await other.write('/a/3', 0, text('x'));
      await seen.until(() => seen.changes.length === 3);
      expect(seen.changes.map(({ key, revision, previous }) => [key, revision - first, previous && String(previous)])).toEqual([
        ['/a/1', 0, undefined],
        ['/a/1', 1, 'x'],
        ['/a/3', 2, undefined],
      ]);
      expect(seen.ended).toBeUndefined();
      await other.close();
      await store.close();
    }, 60_000);

    test('history that was compacted meanwhile ends watches with Compacted, and new ones work', async () => {
      const store = await openEtcd({ endpoints: [etcd.endpoint] });
      let revision = await store.write('/a/1', 0, text('x'));
      const seen = record(store, '/a/', revision - 1);
      await seen.until(() => seen.changes.length === 1);
      await etcd.kill();
      await etcd.start();
      const other = await openEtcd({ endpoints: [etcd.endpoint] });
      // The feed of the first store may be back already: it must either see all of it or end.
      for (let i = 0; i < 5; i++) revision = await other.write('/a/1', revision, text(String(i)));
      await other.compact(revision);
      await seen.until(() => seen.ended !== undefined || seen.changes.length === 6);
      if (seen.ended) expect(seen.ended).toBeInstanceOf(Compacted);
      const again = record(store, '/a/', revision);
      revision = await other.write('/a/1', revision, text('last'));
      await again.until(() => again.changes.length === 1);
      expect([again.changes[0]?.revision, String(again.changes[0]?.previous)]).toEqual([revision, '4']);
      await other.close();
      await store.close();
    }, 60_000);

    test('a second endpoint is used where the first does not listen', async () => {
      const store = await openEtcd({ endpoints: ['http://127.0.0.1:1', etcd.endpoint] });
      let revision = 0;
      for (let i = 0; i < 10; i++) revision = await store.write('/a', revision, text(String(i)));
      expect(String((await store.get('/a'))?.value)).toBe('9');
      const seen = record(store, '/', revision - 1);
      await seen.until(() => seen.changes.length === 1);
      await store.close();
    }, 30_000);
  });
} else {
  (process.env.CI === 'true' ? test : test.skip)(`etcd: ${ETCD_MISSING}`, () => {
    throw new Error(ETCD_MISSING);
  });
}
