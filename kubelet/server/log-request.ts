/** `/containerLogs/`: reads what of a log is asked for, and sends it as it comes. */
import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../std/clock.ts';
import { BackendRefusal, type KubeletBackend } from '../backend.ts';
import { type LogOptions, readLog } from './logs.ts';

export interface LogRequest {
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
  readonly backend: KubeletBackend;
  readonly clock: Clock;
}

export async function sendLog({ parts, query, response, backend, clock }: LogRequest): Promise<void> {
  const [namespace = '', pod = '', container = ''] = parts;
  const options = logOptions(query, clock.now());
  const target = backend.log(namespace, pod, container, { previous: query.get('previous') === 'true' });
  if (!target.isSimulated && !existsSync(target.path)) throw new BackendRefusal(400, `failed to try resolving symlinks in path ${JSON.stringify(target.path)}: lstat ${target.path}: no such file or directory`);
  const aborted = new AbortController();
  response.on('close', () => aborted.abort());
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  if (target.isSimulated) return void response.end();
  response.flushHeaders();
  await pipeline(Readable.from(readLog(target, options, clock, aborted.signal)), response).catch(() => undefined);
}

/** Throws 400 where it cannot be read, 422 where it makes no sense. */
export function logOptions(query: URLSearchParams, now: number): LogOptions {
  const [tailLines, limitBytes, sinceSeconds] = [whole(query.get('tail') === 'all' ? null : (query.get('tail') ?? query.get('tailLines'))), whole(query.get('limitBytes')), whole(query.get('sinceSeconds'))];
  const sinceTime = query.get('sinceTime');
  const since = sinceTime ? Date.parse(sinceTime) : undefined;
  if (Number.isNaN(since)) throw unreadable();
  const stream = query.get('stream') ?? 'All';
  const isNonsense = (tailLines ?? 0) < 0 || (limitBytes ?? 1) < 1 || (sinceSeconds ?? 1) < 1 || (sinceSeconds !== undefined && since !== undefined) || !['All', 'Stdout', 'Stderr'].includes(stream) || (tailLines !== undefined && stream !== 'All');
  if (isNonsense) throw new BackendRefusal(422, '{"message": "Invalid request."}');
  const sinceMs = sinceSeconds !== undefined ? now - sinceSeconds * 1000 : since;
  return {
    follow: query.get('follow') === 'true',
    timestamps: query.get('timestamps') === 'true',
    stream: stream as LogOptions['stream'],
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceMs !== undefined && { sinceMs }),
  };
}

function whole(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^[-+]?\d+$/.test(text)) throw unreadable();
  return Number(text);
}

function unreadable(): BackendRefusal {
  return new BackendRefusal(400, '{"message": "Unable to decode query."}');
}
