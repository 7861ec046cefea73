/**
 * A path inside a volume, held fast for a container. Whoever writes into the volume may make a link of any part of the path at any
 * moment: so each step is opened in what is open already and never by way of a link, and what a container gets is a mount of the open
 * file itself, not of a name.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { mountsBelow, unmount } from './empty-dir.ts';

const run = promisify(execFile);
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Only to be pointed at: devices and pipes are not touched. Linux; Node has no name for it. */
const PATH_ONLY = 0o10000000 | constants.O_NOFOLLOW;

export interface SubPath {
  /** On the host. */
  readonly volume: string;
  /** What of it; made where it is missing. */
  readonly below: string;
  /** Where it is mounted to, for one mount of one container. */
  readonly target: string;
}

/** Mounts a path of an open file over another; real ones need root. */
export type Bind = (source: string, target: string) => Promise<unknown>;

/** Throws where the path leads out of the volume, or is changed meanwhile. */
export async function bindSubPath({ volume, below, target }: SubPath, bind: Bind = mountBind): Promise<string> {
  const root = await realpath(volume);
  const wanted = join(root, below);
  if (!(await stat(wanted).catch(() => undefined))) await make(root, wanted);
  const handle = await openWithin(root, await realpath(wanted), PATH_ONLY);
  try {
    const found = await handle.stat();
    if (found.isSymbolicLink()) throw new Error(`${wanted} was changed meanwhile`);
    if ((await mountsBelow(target)).includes(target)) await unmount(target);
    await mkdir(found.isDirectory() ? target : dirname(target), { recursive: true, mode: 0o750 });
    if (!found.isDirectory()) await writeFile(target, '');
    await bind(`/proc/${process.pid}/fd/${handle.fd}`, target);
    return target;
  } finally {
    await handle.close();
  }
}

function mountBind(source: string, target: string): Promise<unknown> {
  return run('mount', ['--no-canonicalize', '--bind', source, target]);
}

/** Makes the missing directories, with the mode of the volume. */
async function make(root: string, wanted: string): Promise<void> {
  const mode = (await stat(root)).mode & 0o7777;
  let existing = wanted;
  const missing: string[] = [];
  while (!(await stat(existing).catch(() => undefined))) {
    missing.unshift(relative(dirname(existing), existing));
    existing = dirname(existing);
  }
  let handle = await openWithin(root, await realpath(existing), DIRECTORY);
  try {
    for (const name of missing) {
      const path = `/proc/self/fd/${handle.fd}/${name}`;
      await mkdir(path);
      const made = await open(path, DIRECTORY);
      await handle.close();
      handle = made;
      await handle.chmod(mode);
    }
  } finally {
    await handle.close();
  }
}

/** `path` has no links; one that is made of it meanwhile is not followed. */
async function openWithin(root: string, path: string, flags: number): Promise<FileHandle> {
  if (path !== root && !path.startsWith(`${root}/`)) throw new Error(`${path} leads out of the volume`);
  const names = relative(root, path).split('/').filter(Boolean);
  let handle = await open(root, names.length === 0 ? flags : DIRECTORY);
  try {
    for (const [at, name] of names.entries()) {
      const next = await open(`/proc/self/fd/${handle.fd}/${name}`, at === names.length - 1 ? flags : DIRECTORY);
      await handle.close();
      handle = next;
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
