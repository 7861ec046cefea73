/**
 * The file behind the sqlite store: an append-only table of writes, and the four ways in which it touches the disk.
 *
 * Durability is arranged here and not by SQLite (`synchronous=OFF`), so that no flush ever blocks the event loop: a commit only
 * writes to the WAL, and the flush that makes it durable runs on a thread of Node's pool while requests go on being served.
 * What `synchronous=FULL` guarantees still holds, because the order is kept: commit → flush the WAL → acknowledge; checkpoint →
 * flush the data file → only then the next commit, which may overwrite the WAL. WAL frames are checksummed: a torn tail is dropped whole.
 */
import { backup, type DatabaseSync, type StatementSync } from 'node:sqlite';
import { closeSync, fdatasync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BatchRow } from './batch.ts';
import { holderFile, unavailable, Unsynced } from './sqlite-errors.ts';
import { createPrivately, openLayout, PAGE_BYTES, syncDirectory } from './sqlite-layout.ts';
import { Unavailable } from './store.ts';

/** A row without its value. */
export interface LogHead {
  readonly id: number;
  readonly key: string;
  readonly created: number;
  readonly prev: number;
}

/** What stands under a key. */
export interface StandingRow {
  readonly key: string;
  readonly revision: number;
  readonly created: number;
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

/** The WAL is written back into the data file when it is longer than this. */
const WAL_LIMIT_BYTES = 4 * 1024 * 1024;
/** Free pages stay for the next writes unless they are more than this and a quarter of the file. */
const FREE_PAGES_KEPT = 512;
const VACUUM_STEP_PAGES = 250;
/** What a row takes beyond its value and its key, in both places, with the ends of pages. */
const ROW_BYTES = 256;
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
    this.#db = this.#run(() => openLayout(path));
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

  /** The newest revision; 0 where nothing was ever written, or nothing of it is left. */
  get last(): number {
    return this.#run(() => (this.#statements.last.get() as { last: number | null }).last) ?? 0;
  }

  /** What every key holds now, in the order of keys; found without reading a value. */
  *standing(): IterableIterator<StandingRow> {
    this.#statements.standing.setReturnArrays(true);
    try {
      for (const row of this.#statements.standing.iterate() as unknown as Iterable<[string, number, number, number, number | null]>) {
        const [key, revision, created, deleted, expires] = row;
        if (!deleted) yield { key, revision, created, expires };
      }
    } catch (error) {
      throw unavailable(error, this.path);
    }
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

  /** Of the keys under a prefix, oldest first; of all others no value is read. */
  changes(prefix: string, after: number, upTo: number): LogChange[] {
    return this.#run(() => this.#statements.changes.all(after, upTo, prefix)) as unknown as LogChange[];
  }

  /** Appends rows in one transaction: all or none. They are durable after the next `flush`. */
  append(rows: readonly BatchRow[]): void {
    this.#transaction(() => {
      for (const { id, key, created, prev, value, expires } of rows) {
        this.#statements.insert.run(id, key, created, prev, value ? 0 : 1, expires ?? null, value ?? null);
      }
    });
    for (const row of rows) this.#walBytes += (row.value?.length ?? 0) + 2 * row.key.length + ROW_BYTES;
    // The last pages of the table and of the index, written with each batch.
    this.#walBytes += 2 * PAGE_BYTES;
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

  /** Everything that stands is written anew: free places, which still hold what was there before, are gone. Blocks for some three seconds per GB. */
  async rewrite(): Promise<void> {
    this.#run(() => this.#db.exec('PRAGMA temp_store = DEFAULT; VACUUM; PRAGMA temp_store = MEMORY'));
    this.#walBytes = Infinity;
    await this.checkpoint();
    // The WAL has nothing that the data file, which is on the disk now, has not.
    this.#run(() => this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
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

function prepare(db: DatabaseSync): Record<StatementName, StatementSync> {
  const statements = Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]);
  return Object.fromEntries(statements) as Record<StatementName, StatementSync>;
}

const STATEMENTS = {
  insert: 'INSERT INTO log (id, key, created, prev, deleted, expires, value) VALUES (?, ?, ?, ?, ?, ?, ?)',
  last: 'SELECT max(id) AS last FROM log',
  // With max(), the other columns are those of its row.
  standing: 'SELECT key, max(id), created, deleted, expires FROM log INDEXED BY heads GROUP BY key',
  heads: 'SELECT id, key, created, prev FROM log INDEXED BY heads WHERE id > ? AND id <= ? ORDER BY id',
  value: 'SELECT value FROM log WHERE id = ? AND deleted = 0',
  changes: `SELECT log.id, log.key, log.created, log.value, old.value AS previous
    FROM log INDEXED BY heads LEFT JOIN log AS old ON old.id = log.prev
    WHERE log.id > ?1 AND log.id <= ?2 AND substr(log.key, 1, length(?3)) = ?3 ORDER BY log.id`,
  compacted: 'SELECT compacted FROM meta',
  setCompacted: 'UPDATE meta SET compacted = ?',
  dropReplaced: 'DELETE FROM log WHERE id IN (SELECT prev FROM log INDEXED BY heads WHERE id > ? AND id <= ? AND prev > 0)',
  dropDeletions: 'DELETE FROM log WHERE id IN (SELECT id FROM log INDEXED BY heads WHERE id > ? AND id <= ? AND deleted = 1)',
} as const;
type StatementName = keyof typeof STATEMENTS;

/** SQLite's bytes without copying them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function flush(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));
}
