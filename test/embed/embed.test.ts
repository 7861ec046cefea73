/** The package as others install it: built, exported, typed, and used under node:test, jest, vitest and from CommonJS. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const MODULES = realpathSync(join(ROOT, 'node_modules'));
const FILES = ['scenario.mjs', 'node.mjs', 'jest.mjs', 'vitest.mjs', 'common.cjs', 'types.ts'];
let project: string;

/** A project with everything installed that is installed here, and this package besides. */
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'coracle-embed-'));
  mkdirSync(join(project, 'node_modules'));
  for (const name of readdirSync(MODULES)) if (!name.startsWith('.')) symlinkSync(join(MODULES, name), join(project, 'node_modules', name));
  const installed = join(project, 'node_modules/coracle');
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  for (const file of FILES) cpSync(join(import.meta.dirname, file), join(project, file));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const build = run(['--disable-warning=ExperimentalWarning', join(ROOT, 'tools/build.ts'), join(installed, 'dist')]);
  if (build.code !== 0) throw new Error(build.output);
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

function run(args: readonly string[]): { readonly code: number | null; readonly output: string } {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8', env: { ...env, NO_COLOR: '1' }, timeout: 110_000 });
  return { code: status, output: stdout + stderr };
}

test.each<[string, readonly string[], RegExp]>([
  ['node:test', ['--test', 'node.mjs'], /pass 2\n[\s\S]*fail 0\n/],
  ['jest', ['--experimental-vm-modules', join(MODULES, 'jest/bin/jest.js'), '--rootDir', '.', '--testMatch', '**/jest.mjs'], /Tests: +2 passed, 2 total/],
  ['vitest', [join(MODULES, 'vitest/vitest.mjs'), 'run', '--root', '.', '--dir', '.', 'vitest.mjs', '--config', 'none.config.mjs'], /Tests +2 passed/],
])('a cluster works under %s, and leaves nothing that keeps the process alive', (_, args, wanted) => {
  if (args.includes('none.config.mjs')) writeFileSync(join(project, 'none.config.mjs'), "export default { test: { include: ['vitest.mjs'], exclude: [] } };\n");
  const { code, output } = run(args);
  expect(output).toMatch(wanted);
  expect(code).toBe(0);
}, 120_000);

test('the package can be required', () => {
  expect(run(['common.cjs'])).toEqual({ code: 0, output: 'node-0 2030-05-06T00:00:00Z\n' });
});

test('what is exported is typed', () => {
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2025', '--lib', 'es2025,esnext.disposable', '--module', 'nodenext', '--types', 'node', '--typeRoots', join(MODULES, '@types')];
  expect(run([join(MODULES, 'typescript/bin/tsc'), ...options, 'types.ts'])).toEqual({ code: 0, output: '' });
  expect(existsSync(join(project, 'node_modules/coracle/dist/test'))).toBe(false);
}, 60_000);
