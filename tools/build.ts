/** Builds `dist/`, what is published: JavaScript and declarations, and beside them the files that are read at run time. */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { build } from 'rolldown';

const root = join(import.meta.dirname, '..');
/** Somewhere else where a word says so. */
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
/** Not code, but needed beside it. */
const ASSETS = ['api/facts/table/*.json', 'kubelet/**/*.proto', 'kubelet/**/*.sh', 'cli/assets/{etcd,kube-apiserver}', 'cli/assets/*.help', 'manifests/**/*'];
const OPTIONS = ['--noEmit', 'false', '--outDir', dist, '--rootDir', root, '--declaration', '--rewriteRelativeImportExtensions'];

rmSync(dist, { recursive: true, force: true });
const compiled = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', root, ...OPTIONS], { stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
for (const folder of ['bench', 'test', 'tools']) rmSync(join(dist, folder), { recursive: true, force: true });
for (const file of globSync([`${dist}/**/*.test.js`, `${dist}/**/*.test.d.ts`])) rmSync(file);
for (const path of globSync(ASSETS, { cwd: root, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))) {
  const target = join(dist, path.slice(root.length + 1));
  mkdirSync(dirname(target), { recursive: true });
  cpSync(path, target);
}

// One file instead of some eight hundred modules: who imports the package waits half as long for it, and has 20 MB more.
const cluster = join(dist, 'cluster');
const { output } = await build({
  input: join(cluster, 'index.js'),
  platform: 'node',
  external: (id) => !id.startsWith('.') && !isAbsolute(id),
  plugins: [{ name: 'own-places', transform: withOwnPlace }],
  output: { dir: cluster, entryFileNames: 'index.js', chunkFileNames: 'index-[name].js', comments: false },
  logLevel: 'warn',
});
for (const part of output) if (part.type === 'chunk') writeFileSync(join(cluster, part.fileName), inAscii(part.code));

/** What a module looks for beside itself it finds where it was, and not beside the file that it has become part of. */
function withOwnPlace(code: string, id: string): string {
  const place = relative(cluster, id);
  return code
    .replaceAll('import.meta.dirname', `(import.meta.dirname + ${JSON.stringify(`/${dirname(place)}`)})`)
    .replaceAll(/import\.meta\.url/g, `new URL(${JSON.stringify(place)}, import.meta.url).href`);
}

/** One character that is not ASCII, and the engine keeps all of the text in two bytes each: 3 MB for a file that is loaded as a whole. */
function inAscii(code: string): string {
  return code.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
