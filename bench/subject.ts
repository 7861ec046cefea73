/** A Coracle of the benchmark's own: started in a directory that goes with it, on a port that is free. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { type Target, family } from './target.ts';

const CLI = join(import.meta.dirname, '../cli/coracle.ts');

export class Subject {
  readonly directory = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
  readonly kubeconfig = join(this.directory, 'kubeconfig');
  #child: ChildProcess | undefined;

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Milliseconds from the command to the moment at which the kubeconfig was there: the API answers. */
  async start(flags: readonly string[]): Promise<number> {
    rmSync(this.kubeconfig, { force: true });
    const began = performance.now();
    const child = spawn(process.execPath, [CLI, 'up', '--data-dir', join(this.directory, 'data'), '--port', '0', '--bind-address', '127.0.0.1', '--kubeconfig', this.kubeconfig, ...flags], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, CORACLE_INSTALL: 'no' },
    });
    this.#child = child;
    while (!existsSync(this.kubeconfig)) {
      if (child.exitCode !== null) throw new Error('coracle up ended');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return performance.now() - began;
  }

  async target(): Promise<Target> {
    const { server, ca, cert, key } = await readKubeconfig(this.kubeconfig);
    return { name: 'coracle', server, tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }, pids: family(this.pid) };
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
