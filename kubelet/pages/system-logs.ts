/** `/logs/`: the files below the machine's directory of logs, and nothing that a link leads to outside of it. */
import { createReadStream } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '../backend.ts';
import { escapeHtml } from '../server/requests.ts';
import { NOT_FOUND, PLAIN } from './page.ts';

export const LOG_DIRECTORY = '/var/log';
/** Names of one directory that are shown. */
const NAMES_LIMIT = 10_000;
const SNIFFED_BYTES = 512;

/** `parts` are names; the last one is empty where the path ends in a slash. */
export async function systemLogs(parts: readonly string[], root: string = LOG_DIRECTORY): Promise<Page> {
  const names = parts.filter((part) => part !== '');
  if (names.some((name) => name === '..' || name === '.' || name.includes('/') || name.includes('\0'))) return NOT_FOUND;
  try {
    const top = await realpath(root);
    const path = await realpath(join(top, ...names));
    if (path !== top && !path.startsWith(`${top}/`)) return NOT_FOUND;
    const found = await stat(path);
    const isNamed = names.length > 0 && parts.at(-1) !== '';
    const headers = { 'Last-Modified': found.mtime.toUTCString() };
    if (found.isDirectory()) {
      if (isNamed) return { code: 301, type: PLAIN, headers: { Location: `${encodeURIComponent(names.at(-1) ?? '')}/` }, body: '' };
      return { code: 200, type: 'text/html; charset=utf-8', headers, body: await listing(path) };
    }
    // Pipes and devices are no logs: reading them may never end.
    if (!found.isFile() || !isNamed) return NOT_FOUND;
    const body = found.size > 0 ? createReadStream(path, { end: found.size - 1 }) : '';
    return { code: 200, type: await typeOf(path), headers: { ...headers, 'Content-Length': String(found.size) }, body };
  } catch {
    return NOT_FOUND;
  }
}

async function listing(path: string): Promise<string> {
  const entries = (await readdir(path, { withFileTypes: true })).slice(0, NAMES_LIMIT);
  const links = entries.map((entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`).sort().map((name) => `<a href="${encodeURIComponent(name).replaceAll('%2F', '/')}">${escapeHtml(name)}</a>\n`);
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`;
}

async function typeOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return buffer.subarray(0, bytesRead).includes(0) ? 'application/octet-stream' : PLAIN;
  } finally {
    await file.close();
  }
}
