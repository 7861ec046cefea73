/** A container's log, as CRI runtimes write it, cut to what the caller asks for: tail, since, limit, one stream, follow. */
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Clock } from '../../std/clock.ts';
import type { LogTarget } from '../backend.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  /** Only lines written at or after this time. */
  readonly sinceMs?: number;
  readonly limitBytes?: number;
  readonly stream: 'All' | 'Stdout' | 'Stderr';
}

const CHUNK_BYTES = 64 * 1024;
/** A followed file is looked at again after this time even when no notification came. */
const LOOK_AGAIN_MS = 1_000;
/** A line longer than this is handed on in pieces. */
const LINE_LIMIT_BYTES = 1024 * 1024;

/** Yields pieces of output until the end of the file, or with `follow` until the container has ended and all is read. */
export async function* readLog(target: LogTarget, options: LogOptions, clock: Clock, signal: AbortSignal): AsyncGenerator<Buffer> {
  const state = { left: options.limitBytes ?? Infinity, filter: lineFilter(options) };
  let file = await open(target.path, 'r');
  try {
    let position = options.tailLines === undefined ? 0 : await tailPosition(file, options.tailLines, options.stream);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const running = target.isRunning();
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position);
      if (signal.aborted) return;
      if (bytesRead > 0) {
        position += bytesRead;
        const { lines, rest: unfinished } = split(Buffer.concat([rest, chunk.subarray(0, bytesRead)]));
        rest = unfinished;
        const out = Buffer.concat(lines.map(state.filter).filter((line) => line !== undefined));
        if (out.length > 0) yield out.subarray(0, Math.min(out.length, state.left));
        state.left -= out.length;
        if (state.left <= 0) return;
        continue;
      }
      if (!options.follow || !running) return;
      const rotated = await wasRotated(file, target.path);
      if (rotated) {
        await file.close();
        file = await open(target.path, 'r');
        position = 0;
        rest = Buffer.alloc(0);
        continue;
      }
      await change(target.path, clock, signal);
      if (signal.aborted) return;
    }
  } finally {
    await file.close();
  }
}

function split(bytes: Buffer): { lines: Buffer[]; rest: Buffer } {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end + 1));
    start = end + 1;
  }
  if (bytes.length - start > LINE_LIMIT_BYTES) return { lines: [...lines, bytes.subarray(start)], rest: Buffer.alloc(0) };
  return { lines, rest: bytes.subarray(start) };
}

/** `2026-01-01T00:00:00.000000000Z stdout F text\n`: F is a full line, P a piece of one whose rest follows. */
function lineFilter(options: LogOptions): (line: Buffer) => Buffer | undefined {
  const wanted = options.stream.toLowerCase();
  let inLine = false;
  return (line) => {
    const first = line.indexOf(32);
    const second = line.indexOf(32, first + 1);
    const third = line.indexOf(32, second + 1);
    if (first < 0 || second < 0 || third < 0) return undefined;
    const stream = line.toString('latin1', first + 1, second);
    if (wanted !== 'all' && stream !== wanted) return undefined;
    const time = line.toString('latin1', 0, first);
    if (options.sinceMs !== undefined && Date.parse(time) < options.sinceMs) return undefined;
    const partial = line[second + 1] === 0x50;
    const text = partial ? line.subarray(third + 1, line.length - 1) : line.subarray(third + 1);
    const stamped = options.timestamps && !inLine ? Buffer.concat([Buffer.from(`${time} `), text]) : text;
    inLine = partial;
    return stamped;
  };
}

/** Where the last `count` lines begin, found by reading backwards. Pieces of a line count as one. */
async function tailPosition(file: FileHandle, count: number, stream: LogOptions['stream']): Promise<number> {
  const { size } = await file.stat();
  if (count === 0) return size;
  let position = size;
  let tail: Buffer = Buffer.alloc(0);
  let found = 0;
  while (position > 0) {
    const length = Math.min(CHUNK_BYTES, position);
    const chunk = Buffer.alloc(length);
    await file.read(chunk, 0, length, position - length);
    position -= length;
    const bytes: Buffer = Buffer.concat([chunk, tail]);
    // Complete lines only: the first may be the end of one that begins further up.
    let end = bytes.length;
    for (let at = bytes.lastIndexOf(10, end - 2); at >= 0 || position === 0; at = bytes.lastIndexOf(10, at - 1)) {
      const start = at + 1;
      if (end > start && counts(bytes.subarray(start, end), stream)) found++;
      if (found > count) return position + end;
      end = start;
      if (at <= 0) break;
    }
    tail = bytes.subarray(0, end);
    if (position === 0) break;
  }
  return 0;
}

/** Whether a raw line ends a line of the wanted stream. */
function counts(line: Buffer, stream: LogOptions['stream']): boolean {
  const [, from, tag] = line.toString('latin1', 0, 64).split(' ', 3);
  return tag === 'F' && (stream === 'All' || from === stream.toLowerCase());
}

async function wasRotated(file: FileHandle, path: string): Promise<boolean> {
  try {
    return (await stat(path)).ino !== (await file.stat()).ino;
  } catch {
    return false;
  }
}

/** Resolves when the file may have grown. */
function change(path: string, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let watcher: FSWatcher | undefined;
    const done = (): void => {
      timer.cancel();
      watcher?.close();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(LOOK_AGAIN_MS, done);
    signal.addEventListener('abort', done, { once: true });
    try {
      watcher = watch(path, done);
      watcher.on('error', done);
    } catch {
      // Without notifications the timer alone does.
    }
  });
}
