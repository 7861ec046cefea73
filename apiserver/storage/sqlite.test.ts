/** What only a store on disk can get wrong: crashes, full disks, damaged files, second openers, space that never comes back. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { VirtualClock } from '../../std/clock.ts';
import { openSqlite, type SqliteOptions } from './sqlite.ts';
import { Compacted, Unavailable, type Store } from './store.ts';
import { record, text } from './store.conformance.ts';

const WRITERS = join(import.meta.dirname, 'sqlite.writers.ts');

let dir: string;
let path: string;
const stores: Store[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sqlite-'));
  path = join(dir, 'data', 'db');
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await rm(dir, { recursive: true, force: true });
});

async function start(options: Partial<SqliteOptions> = {}): Promise<Store> {
  const store = await openSqlite({ path, clock: new VirtualClock(), ...options });
  stores.push(store);
  return store;
}

interface Writers {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Resolves when the process is gone and all it said was read. */
  readonly over: Promise<void>;
  said(condition: (line: string) => boolean): Promise<void>;
}

function startWriters(command: readonly string[]): Writers {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  reader.on('line', (line) => lines.push(line));
  const over = Promise.all([new Promise((resolve) => child.on('close', resolve)), new Promise((resolve) => reader.on('close', resolve))]).then(() => undefined);
  const said = (condition: (line: string) => boolean): Promise<void> => new Promise((resolve) => reader.on('line', (line) => condition(line) && resolve()));
  return { child, lines, over, said };
}

describe('crashes', () => {
  test('kill -9 in the middle of 200 concurrent writers loses no acknowledged write and tears no batch', async () => {
    for (const acknowledgements of [300, 3_000]) {
      await rm(path, { force: true });
      const { child, lines, over, said } = startWriters([process.execPath, WRITERS, path, '200', '500']);
      await said(() => lines.length >= acknowledgements);
      child.kill('SIGKILL');
      await over;
      const acknowledged = new Map(lines.map((line) => line.split(' ')).map(([, name, i]) => [name as string, Number(i)]));
      const store = await openSqlite({ path });
      const first = await store.list('/0/');
      const second = await store.list('/1/');
      expect(acknowledged.size).toBe(200);
      expect(first.count).toBe(200);
      for (const [i, { key, value }] of first.entries.entries()) {
        expect(round(value)).toBeGreaterThanOrEqual(acknowledged.get(key.slice(3)) as number);
        expect(second.entries[i]).toMatchObject({ key: `/1/${key.slice(3)}` });
        expect(round(second.entries[i]?.value as Buffer)).toBe(round(value));
      }
      // The history has no holes, and the next write takes its place at the end.
      const seen = record(store, '/', 0);
      await seen.until(() => seen.changes.at(-1)?.revision === first.revision);
      expect(seen.changes.map((change) => change.revision)).toEqual(Array.from({ length: first.revision }, (_, i) => i + 1));
      expect(await store.write('/2/next', 0, text('x'))).toBe(first.revision + 1);
      await store.close();
    }
  }, 60_000);

  test('a write is acknowledged and seen only after the disk has confirmed it; a relaxed one before', async () => {
    const syncs: (() => void)[] = [];
    const asked = Promise.withResolvers<void>();
    const store = await start({
      sync: () =>
        new Promise((resolve) => {
          syncs.push(resolve);
          asked.resolve();
        }),
    });
    const seen = record(store, '/', 0);
    const relaxed = await store.write('/relaxed', 0, text('x'), { relaxed: true });
    expect([relaxed, syncs.length, seen.changes.length]).toEqual([1, 0, 1]);
    let acknowledged = false;
    const write = store.write('/a', 0, text('x')).then(() => (acknowledged = true));
    await asked.promise;
    expect([acknowledged, await store.get('/a'), await store.revision(), seen.changes.length]).toEqual([false, undefined, 1, 1]);
    for (const confirm of syncs) confirm();
    await write;
    expect([(await store.get('/a'))?.revision, seen.changes.length]).toEqual([2, 2]);
  });

  test('writes of one turn share one flush', async () => {
    let flushes = 0;
    const store = await start({ sync: async () => void flushes++ });
    await Promise.all(Array.from({ length: 500 }, (_, i) => store.write(`/a/${i}`, 0, text('x'))));
    expect(flushes).toBe(1);
  });

  test('when the disk does not confirm, writing ends and reading goes on', async () => {
    let healthy = true;
    const store = await start({ sync: () => (healthy ? Promise.resolve() : Promise.reject(new Error('EIO'))) });
    await store.write('/a', 0, text('x'));
    healthy = false;
    await expect(store.write('/b', 0, text('x'))).rejects.toThrow('does not confirm');
    healthy = true;
    await expect(store.write('/c', 0, text('x'))).rejects.toThrow(Unavailable);
    expect((await store.list('/')).entries.map((entry) => entry.key)).toEqual(['/a']);
  });
});

