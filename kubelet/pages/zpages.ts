/** `/statusz` and `/flagz` as text for people; the forms for programs are the API server's alone, and refused by name. */
import type { Page, PageRequest } from '../backend.ts';
import { KUBELET_VERSION } from '../node-object.ts';
import { plain } from './page.ts';

const WARNING = 'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';
const PATHS = ['/configz', '/flagz', '/healthz', '/metrics', '/statusz'];
const MINUTE_S = 60;
const HOUR_S = 3600;

export function statusz(request: PageRequest, startedMs: number, nowMs: number): Page {
  const up = Math.max(0, Math.floor((nowMs - startedMs) / 1000));
  const two = (amount: number): string => String(amount).padStart(2, '0');
  const [version = ''] = /\d+\.\d+/.exec(KUBELET_VERSION) ?? [];
  return asText(request, 'statusz', [
    '', `Started: ${new Date(startedMs).toUTCString()}`, `Up: ${Math.floor(up / HOUR_S)} hr ${two(Math.floor((up % HOUR_S) / MINUTE_S))} min ${two(up % MINUTE_S)} sec`,
    `Binary version: ${version}`, `Emulation version: ${version}`, `Paths: ${PATHS.join(' ')}`,
  ]);
}

export function flagz(request: PageRequest, flags: Readonly<Record<string, string>>): Page {
  return asText(request, 'flagz', Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${value}`));
}

function asText({ accept }: PageRequest, name: string, lines: readonly string[]): Page {
  const types = accept.split(',').map((clause) => clause.split(';')[0]?.trim() ?? '');
  if (accept !== '' && !types.some((type) => type === 'text/plain' || type === 'text/*' || type === '*/*')) return plain(406, `kubelet ${name} is served as text/plain only\n`);
  return plain(200, `\nkubelet ${name}\n${WARNING}\n${lines.join('\n')}\n`);
}
