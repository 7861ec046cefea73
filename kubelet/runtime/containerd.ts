/** Our own containerd: started as a child that outlives us, found again after a restart, with a root, state and network of its own. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleep, type Clock } from '../../std/clock.ts';
import { linkCniPlugins } from '../cni.ts';
import { containerdConfig, plainRegistry } from './containerd-config.ts';

export interface ContainerdOptions {
  /** Everything is kept below: images, state, socket, configuration, log. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Unix socket names are short: by default it stands in the directory. */
  readonly socket?: string;
  readonly cniConfDir?: string;
  readonly cniBinDirs?: readonly string[];
  readonly sandboxImage?: string;
  /** Registries that speak plain HTTP: `127.0.0.1:5000`. */
  readonly plainRegistries?: readonly string[];
  /** Put before each command: `['nsenter', '--net=/run/netns/x']` runs it in another network. */
  readonly prefix?: readonly string[];
}

export interface Containerd {
  readonly socket: string;
  readonly cniConfDir: string;
  readonly snapshotter: string;
  /** Whether one that was left running was taken over. */
  readonly adopted: boolean;
  /** Ends containerd. Containers go on: their shims are processes of their own. */
  stop(): Promise<void>;
}

export class ContainerdMissing extends Error {
  override readonly name = 'ContainerdMissing';
}

export const SANDBOX_IMAGE = 'coracle.local/pause:1';
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 15_000;
const LOOK_MS = 25;
const SOCKET_PATH_LIMIT = 104;

const run = promisify(execFile);

export async function startContainerd(options: ContainerdOptions): Promise<Containerd> {
  const { directory, clock, log } = options;
  const missing = await missingPrograms();
  if (missing.length > 0) throw new ContainerdMissing(`containers need ${missing.join(' and ')}, which is not installed (Debian: apt-get install containerd runc containernetworking-plugins iptables)`);
  const socket = options.socket ?? socketFor(directory);
  if (socket.length > SOCKET_PATH_LIMIT) throw new Error(`the path of containerd's socket is too long for a unix socket: ${socket}`);
  const cniBinDir = join(directory, 'cni', 'bin');
  const cniConfDir = options.cniConfDir ?? join(directory, 'cni', 'net.d');
  const registryDir = join(directory, 'registries');
  await Promise.all([mkdir(cniConfDir, { recursive: true }), mkdir(registryDir, { recursive: true })]);
  const absent = await linkCniPlugins(cniBinDir, options.cniBinDirs);
  if (absent.length > 0) log.warn({ plugins: absent }, 'CNI plugins are missing: pods will get no network');
  for (const host of options.plainRegistries ?? []) {
    await mkdir(join(registryDir, host), { recursive: true });
    await writeFile(join(registryDir, host, 'hosts.toml'), plainRegistry(host));
  }
  const snapshotter = (await overlayWorks(directory)) ? 'overlayfs' : 'native';
  const config = containerdConfig({
    root: join(directory, 'root'),
    state: join(directory, 'state'),
    socket,
    sandboxImage: options.sandboxImage ?? SANDBOX_IMAGE,
    snapshotter,
    cniConfDir,
    cniBinDir,
    registryDir,
    mayLowerOomScore: await hasCapability(CAP_SYS_RESOURCE),
  });
  const files = { config: join(directory, 'containerd.toml'), pid: join(directory, 'containerd.pid'), log: join(directory, 'containerd.log') };
  let pid = await livingPid(files.pid, files.config);
  const unchanged = (await readFile(files.config, 'utf8').catch(() => '')) === config;
  const adopted = pid !== undefined && unchanged && (await answers(socket));
  if (!adopted) {
    if (pid !== undefined) await terminate(pid, clock);
    await writeFile(files.config, config);
    pid = await launch({ files, prefix: options.prefix ?? [] });
    await untilAnswering({ socket, pid, logFile: files.log, clock });
  }
  log.info({ socket, pid, adopted, snapshotter }, 'containerd runs');
  return {
    socket,
    cniConfDir,
    snapshotter,
    adopted,
    async stop() {
      if (pid !== undefined) await terminate(pid, clock);
      for (const path of [files.pid, socket, `${socket}.ttrpc`]) await rm(path, { force: true });
    },
  };
}

/** In the directory; where that makes too long a name, one in the system's own directory that is always the same for this one. */
function socketFor(directory: string): string {
  const near = join(directory, 'containerd.sock');
  if (near.length <= SOCKET_PATH_LIMIT) return near;
  return `/run/coracle-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}.sock`;
}

/** What must be there and is not. */
export async function missingPrograms(): Promise<readonly string[]> {
  const path = (process.env['PATH'] ?? '').split(':').concat('/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/local/bin');
  return ['containerd', 'ctr', 'runc', 'iptables'].filter((program) => !path.some((directory) => existsSync(join(directory, program))));
}

interface Launch {
  readonly files: { readonly config: string; readonly pid: string; readonly log: string };
  readonly prefix: readonly string[];
}

async function launch({ files, prefix }: Launch): Promise<number> {
  const [program = 'containerd', ...args] = [...prefix, 'containerd', '--config', files.config];
  const logFile = await open(files.log, 'a', 0o600);
  try {
    const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
    const child = spawn(program, args, { detached: true, stdio: ['ignore', logFile.fd, logFile.fd], env: { ...process.env, PATH: path } });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid as number));
    });
    child.unref();
    await writeFile(files.pid, String(pid));
    return pid;
  } finally {
    await logFile.close();
  }
}

async function untilAnswering({ socket, pid, logFile, clock }: { socket: string; pid: number; logFile: string; clock: Clock }): Promise<void> {
  const deadline = clock.monotonic() + START_TIMEOUT_MS;
  for (;;) {
    if (await answers(socket)) return;
    if (!(await isAlive(pid)) || clock.monotonic() > deadline) {
      const tail = (await readFile(logFile, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-3).join('\n');
      throw new Error(`containerd did not start: ${tail}`);
    }
    await sleep(clock, LOOK_MS);
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

/** The containerd that we left running: the process must be one that was started with our configuration. */
async function livingPid(pidFile: string, configFile: string): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0').includes(configFile) ? pid : undefined;
}

/** A zombie that waits for us to notice it counts as dead. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
}

async function terminate(pid: number, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + STOP_TIMEOUT_MS;
  signal(pid, 'SIGTERM');
  while (await isAlive(pid)) {
    if (clock.monotonic() > deadline) signal(pid, 'SIGKILL');
    await sleep(clock, LOOK_MS);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

const CAP_SYS_RESOURCE = 24;

async function hasCapability(number: number): Promise<boolean> {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(await readFile('/proc/self/status', 'utf8').catch(() => ''))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> BigInt(number)) & 1n) === 1n;
}

/** Overlay on overlay, and some file systems, are refused by the kernel: asked by trying. */
async function overlayWorks(directory: string): Promise<boolean> {
  const trial = await mkdtemp(join(directory, 'overlay-'));
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(trial, name)) as [string, string, string, string];
  try {
    await Promise.all([lower, upper, work, merged].map((path) => mkdir(path)));
    await run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, merged]);
    await run('umount', [merged]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}