describe('disks and files', () => {
  test('a full disk refuses writes whole, goes on reading, and writes again when there is room', async () => {
    const store = await start({ maxPages: 64 });
    const value = Buffer.alloc(10_000, 1);
    let written = 0;
    let failure: unknown;
    while (!failure) {
      const results = await Promise.allSettled([store.write(`/a/${written}`, 0, value), store.write(`/b/${written}`, 0, value)]);
      expect(new Set(results.map((result) => result.status)).size).toBe(1);
      if (results[0]?.status === 'rejected') failure = results[0].reason;
      else written++;
    }
    expect(failure).toBeInstanceOf(Unavailable);
    expect((failure as Error).message).toContain(`the disk under ${path} is full`);
    const { entries, revision } = await store.list('/');
    expect([entries.length, revision]).toEqual([2 * written, 2 * written]);
    const gone = await store.write('/a/0', entries[0]?.revision as number, undefined);
    await store.compact(gone);
    expect(await store.write('/c', 0, text('x'))).toBe(gone + 1);
  });

  (process.getuid?.() === 0 && process.platform === 'linux' ? test : test.skip)('a file system without room gives the same error (needs root)', async () => {
    const mount = join(dir, 'small');
    await mkdir(mount);
    const script = `mount -t tmpfs -o size=6m none ${mount} && exec ${process.execPath} ${WRITERS} ${mount}/db 20 3000`;
    const { lines, over } = startWriters(['unshare', '--mount', 'sh', '-c', script]);
    await over;
    const last = lines.filter((line) => !line.startsWith('ack'));
    expect(last.find((line) => line.startsWith('unavailable'))).toMatch(/the disk under .* (is full|fails)/);
    expect(last.at(-1)).toBe('reads 20 20');
  }, 30_000);

  test.each([
    ['no SQLite file', async () => writeFile(path, 'what is this? '.repeat(1_000)), 'is not a data file'],
    ['a damaged table', async () => scribble(path), 'damaged'],
    ['a file cut short', async () => truncate(path, 8_192), 'damaged'],
  ])('%s is refused by name', async (_, spoil, message) => {
    const store = await openSqlite({ path });
    for (let i = 0; i < 50; i++) await store.write(`/a/${i}`, 0, Buffer.alloc(3_000, 1));
    await store.close();
    await spoil();
    const error: unknown = await openSqlite({ path }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(Unavailable);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).toContain(path);
  });

  test('a directory that cannot be made is Unavailable', async () => {
    await writeFile(join(dir, 'data'), 'a file');
    await expect(openSqlite({ path })).rejects.toThrow(Unavailable);
  });

  test('a second opener is told who holds the file, in this process and in another, and the first is not disturbed', async () => {
    const { child, lines, over, said } = startWriters([process.execPath, WRITERS, path, '1', '0']);
    await said((line) => line.startsWith('ack'));
    await expect(openSqlite({ path })).rejects.toThrow(`in use by process ${child.pid}`);
    const before = lines.length;
    await said(() => lines.length > before + 5);
    child.kill('SIGKILL');
    await over;
    const store = await start();
    await expect(openSqlite({ path })).rejects.toThrow(`in use by process ${process.pid}`);
    await expect(openSqlite({ path })).rejects.toThrow(Unavailable);
    const other = startWriters([process.execPath, '-e', `import(${JSON.stringify(join(import.meta.dirname, 'sqlite.ts'))}).then((m) => m.openSqlite({ path: ${JSON.stringify(path)} })).catch((e) => console.log(e.message))`]);
    await other.over;
    expect(other.lines.join()).toContain(`in use by process ${process.pid}`);
    await store.write('/z', 0, text('x'));
  }, 30_000);

  test('files are for their owner only', async () => {
    await start();
    const modes = await Promise.all([join(dir, 'data'), path, `${path}-wal`].map(async (file) => (await stat(file)).mode & 0o777));
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });
});

