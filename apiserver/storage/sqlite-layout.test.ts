/** Files of layout 1 are brought to layout 2 at once or not at all, with all that was in them. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { VirtualClock } from '../../std/clock.ts';
import { openSqlite } from './sqlite.ts';
import { Compacted } from './store.ts';
import { record, text } from './store.conformance.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sqlite-layout-'));
  path = join(dir, 'db');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface OldRow {
  readonly key: string;
  readonly value?: string | Buffer;
  readonly prev?: number;
  readonly created?: number;
  readonly expires?: number;
}

/** A file as the first version made it. Rows take the revisions from `first` on. */
function makeOld(file: string, rows: readonly OldRow[], { first = 1, compacted = 0, layout = 1 } = {}): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
    CREATE TABLE log (id INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL, prev INTEGER NOT NULL, deleted INTEGER NOT NULL, expires INTEGER, value BLOB) STRICT;
    CREATE TABLE meta (compacted INTEGER NOT NULL) STRICT; INSERT INTO meta VALUES (${compacted});
    PRAGMA application_id = 0x4372636c; PRAGMA user_version = ${layout}; BEGIN`);
  const insert = db.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)');
  for (const [at, { key, value, prev = 0, created, expires }] of rows.entries()) {
    const id = first + at;
    insert.run(id, key, created ?? id, prev, value === undefined ? 1 : 0, expires ?? null, value === undefined ? null : Buffer.from(value));
  }
  db.exec('COMMIT');
  return db;
}

function pragma(file: string, name: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true });
  const value = Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  db.close();
  return value;
}

const HISTORY: readonly OldRow[] = [
  { key: '/a/1', value: 'first' },
  { key: '/a/2', value: 'gone soon' },
  { key: '/a/1', value: 'second', prev: 5, created: 5 },
  { key: '/a/2', prev: 6, created: 6 },
  { key: '/a/short', value: 'x', expires: 60_000 },
];

async function expectHistory(clock: VirtualClock): Promise<void> {
  const store = await openSqlite({ path, clock });
  expect((await store.list('/')).entries.map(({ key, value, revision, created }) => [key, String(value), revision, created])).toEqual([['/a/1', 'second', 7, 5], ['/a/short', 'x', 9, 9]]);
  expect((await store.list('/', { revision: 6 })).entries.map(({ key, value }) => [key, String(value)])).toEqual([['/a/1', 'first'], ['/a/2', 'gone soon']]);
  await expect(store.list('/', { revision: 3 })).rejects.toThrow(Compacted);
  const seen = record(store, '/', 4);
  await seen.until(() => seen.changes.length === 5);
  expect(seen.changes.map(({ revision, value, previous }) => [revision, value && String(value), previous && String(previous)])).toEqual([
    [5, 'first', undefined], [6, 'gone soon', undefined], [7, 'second', 'first'], [8, undefined, 'gone soon'], [9, 'x', undefined],
  ]);
  expect(await store.write('/a/1', 7, text('third'))).toBe(10);
  await clock.advance(61_000);
  await seen.until(() => seen.changes.length === 7);
  expect(seen.changes.at(-1)).toMatchObject({ key: '/a/short', value: undefined });
  await store.close();
}

test('a file of layout 1 keeps its objects, history, times to live and place of compaction', async () => {
  makeOld(path, HISTORY, { first: 5, compacted: 4 }).close();
  await expectHistory(new VirtualClock());
  expect(['user_version', 'page_size', 'auto_vacuum'].map((name) => pragma(path, name))).toEqual([2, 8192, 2]);
  expect([(await stat(path)).mode & 0o777, existsSync(`${path}.new`)]).toEqual([0o600, false]);
});

test('what had not been written back from the WAL comes along', async () => {
  const db = makeOld(path, HISTORY, { first: 5, compacted: 4 });
  for (const suffix of ['', '-wal']) await writeFile(join(dir, `copy${suffix}`), await readFile(`${path}${suffix}`));
  db.close();
  path = join(dir, 'copy');
  expect((await stat(`${path}-wal`)).size).toBeGreaterThan(4_096);
  await expectHistory(new VirtualClock());
});

test('what was deleted before does not come along in free places', async () => {
  const secret = 'the plain text of a secret';
  const rows: OldRow[] = Array.from({ length: 200 }, (_, i) => ({ key: `/a/${i}`, value: `${i % 3 === 0 ? 'kept' : secret} ${'-'.repeat(500)}` }));
  const db = makeOld(path, rows);
  db.exec('DELETE FROM log WHERE id % 3 <> 1; PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  expect((await readFile(path)).includes(secret)).toBe(true);
  const store = await openSqlite({ path, clock: new VirtualClock() });
  expect((await store.list('/')).count).toBe(67);
  await store.close();
  expect((await readFile(path)).includes(secret)).toBe(false);
});

test('a copy that a crash has left is not taken for the file', async () => {
  makeOld(path, HISTORY, { first: 5, compacted: 4 }).close();
  await writeFile(`${path}.new`, 'half of it');
  await expectHistory(new VirtualClock());
});

test('kill -9 at any moment of it loses nothing', async () => {
  const value = 'x'.repeat(3_000);
  const source = join(dir, 'source');
  makeOld(source, Array.from({ length: 5_000 }, (_, i) => ({ key: `/a/${i}`, value: `${i} ${value}` }))).close();
  const original = await readFile(source);
  const command = `import(${JSON.stringify(join(import.meta.dirname, 'sqlite.ts'))}).then(async (m) => { console.log('start'); await m.openSqlite({ path: ${JSON.stringify(path)} }); console.log('open'); setInterval(() => {}, 1000); })`;
  for (const killAfterMs of [0, 30, undefined]) {
    for (const suffix of ['', '-wal', '.new']) await rm(`${path}${suffix}`, { force: true });
    await writeFile(path, original);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', command], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    child.stdout.on('data', (data: Buffer) => lines.push(String(data)));
    const over = once(child, 'exit');
    // From when the copy is begun; undefined: when the new file is open.
    while (!lines.join('').includes('open') && (killAfterMs === undefined || !existsSync(`${path}.new`))) await sleep(1);
    await sleep(killAfterMs ?? 0);
    child.kill('SIGKILL');
    await over;
    const store = await openSqlite({ path, clock: new VirtualClock() });
    const { entries, revision } = await store.list('/');
    expect([entries.length, revision]).toEqual([5_000, 5_000]);
    expect(entries.every(({ key, value }) => String(value).startsWith(`${key.slice(3)} xxx`))).toBe(true);
    expect(await store.write('/b', 0, text('next'))).toBe(5_001);
    await store.close();
    expect([pragma(path, 'user_version'), existsSync(`${path}.new`)]).toEqual([2, false]);
  }
}, 60_000);

test('a layout that is not known is refused by name', async () => {
  makeOld(path, HISTORY, { layout: 3 }).close();
  await expect(openSqlite({ path, clock: new VirtualClock() })).rejects.toThrow('has layout 3, this program knows 2');
});

(process.getuid?.() === 0 && process.platform === 'linux' ? test : test.skip)('without room for a copy the file is changed where it stands (needs root)', async () => {
  const value = 'x'.repeat(3_000);
  makeOld(path, Array.from({ length: 1_000 }, (_, i) => ({ key: `/a/${i}`, value: `${i} ${value}` }))).close();
  const mount = join(dir, 'small');
  await mkdir(mount);
  const command = `import(${JSON.stringify(join(import.meta.dirname, 'sqlite.ts'))}).then(async (m) => { const store = await m.openSqlite({ path: ${JSON.stringify(join(mount, 'db'))} }); console.log((await store.list('/')).count); await store.close(); })`;
  const opener = join(dir, 'open.mjs');
  await writeFile(opener, command);
  const script = `mount -t tmpfs -o size=7m none ${mount} && cp ${path} ${mount}/db && ${process.execPath} --disable-warning=ExperimentalWarning ${opener} && ls ${mount} && cp ${mount}/db ${path}`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += String(data)));
  await once(child, 'close');
  expect(said).toBe('1000\ndb\n');
  expect(['user_version', 'page_size'].map((name) => pragma(path, name))).toEqual([2, 4096]);
});
