/** Files that change all at once: they stand in a dated directory, and one link, which is replaced, says which one counts. */
import { chmod, chown, lstat, mkdir, mkdtemp, readFile, readlink, readdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface PayloadFile {
  readonly content: Buffer;
  readonly mode: number;
}

/** By path relative to the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>;

export interface Ownership {
  readonly gid?: number;
}

const DATA = '..data';
const NEW_DATA = '..data_tmp';

/** Returns whether anything changed. */
export async function writePayload(directory: string, payload: Payload, ownership: Ownership = {}): Promise<boolean> {
  for (const path of payload.keys()) {
    if (path === '' || path.startsWith('/') || path.split('/').some((part) => part === '..' || part.startsWith('..'))) throw new Error(`invalid path ${JSON.stringify(path)}`);
  }
  await mkdir(directory, { recursive: true });
  const current = await readlink(join(directory, DATA)).catch(() => undefined);
  if (current !== undefined && (await isSame(join(directory, current), payload))) return false;
  const dated = await mkdtemp(join(directory, '..'.concat(DATED)));
  await chmod(dated, 0o755);
  for (const [path, { content, mode }] of payload) {
    const file = join(dated, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    // The process's own mask must not count.
    await chmod(file, ownership.gid === undefined ? mode : mode | 0o440);
    if (ownership.gid !== undefined) await chown(file, 0, ownership.gid);
  }
  if (ownership.gid !== undefined) {
    await chown(dated, 0, ownership.gid);
    await chmod(dated, 0o2755);
  }
  await rm(join(directory, NEW_DATA), { force: true });
  await symlink(dated.slice(directory.length + 1), join(directory, NEW_DATA));
  await rename(join(directory, NEW_DATA), join(directory, DATA));
  await linkEntries(directory, payload);
  if (current !== undefined) await rm(join(directory, current), { recursive: true, force: true });
  return true;
}

const DATED = 'v_';

async function isSame(directory: string, payload: Payload): Promise<boolean> {
  const present = await files(directory).catch(() => undefined);
  if (!present || present.length !== payload.size) return false;
  for (const path of present) {
    const wanted = payload.get(path);
    if (!wanted || !(await readFile(join(directory, path))).equals(wanted.content)) return false;
  }
  return true;
}

async function files(directory: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(directory, prefix), { withFileTypes: true });
  const nested = await Promise.all(entries.map((entry) => (entry.isDirectory() ? files(directory, join(prefix, entry.name)) : [join(prefix, entry.name)])));
  return nested.flat();
}

/** What users see: one link per first segment, through the one that is replaced. */
async function linkEntries(directory: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] as string));
  for (const entry of await readdir(directory)) {
    if (!entry.startsWith('..') && !wanted.has(entry)) await unlink(join(directory, entry)).catch(() => undefined);
  }
  for (const entry of wanted) {
    const exists = await lstat(join(directory, entry)).then(() => true, () => false);
    if (!exists) await symlink(join(DATA, entry), join(directory, entry));
  }
}
