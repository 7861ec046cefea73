/** What the first cluster of a process costs: `createCluster()` in fresh processes that import what the package exports, as it is published. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { median } from './load.ts';

const ROOT = join(import.meta.dirname, '..');
const ROUNDS = 10;

/** Runs in a process of its own, as JavaScript: the compiler for TypeScript would be measured along. */
const PROGRAM = `
const mega = 1024 * 1024;
const now = () => ({ ms: performance.now(), cpu: process.cpuUsage(), rss: process.memoryUsage().rss });
const between = (a, b) => ({ ms: b.ms - a.ms, cpuMs: (b.cpu.user + b.cpu.system - a.cpu.user - a.cpu.system) / 1000, mb: (b.rss - a.rss) / mega });
const marks = [now()];
const { createCluster, resources } = await import(process.argv[1]);
marks.push(now());
const cluster = await createCluster();
marks.push(now());
await cluster.client.list(resources.pods, {});
marks.push(now());
const more = [];
for (let i = 0; i < 5; i++) {
  const before = now();
  more.push(await createCluster());
  more.push(between(before, now()));
}
globalThis.gc();
const [start, imported, created, listed] = marks;
const second = more.filter((one) => 'cpuMs' in one);
console.log(JSON.stringify({ import: between(start, imported), create: between(imported, created), list: between(created, listed), all: between(start, listed), further: second.at(-1), heapMb: process.memoryUsage().heapUsed / mega }));
process.exit(0);
`;

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
  readonly mb: number;
}

type Run = Readonly<Record<'import' | 'create' | 'list' | 'all' | 'further', Cost>> & { readonly heapMb: number };

export function firstCluster(entry: string, rounds = ROUNDS): readonly Run[] {
  return Array.from({ length: rounds }, () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', PROGRAM, pathToFileURL(entry).href], { encoding: 'utf8', env: { ...process.env, NODE_COMPILE_CACHE: '' } });
    const line = stdout.trim().split('\n').at(-1);
    if (!line?.startsWith('{')) throw new Error(`the program failed: ${stderr}`);
    return JSON.parse(line) as Run;
  });
}

if (import.meta.main) {
  const [given, rounds = String(ROUNDS)] = process.argv.slice(2);
  const directory = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
  try {
    if (!given) build(directory);
    const entry = given ? resolve(given) : join(directory, 'dist/cluster/index.js');
    if (!existsSync(entry)) throw new Error(`there is no ${entry}`);
    const runs = firstCluster(entry, Number(rounds));
    const show = (values: readonly number[]): string => `${Math.min(...values).toFixed(0).padStart(6)} ${median(values).toFixed(0).padStart(6)}`;
    console.log('lowest and median of', runs.length, 'processes');
    console.log('                     ms           CPU ms            MB');
    for (const part of ['import', 'create', 'list', 'all', 'further'] as const) {
      const of = (field: keyof Cost): string => show(runs.map((run) => run[part][field]));
      console.log(`${part.padEnd(10)} ${of('ms')}  ${of('cpuMs')}  ${of('mb')}`);
    }
    console.log('heap with six clusters, MB', show(runs.map(({ heapMb }) => heapMb)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As `npm run build` does, elsewhere. */
function build(directory: string): void {
  copyFileSync(join(ROOT, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const { status } = spawnSync(process.execPath, [join(ROOT, 'tools/build.ts'), join(directory, 'dist')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed');
}
