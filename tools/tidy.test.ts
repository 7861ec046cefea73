/** House rules that a machine can check: who may import whom, how files open, how long they are. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Imports go down only. A folder may import itself and what stands in its row. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  std: [],
  api: ['std'],
  client: ['std', 'api'],
  apiserver: ['std', 'api'],
  controllers: ['std', 'api', 'client'],
  scheduler: ['std', 'api', 'client'],
  kubelet: ['std', 'api', 'client'],
  proxy: ['std', 'api', 'client'],
  cluster: ['std', 'api', 'client', 'apiserver', 'controllers', 'scheduler', 'kubelet'],
  cli: ['std', 'api', 'client', 'apiserver', 'controllers', 'scheduler', 'kubelet', 'proxy', 'tools', 'cluster'],
  tools: ['std', 'api'],
  test: ['std', 'api', 'client', 'apiserver', 'controllers', 'scheduler', 'kubelet', 'proxy', 'cluster', 'cli', 'tools', 'bench'],
  bench: ['std', 'api', 'client', 'apiserver', 'controllers', 'scheduler', 'kubelet', 'proxy', 'cluster', 'cli', 'tools', 'test'],
};

/** Decisions: no input, no output, no waiting. */
const PURE = ['scheduler/decide.ts', 'kubelet/plan.ts', 'kubelet/status.ts', 'proxy/compile.ts'];

const LINE_LIMIT = 400;
const WAIST_LINE_LIMIT = 150;
const WAISTS = [
  'apiserver/storage/store.ts',
  'api/kind.ts',
  'client/client.ts',
  'controllers/controller.ts',
  'scheduler/decide.ts',
  'kubelet/runtime/runtime.ts',
  'proxy/compile.ts',
];

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: Source[] = Object.keys(MAY_IMPORT)
  .flatMap((folder) => files(folder))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return { path, text, imports: [...text.matchAll(/^(?:import|export)\b[^'"]*?from\s+'([^']+)'|\bimport\('([^']+)'\)/gm)].map((m) => m[1] ?? m[2] ?? '') };
  });
const product = sources.filter(({ path }) => !path.endsWith('.test.ts'));

function files(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return files(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

function list(offenders: Iterable<string>): string {
  return [...offenders].sort().join('\n');
}

test('imports go down only', () => {
  const offenders = product.flatMap(({ path, imports }) => {
    const folder = path.split('/')[0] as string;
    const allowed = new Set([folder, ...(MAY_IMPORT[folder] ?? [])]);
    return imports
      .filter((name) => name.startsWith('.'))
      .map((name) => relative(root, join(root, dirname(path), name)).split('/')[0] as string)
      .filter((target) => !allowed.has(target) && target !== 'package.json')
      .map((target) => `${path} imports ${target}`);
  });
  expect(list(offenders)).toBe('');
});

test('no file imports itself by way of others', () => {
  const paths = new Set(product.map(({ path }) => path));
  const left = new Map(product.map(({ path, imports }) => [path, imports.map((name) => join(dirname(path), name)).filter((target) => paths.has(target))]));
  // Whose imports are all out of question is out of question; the rest stands in a circle, or on one.
  for (let free: string[] = [...left.keys()]; free.length > 0; ) {
    free = [...left].filter(([, targets]) => !targets.some((target) => left.has(target))).map(([path]) => path);
    for (const path of free) left.delete(path);
  }
  expect(list(left.keys())).toBe('');
});

test('pure files import no node modules and do not wait', () => {
  const offenders = product
    .filter(({ path }) => PURE.includes(path))
    .filter(({ text, imports }) => imports.some((name) => name.startsWith('node:') || name === 'koa') || /\basync\b|\bawait\b/.test(code(text)))
    .map(({ path }) => path);
  expect(list(offenders)).toBe('');
});

test('time and randomness come from std/ alone', () => {
  const offenders = product
    .filter(({ path }) => !path.startsWith('std/') && !path.startsWith('bench/') && !path.startsWith('tools/') && !path.startsWith('test/'))
    .filter(({ text }) => /\bDate\.now\(|\bnew Date\(\)|(?<![.\w])setTimeout\(|(?<![.\w])setInterval\(|\bMath\.random\(|\brandomUUID\(|\bperformance\.now\(/.test(code(text)))
    .map(({ path }) => path);
  expect(list(offenders)).toBe('');
});

test('each file opens with a sentence that says what it is', () => {
  const offenders = product.filter(({ text }) => !/^(#!.*\n)?(\/\*\*|\/\/)/.test(text)).map(({ path }) => path);
  expect(list(offenders)).toBe('');
});

test(`no source file has more than ${LINE_LIMIT} lines, no waist more than ${WAIST_LINE_LIMIT}`, () => {
  const offenders = product
    .filter(({ path }) => !path.startsWith('api/types/') && path !== 'api/resources.ts')
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1, limit: WAISTS.includes(path) ? WAIST_LINE_LIMIT : LINE_LIMIT }))
    .filter(({ lines, limit }) => lines > limit)
    .map(({ path, lines }) => `${path}: ${lines}`);
  expect(list(offenders)).toBe('');
});

/** The text without its comments and string contents, roughly: enough for words that must not occur. */
function code(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '').replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");
}
