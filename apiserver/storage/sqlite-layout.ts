/** The tables of the sqlite store's file: made in a new file, and brought to the newest layout in an older one, at once or not at all. */
import { DatabaseSync } from 'node:sqlite';
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Unavailable } from './store.ts';

const LOG = `
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
/** All but the values in one place: a start reads a thirtieth of the file, and finding what compaction drops touches no value. */
const HEADS = 'CREATE INDEX heads ON log (id, key, created, prev, deleted, expires);';
/** "Crcl": says that a file is ours. */
const APPLICATION_ID = 0x4372636c;
/** 2: `heads`, and pages that hold three pods instead of one. */
const LAYOUT = 2;
export const PAGE_BYTES = 8192;
/** What is deleted is overwritten where its page is written anyway; what is sorted while the file is loaded stays in memory. */
const SETTINGS = 'PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -2048; PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY';

/** The file for this process alone. Throws what SQLite throws, and `Unavailable` where it is no data file of ours. */
export function openLayout(path: string): DatabaseSync {
  const db = openExclusively(path);
  try {
    if (layoutOf(db, path) === LAYOUT) return ready(db);
    renew(db, path);
  } catch (error) {
    if (db.isOpen) db.close();
    throw error;
  }
  return db.isOpen ? ready(db) : openLayout(path);
}

function openExclusively(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // Exclusive: one process, and the index of the WAL in memory instead of a shared file. The size of pages counts in a new file only.
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Of a file that was empty, the newest. */
function layoutOf(db: DatabaseSync, path: string): number {
  db.exec('BEGIN IMMEDIATE');
  const { application_id: id } = db.prepare('PRAGMA application_id').get() as { application_id: number };
  const { user_version: layout } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  if (tables === 0) db.exec(`${LOG} ${HEADS} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${LAYOUT}`);
  else if (id !== APPLICATION_ID) throw new Unavailable(`${path} is a SQLite file, but not a data file of this program`);
  else if (layout < 1 || layout > LAYOUT) throw new Unavailable(`${path} has layout ${layout}, this program knows ${LAYOUT}`);
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  return tables === 0 ? LAYOUT : layout;
}

function ready(db: DatabaseSync): DatabaseSync {
  db.exec(SETTINGS);
  return db;
}

/**
 * From layout 1. A copy is made beside the file and takes its place when it is whole: it has pages of the right size, and nothing
 * of what was deleted before values were encrypted. Where there is no room for a copy the file is changed where it stands.
 */
function renew(db: DatabaseSync, path: string): void {
  const copy = `${path}.new`;
  try {
    makePrivately(copy);
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; VACUUM INTO '${copy.replaceAll("'", "''")}'`);
    finish(copy);
  } catch (error) {
    rmSync(copy, { force: true });
    if (((error as { errcode?: number }).errcode ?? 0) !== SQLITE_FULL) throw error;
    db.exec(`BEGIN IMMEDIATE; ${HEADS} PRAGMA user_version = ${LAYOUT}; COMMIT; PRAGMA wal_checkpoint(TRUNCATE)`);
    return;
  }
  // Still locked: nobody can have written to the old file since it was copied. Its WAL is empty, and goes with it.
  renameSync(copy, path);
  syncDirectory(dirname(path));
  db.close();
}

const SQLITE_FULL = 13;

function finish(copy: string): void {
  const db = new DatabaseSync(copy);
  try {
    db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; ${HEADS} PRAGMA user_version = ${LAYOUT}`);
  } finally {
    db.close();
  }
  const fd = openSync(copy, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** An empty file for its owner only. */
function makePrivately(path: string): void {
  rmSync(path, { force: true });
  closeSync(openSync(path, 'wx', 0o600));
}

export function createPrivately(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Appending makes the file where there is none; whoever holds it already is not disturbed before SQLite has asked for the lock.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  } catch (error) {
    throw new Unavailable(`the data file ${path} cannot be made: ${(error as Error).message}`, { cause: error });
  }
}

export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
