/** A server under load: how to reach it, and the processes whose time and memory count. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { Pool } from 'undici';

export interface Target {
  readonly name: string;
  readonly server: string;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly pids: readonly number[];
}

export function pool(target: Target, connections: number): Pool {
  const { ca, cert, key } = target.tls;
  return new Pool(target.server, {
    connections,
    pipelining: 1,
    connect: { ...(ca ? { ca } : { rejectUnauthorized: false }), ...(cert && { cert }), ...(key && { key }) },
  });
}

/** Resident memory of the processes, in MB. */
export function memoryMb(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0) / 1024, 0);
}

/** Processor time that the processes have used, in seconds. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = readOr(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  });
  return ticks.reduce((a, b) => a + b, 0) / clockTicks();
}

/** A process and all that it started. */
export function family(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(readOr(`/proc/${name}/stat`).split(') ')[1]?.split(' ')[1] ?? 0);
    parents.set(Number(name), parent);
  }
  const out = [pid];
  for (const one of out) for (const [child, parent] of parents) if (parent === one) out.push(child);
  return out;
}

let ticks: number | undefined;

function clockTicks(): number {
  return (ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
