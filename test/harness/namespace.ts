/** Network namespaces made by tests: loopback is up, and no route leads out of the machine. */
import { type ChildProcess, type SpawnOptions, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/local/sbin`;
const runFile = promisify(execFile);

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Namespace {
  /** Drawn, since suites that run one after the other in one process do not know of each other's. */
  readonly name = `ct-${randomBytes(5).toString('hex')}`;
  readonly #relays: Server[] = [];

  constructor() {
    execFileSync('ip', ['netns', 'add', this.name], { env: { ...process.env, PATH } });
    execFileSync('ip', ['-n', this.name, 'link', 'set', 'lo', 'up'], { env: { ...process.env, PATH } });
  }

  /** A second address beside loopback, on a cable that ends in nowhere: what a node calls its own. The default route leads into it. */
  addNodeAddress(address: string): void {
    const ip = (...args: string[]): unknown => execFileSync('ip', ['-n', this.name, ...args], { env: { ...process.env, PATH } });
    ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'nowhere');
    ip('addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('link', 'set', 'eth0', 'up');
    ip('link', 'set', 'nowhere', 'up');
    ip('route', 'add', 'default', 'dev', 'eth0');
  }

  /** Puts a machine of its own, with this address, at the other end of the cable. */
  addNeighbour(other: Namespace, address: string): void {
    const ip = (name: string, ...args: string[]): unknown => execFileSync('ip', ['-n', name, ...args], { env: { ...process.env, PATH } });
    ip(this.name, 'link', 'set', 'nowhere', 'netns', other.name);
    ip(other.name, 'link', 'set', 'nowhere', 'name', 'eth0');
    ip(other.name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip(other.name, 'link', 'set', 'eth0', 'up');
    ip(other.name, 'route', 'add', 'default', 'dev', 'eth0');
  }

  /** Unlike `ip netns exec`, this leaves the view of mounts alone: what a node mounts is seen, and must be gone afterwards. */
  command(program: string, args: readonly string[]): [string, string[]] {
    return ['nsenter', [`--net=/run/netns/${this.name}`, '--', program, ...args]];
  }

  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [command, all] = this.command(program, args);
    return spawn(command, all, { ...options, env: { ...process.env, PATH, ...options.env } });
  }

  /** Runs to its end; never throws because of an exit code. */
  async run(program: string, args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string; readonly timeoutMs?: number } = {}): Promise<Finished> {
    const [command, all] = this.command(program, args);
    const running = runFile(command, all, { env: { ...process.env, PATH, ...options.env }, maxBuffer: 64 * 1024 * 1024, timeout: options.timeoutMs ?? 120_000 });
    running.child.stdin?.on('error', () => undefined);
    running.child.stdin?.end(options.input ?? '');
    try {
      const { stdout, stderr } = await running;
      return { code: 0, stdout, stderr };
    } catch (error) {
      const failed = error as { code?: number | string; stdout?: string; stderr?: string; message: string };
      return { code: typeof failed.code === 'number' ? failed.code : -1, stdout: failed.stdout ?? '', stderr: failed.stderr || failed.message };
    }
  }

  /** A port of this process's own loopback that leads to one inside: for clients that live in the test. Unix sockets cross namespaces. */
  async relay(port: number, directory: string): Promise<number> {
    const path = join(directory, `relay-${port}.sock`);
    const inside = this.spawn(process.execPath, ['-e', `
      const net = require('net');
      net.createServer(a => { const b = net.connect(${port}, '127.0.0.1'); a.pipe(b).pipe(a); a.on('error', () => b.destroy()); b.on('error', () => a.destroy()); })
        .listen(${JSON.stringify(path)}, () => console.log('up'));`], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(inside.stdout as NodeJS.ReadableStream, 'data');
    const server = createServer((a: Socket) => {
      const b = connect(path);
      a.pipe(b).pipe(a);
      a.on('error', () => b.destroy());
      b.on('error', () => a.destroy());
    });
    server.on('close', () => inside.kill('SIGKILL'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#relays.push(server);
    return (server.address() as { port: number }).port;
  }

  /** Processes that still live inside. */
  processes(): number[] {
    return execFileSync('ip', ['netns', 'pids', this.name], { encoding: 'utf8', env: { ...process.env, PATH } }).split('\n').filter(Boolean).map(Number);
  }

  remove(): void {
    for (const relay of this.#relays) relay.close();
    for (const pid of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself meanwhile.
      }
    }
    execFileSync('ip', ['netns', 'del', this.name], { env: { ...process.env, PATH } });
  }
}
