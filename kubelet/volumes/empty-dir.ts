/** A directory that lives as long as its pod, on the node's disk or in its memory. */
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { parseQuantity, value } from '../../api/quantity.ts';

const run = promisify(execFile);

export interface EmptyDir {
  readonly medium?: string;
  readonly sizeLimit?: string;
}

export async function prepareEmptyDir(path: string, { medium = '', sizeLimit }: EmptyDir, gid: number | undefined): Promise<void> {
  if (medium !== '' && medium !== 'Memory') throw new Error(`emptyDir medium ${medium} is not supported`);
  await mkdir(path, { recursive: true });
  if (medium === 'Memory' && !(await isMountPoint(path))) {
    const quantity = sizeLimit === undefined ? undefined : parseQuantity(sizeLimit);
    const size = quantity ? [`size=${value(quantity)}`] : [];
    await run('mount', ['-t', 'tmpfs', '-o', ['rw', 'nosuid', 'nodev', ...size].join(','), 'tmpfs', path]);
  }
  if (gid !== undefined) await chown(path, 0, gid);
  // In memory it is as a new tmpfs is: who made a file is who may remove it.
  await chmod(path, (medium === 'Memory' ? 0o1777 : 0o777) | (gid === undefined ? 0 : 0o2000));
}

/** Mount points below a path, the deepest first. */
export async function mountsBelow(path: string): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const points = table.split('\n').map((line) => (line.split(' ')[4] ?? '').replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).sort((a, b) => b.length - a.length);
}

export async function unmount(path: string): Promise<void> {
  await run('umount', [path]).catch(() => run('umount', ['-l', path]));
}

async function isMountPoint(path: string): Promise<boolean> {
  return (await mountsBelow(path)).includes(path);
}
