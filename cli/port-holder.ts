/** Which process listens on a port, as far as the system tells. */
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

const LISTENING = '0A';

/** `process 4711 (node server.js)`, or undefined where nobody says. */
export function portHolder(port: number): string | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeners(file, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of entries(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode && inodes.has(inode)) return `process ${pid} (${text(`/proc/${pid}/cmdline`).split('\0').slice(0, 4).join(' ').trim()})`;
    }
  }
  return undefined;
}

/** Rejects as listening there alone would. */
export async function portIsFree(port: number, host: string): Promise<void> {
  const probe = createServer().listen({ port, host });
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

function listeners(file: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return text(file)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === LISTENING)
    .map((fields) => fields[9] ?? '');
}

function text(path: string): string {
  return attempt(() => readFileSync(path, 'utf8')) ?? '';
}

function link(path: string): string {
  return attempt(() => readlinkSync(path)) ?? '';
}

function entries(path: string): string[] {
  return attempt(() => readdirSync(path)) ?? [];
}

/** Processes come and go while one looks. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
