/** Paths of the host in containers, checked or made as their type says. */
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';

export async function prepareHostPath(path: string, type = ''): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  switch (type) {
    case '':
      // The runtime makes a directory where there is nothing; so do we, to say of what mode.
      if (!found) await mkdir(path, { recursive: true, mode: 0o755 });
      return;
    case 'DirectoryOrCreate':
      if (!found) await mkdir(path, { recursive: true, mode: 0o755 });
      else if (!found.isDirectory()) throw refusal(path, 'a directory');
      return;
    case 'FileOrCreate':
      if (!found) {
        await writeFile(path, '', { flag: 'wx' });
        await chmod(path, 0o644);
      } else if (!found.isFile()) throw refusal(path, 'a file');
      return;
    case 'Directory':
      if (!found?.isDirectory()) throw refusal(path, 'a directory');
      return;
    case 'File':
      if (!found?.isFile()) throw refusal(path, 'a file');
      return;
    case 'Socket':
      if (!found?.isSocket()) throw refusal(path, 'a socket file');
      return;
    case 'CharDevice':
      if (!found?.isCharacterDevice()) throw refusal(path, 'a character device');
      return;
    case 'BlockDevice':
      if (!found?.isBlockDevice()) throw refusal(path, 'a block device');
      return;
    default:
      throw new Error(`hostPath type check failed: ${type} is not supported`);
  }
}

function refusal(path: string, what: string): Error {
  return new Error(`hostPath type check failed: ${path} is not ${what}`);
}
