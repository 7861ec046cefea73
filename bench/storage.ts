/**
 * How many writes the stores take: memory, sqlite and etcd side by side in one run, with 1, 64 and 256 concurrent writers.
 * Medians of several rounds in which the stores take turns. `node bench/storage.ts [--seconds N] [--rounds N] [--json]`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ETCD_MISSING, hasEtcd, startEtcd } from '../apiserver/storage/etcd-server.ts';
import { openEtcd } from '../apiserver/storage/etcd.ts';
import { openMemory } from '../apiserver/storage/memory.ts';
import { openSqlite } from '../apiserver/storage/sqlite.ts';
import type { Store } from '../apiserver/storage/store.ts';

const WRITERS = [1, 64, 256];
/** About a Pod. */
const VALUE_BYTES = 1_500;

export interface StorageFigure {
  readonly store: string;
  readonly work: 'create' | 'update';
  readonly writers: number;
  readonly writesPerSecond: number;
  /** Against etcd; absent where there is none. */
  readonly ratio?: number;
}

interface Contestant {
  readonly name: string;
  readonly store: Store;
}

export async function measureStorage(options: { readonly seconds: number; readonly rounds: number }): Promise<StorageFigure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-storage-'));
  const etcd = hasEtcd() ? await startEtcd() : undefined;
  if (!etcd) console.error(ETCD_MISSING);
  const contestants: Contestant[] = [
    { name: 'memory', store: openMemory() },
    { name: 'sqlite', store: await openSqlite({ path: join(dir, 'db') }) },
    ...(etcd ? [{ name: 'etcd', store: await openEtcd({ endpoints: [etcd.endpoint] }) }] : []),
  ];
  try {
    const figures: StorageFigure[] = [];
    for (const work of ['create', 'update'] as const) {
      for (const writers of WRITERS) figures.push(...(await compare(contestants, { work, writers, ...options })));
    }
    return figures;
  } finally {
    for (const { store } of contestants) await store.close();
    await etcd?.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Work {
  readonly work: 'create' | 'update';
  readonly writers: number;
  readonly seconds: number;
  readonly rounds: number;
}

async function compare(contestants: readonly Contestant[], work: Work): Promise<StorageFigure[]> {
  const samples = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < work.rounds; round++) {
    for (const { name, store } of contestants) samples.get(name)?.push(await writesPerSecond(store, work));
  }
  const medians = new Map([...samples].map(([name, values]) => [name, median(values)]));
  const etcd = medians.get('etcd');
  return [...medians].map(([store, writesPerSecond]) => ({
    store,
    work: work.work,
    writers: work.writers,
    writesPerSecond: Math.round(writesPerSecond),
    ...(etcd !== undefined && { ratio: Math.round((writesPerSecond / etcd) * 10) / 10 }),
  }));
}

let names = 0;

async function writesPerSecond(store: Store, { work, writers, seconds }: Work): Promise<number> {
  const value = Buffer.alloc(VALUE_BYTES, 'x');
  const start = performance.now();
  const end = start + seconds * 1_000;
  let writes = 0;
  const writer = async (): Promise<void> => {
    let key = `/registry/pods/default/bench-${names++}`;
    for (let revision = 0; performance.now() < end; writes++) {
      revision = await store.write(key, revision, value);
      if (work === 'create') {
        key = `/registry/pods/default/bench-${names++}`;
        revision = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return (writes / (performance.now() - start)) * 1_000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '2' }, rounds: { type: 'string', default: '3' }, json: { type: 'boolean' } } });
  const figures = await measureStorage({ seconds: Number(values.seconds), rounds: Number(values.rounds) });
  if (values.json) console.log(JSON.stringify(figures, undefined, 2));
  else console.table(figures);
}