describe('housekeeping', () => {
  test('history older than the time kept is compacted by itself, newer is not', async () => {
    const clock = new VirtualClock();
    const store = await start({ clock, keepMs: 120_000 });
    let revision = 0;
    for (let i = 0; i < 6; i++) {
      revision = await store.write('/a', revision, text(String(i)));
      await clock.advance(60_000);
    }
    await store.revision();
    await expect(store.get('/a', { revision: 1 })).rejects.toThrow(Compacted);
    expect(String((await store.get('/a', { revision: 5 }))?.value)).toBe('4');
  });

  test('compaction gives space back to the disk, and the WAL stays short', async () => {
    const store = await start();
    const value = Buffer.alloc(100_000, 1);
    let revision = 0;
    for (let i = 0; i < 300; i++) revision = await store.write('/a', revision, value);
    expect((await stat(`${path}-wal`)).size).toBeLessThan(8 * 1024 * 1024);
    const before = (await stat(path)).size;
    await store.compact(revision);
    const after = (await stat(path)).size;
    expect(before).toBeGreaterThan(20_000_000);
    expect(after).toBeLessThan(before / 3);
    expect((await store.get('/a'))?.value.equals(value)).toBe(true);
  });

  test('times to live, history and the place of compaction survive a restart', async () => {
    const clock = new VirtualClock();
    const first = await openSqlite({ path, clock });
    await first.write('/a/1', 0, text('x'));
    await first.write('/a/1', 1, text('y'));
    await first.write('/a/short', 0, text('x'), { ttlSeconds: 60 });
    await first.write('/a/1', 2, text('z'));
    await first.compact(2);
    await first.close();
    const store = await start({ clock });
    expect((await store.list('/')).entries.map(({ key, revision, created }) => [key, revision, created])).toEqual([
      ['/a/1', 4, 1],
      ['/a/short', 3, 3],
    ]);
    expect(String((await store.get('/a/1', { revision: 3 }))?.value)).toBe('y');
    await expect(store.get('/a/1', { revision: 1 })).rejects.toThrow(Compacted);
    const seen = record(store, '/', 4);
    await clock.advance(61_000);
    await seen.until(() => seen.changes.length === 1);
    expect([seen.changes[0]?.key, seen.changes[0]?.value]).toEqual(['/a/short', undefined]);
  });

  test('pages of one revision stay as it was while keys are written, deleted and made, until it is compacted', async () => {
    const store = await start();
    const key = (i: number): string => `/a/${String(i).padStart(3, '0')}`;
    const revisions = await Promise.all(Array.from({ length: 300 }, (_, i) => store.write(key(2 * i), 0, text(`old ${2 * i}`))));
    const revision = await store.revision();
    const read: string[] = [];
    let from: string | undefined;
    for (let round = 0; ; round++) {
      const page = await store.list('/a/', { limit: 30, revision, ...(from !== undefined && { from }) });
      read.push(...page.entries.map((entry) => `${entry.key} ${String(entry.value)}`));
      expect(page.count).toBe(300 - 30 * round);
      if (!page.more) break;
      from = `${page.entries.at(-1)?.key}\0`;
      // In front of the next page, within it and behind it, and somewhere else.
      await Promise.all([10, 150, 299].flatMap((at) => [
        store.write(key(2 * (at - round)), revisions[at - round] as number, round % 2 === 0 ? undefined : text('new')),
        store.write(key(2 * (at - round) + 1), 0, text('made')),
        store.write(`/b/${at}-${round}`, 0, text('x')),
      ]));
      if (round === 4) await store.compact(revision);
    }
    expect(read).toEqual(revisions.map((_, i) => `${key(2 * i)} old ${2 * i}`));
    expect((await store.list('/a/', { limit: 1, revision: revision + 1 })).entries).toHaveLength(1);
    await store.compact(revision + 1);
    await expect(store.list('/a/', { revision })).rejects.toThrow(Compacted);
  });

  test('a snapshot taken among writers is consistent', async () => {
    const store = await start();
    const stop = new AbortController();
    const writers = Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        let revisions = [0, 0];
        while (!stop.signal.aborted) revisions = await Promise.all(revisions.map((revision, half) => store.write(`/${half}/${i}`, revision, Buffer.alloc(2_000, revision))));
      }),
    );
    await store.write('/start', 0, text('x'));
    const path = join(dir, 'copy');
    await store.snapshot(path);
    stop.abort();
    await writers;
    const copy = await openSqlite({ path });
    const [first, second] = [await copy.list('/0/'), await copy.list('/1/')];
    expect(first.entries.map((entry) => entry.revision + 1)).toEqual(second.entries.map((entry) => entry.revision));
    await copy.close();
  });
});

/** Which write of a writer a value is from. */
function round(value: Buffer): number {
  return Number(String(value).split(' ')[0]);
}

/** Overwrites the middle of a file. */
async function scribble(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  for (let page = 1; page < 40; page++) await handle.write(Buffer.alloc(2_000, 0xee), 0, 2_000, page * 4_096);
  await handle.close();
}

test('what a page of list() has read can be given back at once; what is stored stays, and so do other pages', async () => {
  const store = await start();
  for (const name of ['a', 'b']) await store.write(`/x/${name}`, 0, Buffer.from(`value of ${name}`));
  const [page, other] = [await store.list('/x/'), await store.list('/x/')];
  page.release?.();
  expect(page.entries.map(({ value }) => value.length)).toEqual([0, 0]);
  for (const { entries } of [other, await store.list('/x/')]) expect(entries.map(({ value }) => String(value))).toEqual(['value of a', 'value of b']);
});
