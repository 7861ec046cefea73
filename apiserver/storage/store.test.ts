/** The conformance suite on every store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { VirtualClock } from '../../std/clock.ts';
import { ETCD_MISSING, hasEtcd, startEtcd, type EtcdServer } from './etcd-server.ts';
import { openEtcd } from './etcd.ts';
import { openMemory } from './memory.ts';
import { openRemote } from './remote.ts';
import { hostStore } from './remote-host.ts';
import { openSqlite } from './sqlite.ts';
import { conformance } from './store.conformance.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'store-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('memory', () => {
  conformance({
    name: 'memory',
    open: async () => {
      const clock = new VirtualClock();
      return { store: openMemory({ clock }), dir, pass: (ms) => clock.advance(ms), restore: async (from) => openMemory({ from, clock }) };
    },
  });
});

describe('sqlite', () => {
  conformance({
    name: 'sqlite',
    open: async () => {
      const clock = new VirtualClock();
      return {
        store: await openSqlite({ path: join(dir, 'db'), clock }),
        dir,
        pass: (ms) => clock.advance(ms),
        restore: (path) => openSqlite({ path, clock }),
      };
    },
  });
});

describe('a store lent to another thread', () => {
  conformance({
    name: 'remote',
    omitsReplaced: true,
    open: async () => {
      const clock = new VirtualClock();
      const lender = openMemory({ clock });
      const { port1, port2 } = new MessageChannel();
      const { marks } = (await hostStore(lender)).lend(port1);
      return { store: await openRemote({ port: port2, marks, clock }), dir, pass: (ms) => clock.advance(ms), restore: async (from) => openMemory({ from, clock }) };
    },
  });
});

if (hasEtcd()) {
  describe('etcd', () => {
    let etcd: EtcdServer;
    let tests = 0;
    beforeAll(async () => {
      etcd = await startEtcd();
    }, 30_000);
    afterAll(() => etcd.stop());
    conformance({
      name: 'etcd',
      open: async () => ({
        store: await openEtcd({ endpoints: [etcd.endpoint], prefix: `/test${tests++}` }),
        dir,
        pass: async () => undefined,
      }),
    });
  });
} else {
  (process.env.CI === 'true' ? test : test.skip)(`etcd: ${ETCD_MISSING}`, () => {
    throw new Error(ETCD_MISSING);
  });
}
