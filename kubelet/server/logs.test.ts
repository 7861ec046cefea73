import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../std/clock.ts';
import { type LogOptions, readLog } from './logs.ts';

const directory = mkdtempSync(join(tmpdir(), 'coracle-log-'));
afterAll(() => rmSync(directory, { recursive: true }));

const second = (n: number): string => `2026-01-01T00:00:0${n}.000000000Z`;
const LOG = [
  `${second(1)} stdout F one`,
  `${second(2)} stderr F two`,
  `${second(3)} stdout P thr`,
  `${second(3)} stdout F ee`,
  `${second(4)} stdout F `,
  `${second(5)} stderr F five`,
  '',
].join('\n');

let serial = 0;
function file(text: string): string {
  const path = join(directory, `${serial++}.log`);
  writeFileSync(path, text);
  return path;
}

async function read(path: string, options: Partial<LogOptions> = {}): Promise<string> {
  const out: Buffer[] = [];
  const all = { follow: false, timestamps: false, stream: 'All' as const, ...options };
  for await (const chunk of readLog({ path, isRunning: () => false }, all, systemClock, new AbortController().signal)) out.push(chunk);
  return Buffer.concat(out).toString();
}

describe('readLog() gives', () => {
  const rows: [string, Partial<LogOptions>, string][] = [
    ['everything, pieces joined', {}, 'one\ntwo\nthree\n\nfive\n'],
    ['times once per line', { timestamps: true, tailLines: 3 }, `${second(3)} three\n${second(4)} \n${second(5)} five\n`],
    ['one stream', { stream: 'Stderr' }, 'two\nfive\n'],
    ['the last lines of one stream', { stream: 'Stdout', tailLines: 2 }, 'three\n\n'],
    ['no line for a tail of 0', { tailLines: 0 }, ''],
    ['all for a tail longer than the file', { tailLines: 99 }, 'one\ntwo\nthree\n\nfive\n'],
    ['what was written since a time', { sinceMs: Date.parse(second(4)) }, '\nfive\n'],
    ['no more bytes than asked for', { limitBytes: 6 }, 'one\ntw'],
  ];
  test.each(rows)('%s', async (_, options, expected) => {
    expect(await read(file(LOG), options)).toBe(expected);
  });

  test('the last lines of a file of many blocks', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `${second(1)} stdout F line ${i} ${'x'.repeat(i % 97)}\n`);
    expect((await read(file(lines.join('')), { tailLines: 3000 })).split('\n')[0]).toMatch(/^line 2000 /);
  });
});

test('readLog() follows a file as it grows and is rotated, until its container has ended', async () => {
  const path = file(`${second(1)} stdout F one\n`);
  let running = true;
  const got: string[] = [];
  const options = { follow: true, timestamps: false, stream: 'All' as const };
  for await (const chunk of readLog({ path, isRunning: () => running }, options, systemClock, new AbortController().signal)) {
    got.push(chunk.toString());
    if (got.length === 1) appendFileSync(path, `${second(2)} stdout F two\n`);
    if (got.length === 2) {
      renameSync(path, `${path}.old`);
      writeFileSync(path, `${second(3)} stdout F three\n`);
    }
    if (got.length === 3) {
      running = false;
      appendFileSync(path, `${second(4)} stdout F last\n`);
    }
  }
  expect(got.join('')).toBe('one\ntwo\nthree\nlast\n');
});

test('readLog() stops following when its caller goes away', async () => {
  const path = file(`${second(1)} stdout F one\n`);
  const controller = new AbortController();
  const got: string[] = [];
  for await (const chunk of readLog({ path, isRunning: () => true }, { follow: true, timestamps: false, stream: 'All' }, systemClock, controller.signal)) {
    got.push(chunk.toString());
    controller.abort();
  }
  expect(got).toEqual(['one\n']);
});
