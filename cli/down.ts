/** `coracle down`: stops the cluster on this machine and takes its containers, mounts, bridge and rules away. Data stay unless purged. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Clock, sleep, systemClock } from '../std/clock.ts';
import { defaultDataDir, holderOf } from './data-dir.ts';
import { DNS_ADDRESS } from './flags.ts';
import { openLog } from './log.ts';

const STOP_LIMIT_MS = 10_000;
const LOOK_MS = 50;

export async function down(flags: { readonly dataDir?: string; readonly purge?: boolean }): Promise<void> {
  const dataDir = flags.dataDir ?? defaultDataDir();
  await endHolder(dataDir, systemClock);
  await takeDown(dataDir);
  if (flags.purge) rmSync(dataDir, { recursive: true, force: true });
  console.log(flags.purge ? `Coracle is down; ${dataDir} is gone.` : `Coracle is down. Its data stay in ${dataDir} (coracle down --purge removes them).`);
}

/** Everything of a stopped cluster that is not data. */
export async function takeDown(dataDir: string): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  // What fails keeps nothing else from being taken away; it is told at the end.
  const [containers] = await Promise.allSettled([removeContainers(dataDir)]);
  const { clearProxy } = await import('../proxy/run.ts');
  await clearProxy(DNS_ADDRESS);
  const { BRIDGE } = await import('../kubelet/cni.ts');
  await run('ip', ['link', 'delete', BRIDGE]).catch(() => undefined);
  await unmountBelow(dataDir);
  for (const folder of ['pods', 'logs']) rmSync(join(dataDir, 'kubelet', folder), { recursive: true, force: true });
  if (containers.status === 'rejected') throw containers.reason;
}

async function endHolder(dataDir: string, clock: Clock): Promise<void> {
  const pid = holderOf(dataDir);
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  for (let waitedMs = 0; holderOf(dataDir) === pid; waitedMs += LOOK_MS) {
    if (waitedMs > STOP_LIMIT_MS) process.kill(pid, 'SIGKILL');
    await sleep(clock, LOOK_MS);
  }
}

/** Whatever our containerd still knows of. One that no longer runs is started once more to clean up behind itself. */
async function removeContainers(dataDir: string): Promise<void> {
  const directory = join(dataDir, 'containerd');
  if (!existsSync(directory)) return;
  const [{ startContainerd }, { openCri }] = await Promise.all([import('../kubelet/runtime/containerd.ts'), import('../kubelet/runtime/cri.ts')]);
  const log = openLog();
  const containerd = await startContainerd({ directory, clock: systemClock, log });
  const runtime = await openCri({ socket: containerd.socket, clock: systemClock });
  try {
    const sandboxes = await runtime.listSandboxes();
    const removals = await Promise.allSettled(sandboxes.map(async ({ id }) => {
      // The plugins take away half a network only at the second time of asking.
      await runtime.stopSandbox(id).catch(() => runtime.stopSandbox(id));
      await runtime.removeSandbox(id);
    }));
    const failed = removals.find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  } finally {
    await runtime.close();
    await containerd.stop();
  }
}

/** Volumes of pods and the like, the innermost first. */
async function unmountBelow(dataDir: string): Promise<void> {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter((path) => path.startsWith(`${dataDir}/`));
  for (const point of points.reverse()) await run('umount', ['--lazy', point]).catch(() => undefined);
}

const runFile = promisify(execFile);

function run(program: string, args: readonly string[]): Promise<unknown> {
  return runFile(program, [...args], { env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` } });
}
