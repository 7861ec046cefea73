import { leases } from '../api/resources.ts';
import type { Lease } from '../api/types/coordination.v1.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import { openClient } from './open-client.ts';
import { FakeDoor } from './fake-door.ts';
import { runAsLeader } from './leader.ts';

const log = { info: () => undefined, warn: () => undefined };

function open() {
  const clock = new VirtualClock();
  const cut = new Set<string>();
  const leading: string[] = [];
  const door = new FakeDoor();
  const stand = (identity: string) => {
    const stop = new AbortController();
    const mine = {
      watch: door.watch.bind(door),
      call: async (call: Parameters<FakeDoor['call']>[0]) => {
        if (cut.has(identity)) throw new Error('unreachable');
        return door.call(call);
      },
    };
    const lead = (signal: AbortSignal): Promise<void> => {
      leading.push(identity);
      return new Promise((resolve) => signal.addEventListener('abort', () => {
        leading.splice(leading.indexOf(identity), 1);
        resolve();
      }));
    };
    const options = { client: openClient(mine, { userAgent: identity }), clock, random: seededRandom(1), log, lease: { namespace: 'kube-system', name: 'l' }, identity };
    return { stop, ended: runAsLeader(options, lead, stop.signal) };
  };
  const lease = async () => (await openClient(door, { userAgent: 't' }).get<Lease>(leases, { namespace: 'kube-system', name: 'l' })).spec;
  return { clock, cut, leading, stand, lease };
}

test('one of two leads; when it stops, it gives the lease back and the other takes over', async () => {
  const { clock, leading, stand, lease } = open();
  const a = stand('a');
  await clock.advance(100);
  const b = stand('b');
  await clock.advance(60_000);
  expect(leading).toEqual(['a']);
  expect(await lease()).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
  expect((await lease()).renewTime).toMatch(/\.\d{6}Z$/);
  a.stop.abort();
  await a.ended;
  expect(await lease()).toMatchObject({ holderIdentity: '' });
  await clock.advance(5000);
  expect(leading).toEqual(['b']);
  b.stop.abort();
  await b.ended;
});

test('a leader that cannot renew gives up before another can take the lease', async () => {
  const { clock, cut, leading, stand, lease } = open();
  const a = stand('a');
  await clock.advance(100);
  const b = stand('b');
  await clock.advance(3000);
  cut.add('a');
  const most: number[] = [];
  for (let i = 0; i < 30; i++) {
    await clock.advance(1000);
    most.push(leading.length);
  }
  await a.ended;
  expect(Math.max(...most)).toBe(1);
  expect(Math.min(...most)).toBe(0);
  expect(leading).toEqual(['b']);
  expect(await lease()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  b.stop.abort();
  await b.ended;
});
