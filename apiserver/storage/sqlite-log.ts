/**
 * The file behind the sqlite store: an append-only table of writes, and the four ways in which it touches the disk.
 *
 * Durability is arranged here and not by SQLite (`synchronous=OFF`), so that no flush ever blocks the event loop: a commit only
 * writes to the WAL, and the flush that makes it durable runs on a thread of Node's pool while requests go on being served.
 * What `synchronous=FULL` guarantees still holds, because the order is kept: commit → flush the WAL → acknowledge; checkpoint →
 * flush the data file → only then the next commit, which may overwrite the WAL. WAL frames are checksummed: a torn tail is dropped whole.
 */
import { DatabaseSync, backup, type StatementSync } from 'node:sqlite';
import { chmodSync, closeSync, existsSync, fdatasync, fsyncSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BatchRow } from './batch.ts';
import { holderFile, unavailable, Unsynced } from './sqlite-errors.ts';
import { Unavailable } from './store.ts';

/** A row without its value. */
export interface LogHead {
  readonly id: number;
  readonly key: string;
  readonly created: number;
  readonly prev: number;
  readonly deleted: number;
  readonly expires: number | null;
}

/** A row with its value and that of the row it replaced. */
export interface LogChange {
  readonly id: number;
  readonly key: string;
  readonly created: number;
  readonly value: Uint8Array | null;
  readonly previous: Uint8Array | null;
}

export type Sync = (fd: number) => Promise<void>;

const SCHEMA = `
  CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    created INTEGER NOT NULL,
    prev INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    expires INTEGER,
    value BLOB
  ) STRICT;
  CREATE TABLE meta (compacted INTEGER NOT NULL) STRICT;
  INSERT INTO meta VALUES (0);
`;
/** "Crcl": says that a file is ours. */
const APPLICATION_ID = 0x4372636c;
const SCHEMA_VERSION = 1;

/** The WAL is written back into the data file when it is longer than this. */
const WAL_LIMIT_BYTES = 4 * 1024 * 1024;
const PAGE_BYTES = 4096;
/** Free pages stay for the next writes unless they are more than this and a quarter of the file. */
const FREE_PAGES_KEPT = 1024;
const VACUUM_STEP_PAGES = 500;
const COMPACT_STEP_REVISIONS = 2_000;

export interface SqliteLogOptions {
  readonly path: string;
  readonly sync?: Sync;
  /** Bounds the file; for tests of a full disk. */
  readonly maxPages?: number;
}

export class SqliteLog {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #sync: Sync;
  readonly #dataFd: number;
  readonly #walFd: number;
  readonly #statements;
  #walBytes = 0;

  constructor({ path, sync = flush, maxPages }: SqliteLogOptions) {
    this.path = path;
    this.#sync = sync;
    this.#run(() => createPrivately(path));
    this.#db = this.#run(() => openDatabase(path));
    if (maxPages !== undefined) this.#db.exec(`PRAGMA max_page_count = ${maxPages}`);
    // Closing a descriptor of the data file drops the process's locks on it: this one is opened after and closed after SQLite's own.
    this.#dataFd = openSync(path, 'r+');
    this.#walFd = openSync(`${path}-wal`, 'r+');
    writeFileSync(holderFile(path), String(process.pid), { mode: 0o600 });
    syncDirectory(dirname(path));
    this.#statements = this.#run(() => prepare(this.#db));
  }

  /** Up to which revision history is gone. */
  get compacted(): number {
    return this.#run(() => (this.#statements.compacted.get() as { compacted: number }).compacted);
  }

  /** All rows without their values, oldest first. */
  *heads(after: number, upTo: number): IterableIterator<LogHead> {
    try {
      yield* this.#statements.heads.iterate(after, upTo) as unknown as IterableIterator<LogHead>;
    } catch (error) {
      throw unavailable(error, this.path);
    }
  }

  value(id: number): Buffer {
    const row = this.#run(() => this.#statements.value.get(id)) as { value: Uint8Array } | undefined;
    if (!row) throw new Unavailable(`the data file ${this.path} is damaged: revision ${id} is missing`);
    return asBuffer(row.value);
  }

  changes(after: number, upTo: number): LogChange[] {
    return this.#run(() => this.#statements.changes.all(after, upTo)) as unknown as LogChange[];
  }

