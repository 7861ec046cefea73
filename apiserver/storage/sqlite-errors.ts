/** SQLite's errors in words for people, and who holds a file that is in use. */
import { readFileSync } from 'node:fs';
import { Unavailable } from './store.ts';

/** The disk took writes but did not confirm them: nobody knows what is there until the file is opened anew. */
export class Unsynced extends Unavailable {}

/** What is known by name becomes `Unavailable`; other errors stay what they are. The low byte of SQLite's code is the class. */
export function unavailable(error: unknown, path: string): unknown {
  const code = (error as { errcode?: number }).errcode;
  const reason = code === undefined ? undefined : REASONS[code & 0xff];
  return reason ? new Unavailable(`${reason(path)} (${(error as Error).message})`, { cause: error }) : error;
}

/** Where the process that holds a data file leaves its number; the lock itself is SQLite's and cannot be left behind. */
export function holderFile(path: string): string {
  return `${path}.pid`;
}

function holder(path: string): string {
  try {
    return `process ${readFileSync(holderFile(path), 'utf8')}`;
  } catch {
    return 'another process';
  }
}

const inUse = (path: string): string => `the data file ${path} is in use by ${holder(path)}`;
const REMEDY = 'restore a snapshot or move the file away to start empty';

const REASONS: Readonly<Record<number, (path: string) => string>> = {
  5: inUse,
  6: inUse,
  8: (path) => `the data file ${path} cannot be written`,
  10: (path) => `the disk under ${path} fails`,
  11: (path) => `the data file ${path} is damaged; ${REMEDY}`,
  13: (path) => `the disk under ${path} is full`,
  14: (path) => `the data file ${path} cannot be opened`,
  26: (path) => `${path} is not a data file, or it is damaged; ${REMEDY}`,
};
