// Runs one of the project's programs on the project's own Node, installing what is missing first. Plain JavaScript: it must run on any Node ≥ 20.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const LOCK = join(root, 'package-lock.json');
const INSTALLED = join(root, 'node_modules/.package-lock.json');

/** npm writes its own lock file into node_modules last: it is there and as new as ours when the install was complete. */
function installed() {
  return existsSync(INSTALLED) && statSync(INSTALLED).mtimeMs >= statSync(LOCK).mtimeMs - 1000;
}

function install() {
  console.error('coracle: installing npm packages (npm ci)');
  const npm = (...words) => spawnSync('npm', [...words, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (npm('ci').status === 0) return;
  // A registry that lacks some version for another platform makes `npm ci` refuse; `npm install` leaves such packages out.
  console.error('coracle: npm ci refused; trying npm install');
  const { status, signal } = npm('install', '--no-save', '--no-package-lock');
  if (status !== 0) fail(`npm install failed (exit status ${status ?? signal}). Its output above says why.`);
}

/** The pinned Node: where the package's install script put it, or in the platform package where npm withheld the script. */
function pinnedNode() {
  const platform = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const places = ['node_modules/node/bin/node', `node_modules/${platform}/bin/node`, `node_modules/node/node_modules/${platform}/bin/node`];
  return places.map((place) => join(root, place)).find((place) => existsSync(place));
}

function installPlatformNode() {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/node/package.json'), 'utf8'));
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  console.error(`coracle: npm did not run the install script of the package "node"; installing ${name}@${version}`);
  const args = ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', join(root, 'node_modules/node'), `${name}@${version}`];
  const npm = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (npm.status !== 0) fail(`cannot install ${name}@${version}`);
}

function fail(why) {
  console.error(`coracle: ${why}`);
  process.exit(1);
}

if (!installed()) install();
if (!pinnedNode()) installPlatformNode();
const node = pinnedNode();
if (!node) fail('Node 26 is not there after the installation; run `npm ci` and look at its output');

const [program, ...rest] = process.argv.slice(2);
if (!program) process.exit(0);
const child = spawn(node, [join(root, program), ...rest], { stdio: 'inherit', env: { ...process.env, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules/.cache/coracle'), PATH: `${dirname(node)}:${process.env.PATH}` } });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
