/**
 * `npm run bench -- sustained [MINUTES]`: an API server under full load for so long, with as many live objects at any time. Tells what
 * grew from the first half to the second, memory, files, handles; `BENCH_SNAPSHOTS=FOLDER` leaves heap snapshots of both halves' ends.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NATIVE_MEMORY } from '../cli/native-memory.ts';
import { SustainedLoad } from './sustained-load.ts';
import type { Figures } from './sustained-server.ts';
import { pool } from './target.ts';

const MINUTES = 20;
const SAMPLE_MS = 10_000;
/** Until then caches, compiled code and the history of the store fill, and rings with the events of five minutes. Short runs have half of their time. */
const WARM_SAMPLES = 36;
/** What moves by less is noise: a share of the first half, and so much in any case. */
const NOISE_SHARE = 0.05;
const MB = 1024 * 1024;

interface Judged {
  readonly what: string;
  readonly of: (figures: Figures) => number;
  readonly unit: 'MB' | '';
  /** Less than this is noise. */
  readonly slack: number;
}

const JUDGED: readonly Judged[] = [
  { what: 'heap after collection', of: ({ heap }) => heap / MB, unit: 'MB', slack: 2 },
  { what: 'reserved for the heap', of: ({ reserved }) => reserved / MB, unit: 'MB', slack: 16 },
  { what: 'code of the engine', of: ({ code }) => code / MB, unit: 'MB', slack: 2 },
  { what: 'external memory', of: ({ external }) => external / MB, unit: 'MB', slack: 8 },
  { what: 'resident memory', of: ({ resident }) => resident / MB, unit: 'MB', slack: 25 },
  { what: 'data file', of: ({ data }) => data / MB, unit: 'MB', slack: 20 },
  { what: 'write-ahead log', of: ({ wal }) => wal / MB, unit: 'MB', slack: 4 },
  { what: 'descriptors', of: ({ descriptors }) => descriptors, unit: '', slack: 10 },
  { what: 'handles', of: ({ handles }) => Object.values(handles).reduce((sum, count) => sum + count, 0), unit: '', slack: 20 },
  { what: 'objects', of: ({ objects }) => objects, unit: '', slack: 500 },
];

/** The exit code: whether nothing grew. */
export async function sustain([minutes = String(MINUTES)]: readonly string[]): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-sustained-'));
  const child = fork(join(import.meta.dirname, 'sustained-server.ts'), [directory], { execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'], env: { ...NATIVE_MEMORY, ...process.env } });
  try {
    const [{ port, ca, cert, key }] = (await once(child, 'message')) as [{ port: number; ca: string; cert: string; key: string }];
    const target = { name: 'coracle', server: `https://127.0.0.1:${port}`, tls: { ca, cert, key }, pids: [child.pid as number] };
    const load = new SustainedLoad(() => pool(target, CONNECTIONS));
    const running = load.run();
    const samples = await sample(child, load, Number(minutes) * 60_000);
    load.stop();
    await running;
    for (const [what, count] of load.counts.wrong) console.log(`${count} × ${what}`);
    return judge(samples);
  } finally {
    child.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

const CONNECTIONS = 64;

async function sample(child: ChildProcess, load: SustainedLoad, lastsMs: number): Promise<Figures[]> {
  const began = performance.now();
  const samples: Figures[] = [];
  const snapshots = process.env.BENCH_SNAPSHOTS;
  const steps = Math.round(lastsMs / SAMPLE_MS);
  console.log('  s  requests   events  objects  revision  heap MB  reserved  code  external  resident  data MB  WAL  fds  CPU s');
  for (let step = 1; step <= steps; step++) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(SAMPLE_MS / 2, began + step * SAMPLE_MS - performance.now())));
    const figures = (await ask(child, 'measure')) as Figures;
    samples.push(figures);
    const { requests, events } = load.counts;
    const cells = [step * (SAMPLE_MS / 1000), requests, events, figures.objects, figures.revision, (figures.heap / MB).toFixed(1), (figures.reserved / MB).toFixed(0), (figures.code / MB).toFixed(1), (figures.external / MB).toFixed(1), (figures.resident / MB).toFixed(0), (figures.data / MB).toFixed(0), (figures.wal / MB).toFixed(0), figures.descriptors, (figures.cpuMs / 1000).toFixed(0)];
    console.log(cells.map((cell, at) => String(cell).padStart(WIDTHS[at] as number)).join(''));
    if (snapshots !== undefined && (step === Math.round((warm(steps) + steps) / 2) || step === steps)) await ask(child, { snapshot: join(snapshots, `at-${step}.heapsnapshot`) });
  }
  return samples;
}

const WIDTHS = [4, 10, 9, 9, 10, 9, 10, 6, 10, 10, 9, 5, 5, 7];

function warm(samples: number): number {
  return Math.min(WARM_SAMPLES, Math.round(samples / 2));
}

async function ask(child: ChildProcess, what: 'measure' | { readonly snapshot: string }): Promise<unknown> {
  child.send(what);
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`the server has ended with ${code}`));
    child.once('exit', gone);
    child.once('message', (answer) => {
      child.off('exit', gone);
      resolve(answer);
    });
  });
}

function judge(samples: readonly Figures[]): number {
  const settled = samples.slice(warm(samples.length));
  const middle = settled.length >> 1;
  let grown = 0;
  for (const { what, of, unit, slack } of JUDGED) {
    const [first, second] = [mean(settled.slice(0, middle).map(of)), mean(settled.slice(middle).map(of))];
    const more = second - first;
    const grew = more > slack && more > first * NOISE_SHARE;
    if (grew) grown++;
    console.log(`${what.padEnd(24)} ${first.toFixed(1).padStart(9)} → ${second.toFixed(1).padStart(9)} ${unit.padEnd(3)} ${grew ? 'GREW' : 'held'}`);
  }
  return grown === 0 ? 0 : 1;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