  /** Appends rows in one transaction: all or none. They are durable after the next `flush`. */
  append(rows: readonly BatchRow[]): void {
    this.#transaction(() => {
      for (const { id, key, created, prev, value, expires } of rows) {
        this.#statements.insert.run(id, key, created, prev, value ? 0 : 1, expires ?? null, value ?? null);
      }
    });
    for (const row of rows) this.#walBytes += (row.value?.length ?? 0) + row.key.length + PAGE_BYTES / 16;
    this.#walBytes += PAGE_BYTES;
  }

  /** Makes durable what was appended; throws `Unsynced`. */
  async flush(): Promise<void> {
    await this.#syncFile(this.#walFd);
  }

  /** Writes a long WAL back into the data file. Nothing may be appended until this has ended. */
  async checkpoint(limitBytes: number = WAL_LIMIT_BYTES): Promise<void> {
    if (this.#walBytes <= limitBytes) return;
    // Set first: where a checkpoint fails the WAL goes on growing, and the next attempt is one limit away.
    this.#walBytes = 0;
    await this.flush();
    this.#run(() => this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)'));
    await this.#syncFile(this.#dataFd);
  }

  /** One step of forgetting history: what was replaced or deleted at a revision in (after, upTo]. Returns how far it came. */
  compactStep(after: number, upTo: number): number {
    const end = Math.min(upTo, after + COMPACT_STEP_REVISIONS);
    this.#transaction(() => {
      this.#statements.dropReplaced.run(after, end);
      this.#statements.dropDeletions.run(after, end);
      this.#statements.setCompacted.run(end);
    });
    this.#walBytes += PAGE_BYTES * 64;
    return end;
  }

  /** One step of giving free pages back to the disk. Returns whether there is more to give. */
  vacuumStep(): boolean {
    const count = (pragma: string): number => Number(Object.values(this.#db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
    return this.#run(() => {
      const free = count('freelist_count');
      if (free <= FREE_PAGES_KEPT || free < count('page_count') / 4) return false;
      this.#db.exec(`PRAGMA incremental_vacuum(${VACUUM_STEP_PAGES})`);
      this.#walBytes += VACUUM_STEP_PAGES * PAGE_BYTES;
      return true;
    });
  }

  async copyTo(path: string): Promise<void> {
    const file = await open(path, 'w', 0o600);
    try {
      await backup(this.#db, path);
      await file.sync();
    } catch (error) {
      throw unavailable(error, path);
    } finally {
      await file.close();
    }
  }

  close(): void {
    try {
      fsyncSync(this.#walFd);
      this.#db.exec('PRAGMA synchronous = FULL');
    } finally {
      this.#db.close();
      closeSync(this.#walFd);
      closeSync(this.#dataFd);
      rmSync(holderFile(this.path), { force: true });
    }
  }

  async #syncFile(fd: number): Promise<void> {
    await this.#sync(fd).catch((error: Error) => {
      throw new Unsynced(`the disk under ${this.path} does not confirm writes (${error.message}); restart when it is well again`);
    });
  }

  #transaction(run: () => void): void {
    this.#run(() => {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        run();
        this.#db.exec('COMMIT');
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #run<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw unavailable(error, this.path);
    }
  }
}

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // Exclusive: one process, and the index of the WAL in memory instead of a shared file.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    db.exec('BEGIN IMMEDIATE');
    const { application_id: id } = db.prepare('PRAGMA application_id').get() as { application_id: number };
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
    if (tables === 0) db.exec(`${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    else if (id !== APPLICATION_ID) throw new Unavailable(`${path} is a SQLite file, but not a data file of this program`);
    else if (version !== SCHEMA_VERSION) throw new Unavailable(`${path} has layout ${version}, this program knows ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
    db.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function createPrivately(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Appending makes the file where there is none; whoever holds it already is not disturbed before SQLite has asked for the lock.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  } catch (error) {
    throw new Unavailable(`the data file ${path} cannot be made: ${(error as Error).message}`, { cause: error });
  }
}

function prepare(db: DatabaseSync): Record<StatementName, StatementSync> {
  const statements = Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]);
  return Object.fromEntries(statements) as Record<StatementName, StatementSync>;
}

const STATEMENTS = {
  insert: 'INSERT INTO log (id, key, created, prev, deleted, expires, value) VALUES (?, ?, ?, ?, ?, ?, ?)',
  heads: 'SELECT id, key, created, prev, deleted, expires FROM log WHERE id > ? AND id <= ? ORDER BY id',
  value: 'SELECT value FROM log WHERE id = ? AND deleted = 0',
  changes: `SELECT log.id, log.key, log.created, log.value, old.value AS previous
    FROM log LEFT JOIN log AS old ON old.id = log.prev WHERE log.id > ? AND log.id <= ? ORDER BY log.id`,
  compacted: 'SELECT compacted FROM meta',
  setCompacted: 'UPDATE meta SET compacted = ?',
  dropReplaced: 'DELETE FROM log WHERE id IN (SELECT prev FROM log WHERE id > ? AND id <= ? AND prev > 0)',
  dropDeletions: 'DELETE FROM log WHERE id > ? AND id <= ? AND deleted = 1',
} as const;
type StatementName = keyof typeof STATEMENTS;

/** SQLite's bytes without copying them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function flush(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
