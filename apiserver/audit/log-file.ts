/** Audit records as lines of JSON in a file that is turned over when it is large, and whose old ones go. */
import { appendFile, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../std/clock.ts';
import type { AuditBackend } from './audit.ts';
import type { AuditEvent } from './event.ts';
import { legacyLine } from './legacy-line.ts';

export interface LogFileOptions {
  /** `-`: standard output. */
  readonly path: string;
  /** `json` unless said otherwise. */
  readonly format?: 'json' | 'legacy';
  /** Megabytes. */
  readonly maxSize?: number;
  /** Days; 0: they are not removed for their age. */
  readonly maxAge?: number;
  /** Old files that are kept; 0: all. */
  readonly maxBackups?: number;
  readonly clock: Clock;
  /** Hears of records that were lost. */
  readonly onLost: (count: number, error?: unknown) => void;
  /** Standard output; for tests. */
  readonly print?: (text: string) => void;
}

const SIZE_MB = 100;
const MB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60_000;
/** Records that wait for the disk; what comes when it is full is lost, and counted. */
const BACKLOG_LIMIT_BYTES = 64 * MB;

export function openLogFile(options: LogFileOptions): AuditBackend {
  const { print } = options;
  if (options.path === '-') {
    const out = print ?? ((text: string) => void process.stdout.write(text));
    return { write: (event) => out(lineOf(event, options.format)), close: () => Promise.resolve() };
  }
  return new LogFile(options);
}

function lineOf(event: AuditEvent, format: LogFileOptions['format']): string {
  return `${format === 'legacy' ? legacyLine(event) : JSON.stringify(event)}\n`;
}

class LogFile implements AuditBackend {
  readonly #options: LogFileOptions;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  /** Of the file; undefined until it was looked at. */
  #size: number | undefined;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  write(event: AuditEvent): void {
    const line = lineOf(event, this.#options.format);
    if (this.#waitingBytes + line.length > BACKLOG_LIMIT_BYTES) return this.#options.onLost(1);
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#drain();
  }

  async close(): Promise<void> {
    await this.#writing;
  }

  /** All that came in one turn of the event loop is one write. */
  async #drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#append(lines);
      } catch (error) {
        this.#options.onLost(lines.length, error);
      }
    }
    this.#writing = undefined;
  }

  async #append(lines: readonly string[]): Promise<void> {
    const { path, maxSize = SIZE_MB } = this.#options;
    const limit = (maxSize || SIZE_MB) * MB;
    this.#size ??= await stat(path).then(({ size }) => size, () => 0);
    let chunk: string[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      if (chunk.length > 0) await appendFile(path, chunk.join(''), { mode: 0o600 });
      this.#size = (this.#size ?? 0) + bytes;
      chunk = [];
      bytes = 0;
    };
    for (const line of lines) {
      const length = Buffer.byteLength(line);
      if (this.#size + bytes > 0 && this.#size + bytes + length > limit) {
        await flush();
        await this.#turnOver();
      }
      chunk.push(line);
      bytes += length;
    }
    await flush();
  }

  /** `audit.log` becomes `audit-2026-01-02T15-04-05.678.log`. */
  async #turnOver(): Promise<void> {
    const { path, clock } = this.#options;
    const { stem, suffix } = partsOf(path);
    const stamp = new Date(clock.now()).toISOString().replaceAll(':', '-').replace('Z', '');
    await rename(path, join(dirname(path), `${stem}-${stamp}${suffix}`));
    this.#size = 0;
    await this.#removeOld();
  }

  async #removeOld(): Promise<void> {
    const { path, clock, maxAge = 0, maxBackups = 0 } = this.#options;
    if (maxAge === 0 && maxBackups === 0) return;
    const { stem, suffix } = partsOf(path);
    const folder = dirname(path);
    const old: { readonly file: string; readonly atMs: number }[] = [];
    for (const file of await readdir(folder)) {
      const stamp = file.startsWith(`${stem}-`) && file.endsWith(suffix) ? file.slice(stem.length + 1, file.length - suffix.length) : '';
      const found = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(stamp);
      if (found) old.push({ file, atMs: Date.parse(`${found[1]}T${found[2]}:${found[3]}:${found[4]}Z`) });
    }
    old.sort((a, b) => b.atMs - a.atMs);
    for (const [at, { file, atMs }] of old.entries()) {
      const tooMany = maxBackups > 0 && at >= maxBackups;
      const tooOld = maxAge > 0 && clock.now() - atMs > maxAge * DAY_MS;
      if (tooMany || tooOld) await unlink(join(folder, file)).catch(() => undefined);
    }
  }
}

function partsOf(path: string): { readonly stem: string; readonly suffix: string } {
  const suffix = extname(path);
  return { stem: basename(path, suffix), suffix };
}
