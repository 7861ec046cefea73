/** What file systems hold and what directories take. */
import { lstat, opendir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { deviceOf } from './processes.ts';
import type { Disk, DiskUse } from './measured.ts';

/** Files of one directory that are counted: what has more is not counted to its end. */
const FILES_LIMIT = 100_000;
/** What `st_blocks` counts in, whatever the file system. */
const BLOCK_BYTES = 512;

/** The file system that a path is on; undefined where there is no such path. */
export async function readDisk(path: string, at: number): Promise<Disk | undefined> {
  try {
    const [whole, { dev }] = await Promise.all([statfs(path), stat(path)]);
    const capacityBytes = whole.blocks * whole.bsize;
    return {
      at, device: await deviceOf(deviceNumber(dev)), capacityBytes, availableBytes: whole.bavail * whole.bsize, usedBytes: capacityBytes - whole.bfree * whole.bsize,
      inodes: whole.files, inodesFree: whole.ffree, inodesUsed: whole.files - whole.ffree,
    };
  } catch {
    return undefined;
  }
}

/** What a directory takes, itself included; links are not followed, other file systems not entered, and one file of several names counts once. */
export async function directoryUse(path: string): Promise<DiskUse> {
  let [usedBytes, inodesUsed] = [0, 0];
  const top = await lstat(path).catch(() => undefined);
  if (!top) return { usedBytes, inodesUsed };
  const seen = new Set<number>();
  const waiting = [{ path, entry: top }];
  for (let next = waiting.pop(); next && inodesUsed < FILES_LIMIT; next = waiting.pop()) {
    const { entry } = next;
    if (entry.dev !== top.dev || (entry.nlink > 1 && !entry.isDirectory() && seen.has(entry.ino))) continue;
    if (entry.nlink > 1 && !entry.isDirectory()) seen.add(entry.ino);
    usedBytes += entry.blocks * BLOCK_BYTES;
    inodesUsed++;
    if (!entry.isDirectory()) continue;
    for (const name of await namesOf(next.path)) {
      const below = join(next.path, name);
      const found = await lstat(below).catch(() => undefined);
      if (found && waiting.length < FILES_LIMIT) waiting.push({ path: below, entry: found });
    }
  }
  return { usedBytes, inodesUsed };
}

async function namesOf(path: string): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(path)) {
      if (names.length >= FILES_LIMIT) break;
      names.push(name);
    }
  } catch {
    // It went away meanwhile: what was found of it counts.
  }
  return names;
}

/** `8:0`, as Linux packs it into one number. */
function deviceNumber(dev: number): string {
  const number = BigInt(dev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
