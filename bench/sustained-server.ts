/** A process of its own for `sustained.ts`: an API server on sqlite that keeps little history, and measures itself when it is asked. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapSpaceStatistics, writeHeapSnapshot } from 'node:v8';
import { builtinKinds } from '../api/kinds/index.ts';
import { encryptStore } from '../apiserver/storage/encryption.ts';
import { openLocalKeys } from '../apiserver/storage/encryption-keys.ts';
import { openSqlite } from '../apiserver/storage/sqlite.ts';
import { openTestServer, testPki } from '../apiserver/test-server.ts';
import { systemClock } from '../std/clock.ts';
import { systemRandom } from '../std/random.ts';

export interface Figures {
  /** In bytes, after everything that could be collected was. */
  readonly heap: number;
  /** What the engine has taken from the machine for it. */
  readonly reserved: number;
  readonly code: number;
  readonly external: number;
  readonly resident: number;
  readonly data: number;
  readonly wal: number;
  readonly descriptors: number;
  readonly handles: Readonly<Record<string, number>>;
  readonly objects: number;
  readonly revision: number;
  readonly cpuMs: number;
}

const KEEP_MS = 60_000;
/** Events live so long here, so that their number stays the same after a minute. */
const EVENTS_SECONDS = 30;

const directory = process.argv[2] as string;
const path = join(directory, 'state.db');
const faults: string[] = [];
const store = encryptStore(await openSqlite({ path, clock: systemClock, keepMs: KEEP_MS, log: (message) => faults.push(message) }), openLocalKeys(join(directory, 'keys.json'), systemRandom).policy, (error) => faults.push(error.message));
const kinds = builtinKinds().map((kind) => (kind.ttlSeconds === undefined ? kind : { ...kind, ttlSeconds: EVENTS_SECONDS }));
const { server, port } = await openTestServer({ store, kinds, log: { info() {}, error: (message, error) => void faults.push(`${message}: ${String(error)}`) } });
const pki = await testPki();
const admin = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });

process.on('message', (ask: 'measure' | { readonly snapshot: string }) => void answer(ask));
process.send?.({ port, ca: pki.caPem, cert: admin.certPem, key: admin.keyPem });

async function answer(ask: 'measure' | { readonly snapshot: string }): Promise<void> {
  if (faults.length > 0) console.error(faults.splice(0).slice(0, 5).join('\n'));
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  if (ask !== 'measure') {
    process.send?.(writeHeapSnapshot(ask.snapshot));
    return;
  }
  const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const handles: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) handles[name] = (handles[name] ?? 0) + 1;
  const caches = new Set(server.registry.kinds.flatMap(({ group, plural }) => server.registry.hub(group, plural)?.cache ?? []));
  const figures: Figures = {
    heap: heapUsed, reserved: heapTotal, external, resident: rss, handles,
    code: getHeapSpaceStatistics().filter(({ space_name: name }) => name.includes('code') || name.includes('trusted')).reduce((sum, { space_used_size: size }) => sum + size, 0),
    data: statSync(path).size, wal: statSync(`${path}-wal`).size,
    descriptors: readdirSync('/proc/self/fd').length,
    objects: [...caches].reduce((sum, { size }) => sum + size, 0),
    revision: await store.revision(),
    cpuMs: (user + system) / 1_000,
  };
  process.send?.(figures);
}
