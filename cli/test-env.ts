/** `coracle test-env`: a cluster for the tests of programs in other languages, in the manner of envtest; ends with whoever started it. */
import { fstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCluster } from '../cluster/cluster.ts';
import { every, systemClock } from '../std/clock.ts';
import { writePrivate } from './credentials.ts';
import { openLog } from './log.ts';

export interface TestEnvFlags {
  readonly kubeconfig?: string;
  readonly port?: number;
  readonly nodes?: number;
  readonly assets?: boolean;
}

/** How often it is asked whether the parent still lives. */
const PARENT_LOOK_MS = 250;

export async function testEnv(flags: TestEnvFlags): Promise<void> {
  if (flags.assets) return console.log(join(import.meta.dirname, 'assets'));
  const parent = process.ppid;
  const ended = untilEnded(parent);
  const directory = flags.kubeconfig === undefined ? mkdtempSync(join(tmpdir(), 'coracle-test-env-')) : undefined;
  const file = flags.kubeconfig ?? join(directory as string, 'kubeconfig');
  const cluster = await createCluster({ clock: 'system', nodes: flags.nodes ?? 1, listen: { port: flags.port ?? 0 }, log: openLog() });
  writePrivate(file, await cluster.kubeconfig());
  console.log(file);
  await ended;
  await cluster.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
  process.exit(0);
}

/** A signal, the end of the parent, or the end of what the parent writes to: a pipe also tells through programs in between, as `npx` is one. */
function untilEnded(parent: number): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve());
    every(systemClock, PARENT_LOOK_MS, () => (process.ppid === parent ? undefined : resolve()), () => undefined);
    const stdin = fstatSync(0);
    if (stdin.isFIFO() || stdin.isSocket()) process.stdin.on('end', resolve).on('error', () => resolve()).resume();
  });
}
