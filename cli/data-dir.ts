/** The data directory: made private, and held by one process at a time. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface HeldDirectory {
  readonly path: string;
  release(): void;
}

export function defaultDataDir(): string {
  return process.getuid?.() === 0 ? '/var/lib/coracle' : join(homedir(), '.coracle');
}

/** Holds the directory for this process. Throws a sentence that names who holds it already. */
export function hold(path: string): HeldDirectory {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const lock = join(path, 'coracle.pid');
  for (;;) {
    try {
      const file = openSync(lock, 'wx', 0o600);
      writeSync(file, String(process.pid));
      closeSync(file);
      return { path, release: () => rmSync(lock, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = holderOf(path);
    if (holder !== undefined) throw new Error(`the data directory ${path} is in use by process ${holder} (${commandOf(holder)}); stop it, or choose another with --data-dir`);
    rmSync(lock, { force: true });
  }
}

/** The living process that holds the directory, if there is one. */
export function holderOf(path: string): number | undefined {
  const pid = Number(readOr(join(path, 'coracle.pid'), ''));
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  // A recycled process id belongs to somebody else: ours is a Node process.
  const command = commandOf(pid);
  return command === '' || command.includes('node') || command.includes('coracle') ? pid : undefined;
}

function commandOf(pid: number): string {
  return readOr(`/proc/${pid}/cmdline`, '').split('\0').slice(0, 4).join(' ').trim();
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return fallback;
  }
}
