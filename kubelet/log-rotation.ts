/** Bounds the logs of containers: a file that has grown too large is put aside and the runtime opens a new one. */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { timeText } from '../client/time.ts';
import type { Clock } from '../std/clock.ts';
import type { Runtime } from './runtime/runtime.ts';

export interface LogFile {
  readonly containerId: string;
  readonly path: string;
}

const SIZE_LIMIT_BYTES = 10 * 1024 * 1024;
/** The one that is written included. */
const FILES_LIMIT = 5;

export async function rotateLogs(files: readonly LogFile[], runtime: Runtime, clock: Clock, limitBytes: number = SIZE_LIMIT_BYTES): Promise<void> {
  for (const { containerId, path } of files) {
    const size = await stat(path).then((found) => found.size, () => 0);
    if (size < limitBytes) continue;
    await removeOldest(path);
    const stamp = timeText(clock.now()).replaceAll(/[-:TZ]/g, '');
    const aside = `${path}.${stamp.slice(0, 8)}-${stamp.slice(8)}`;
    await rename(path, aside);
    await runtime.reopenLog(containerId).catch(async (error: unknown) => {
      // The runtime goes on writing where it did: the name goes back there.
      await rename(aside, path).catch(() => undefined);
      throw error;
    });
  }
}

async function removeOldest(path: string): Promise<void> {
  const old = (await readdir(dirname(path))).filter((name) => name.startsWith(`${basename(path)}.`)).sort();
  // One more is about to be put aside, and one is written.
  for (const name of old.slice(0, Math.max(0, old.length - (FILES_LIMIT - 2)))) await rm(join(dirname(path), name), { force: true });
}
