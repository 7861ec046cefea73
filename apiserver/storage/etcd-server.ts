/** Starts an etcd of its own for tests and measurements: free loopback ports, a directory that goes with it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { sleep, systemClock } from '../../std/clock.ts';

export interface EtcdServer {
  readonly endpoint: string;
  /** Kills it, and starts it again on the same data and port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export const ETCD_MISSING = 'etcd is not installed; on Debian and Ubuntu: apt-get install etcd-server';

export function hasEtcd(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => existsSync(join(dir, 'etcd')));
}

export async function startEtcd(): Promise<EtcdServer> {
  const dir = await mkdtemp(join(tmpdir(), 'etcd-'));
  const [client, peer] = await freePorts(2);
  const endpoint = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const args = ['--name=one', `--data-dir=${dir}/data`, `--listen-client-urls=${endpoint}`, `--advertise-client-urls=${endpoint}`]
    .concat([`--listen-peer-urls=${peerUrl}`, `--initial-advertise-peer-urls=${peerUrl}`, `--initial-cluster=one=${peerUrl}`]);
  let end: (() => Promise<void>) | undefined;
  const start = async (): Promise<void> => {
    const child = spawn('etcd', args, { stdio: 'ignore' });
    const gone = new Promise<void>((resolve) => void child.on('close', () => resolve()));
    // Whoever ends without stopping it does not leave it behind.
    const last = (): void => void child.kill('SIGKILL');
    process.once('exit', last);
    void gone.then(() => process.removeListener('exit', last));
    end = async () => {
      child.kill('SIGKILL');
      await gone;
    };
    await healthy(endpoint, gone);
  };
  const kill = async (): Promise<void> => {
    await end?.();
    end = undefined;
  };
  await start();
  return {
    endpoint,
    start,
    kill,
    async stop() {
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function healthy(endpoint: string, gone: Promise<void>): Promise<void> {
  const ended = gone.then(() => Promise.reject(new Error('etcd ended while starting')));
  ended.catch(() => undefined);
  const ok = async (): Promise<boolean> => {
    const answer = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    return answer?.ok ?? false;
  };
  while (!(await Promise.race([ok(), ended]))) await sleep(systemClock, 20);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map((server) => new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
