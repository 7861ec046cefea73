/** A real cluster for tests: the `coracle` command in a network namespace of its own, with kubectl at hand. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEST_COMPONENTS, missing, packagesFor } from '../../cli/components.ts';
import { KUBECTL_MISSING, type Kubectl, kubectls } from './kubectl.ts';
import { type Finished, Namespace } from './namespace.ts';
import { until } from './until.ts';

const CLI = join(import.meta.dirname, '../../cli/coracle.ts');

/** Why tests with real containers cannot run here; undefined where they can. Under CI nothing may be missing. */
export function whyNoContainers(): string | undefined {
  if (process.env.CI === 'true') return undefined;
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root';
  if (!kubectls()[0]) return KUBECTL_MISSING;
  const absent = missing(TEST_COMPONENTS);
  return absent.length > 0 ? `needs ${absent.join(', ')}: apt-get install ${packagesFor(absent).join(' ')}` : undefined;
}

export interface ClusterOptions {
  /** Each component as a process of its own with its own credentials, over an etcd of the test's. */
  readonly distributed?: boolean;
  /** Further flags of `coracle up`. */
  readonly flags?: readonly string[];
  readonly namespace?: Namespace;
  readonly dataDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Wait until a node is Ready. Default true. */
  readonly nodeReady?: boolean;
}

export class Cluster {
  readonly net: Namespace;
  readonly directory: string;
  readonly kubeconfig: string;
  readonly dataDir: string;
  output = '';
  #processes: ChildProcess[] = [];
  readonly #options: ClusterOptions;

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.net = options.namespace ?? new Namespace();
    if (!options.namespace) this.net.addNodeAddress('198.51.100.10');
    this.directory = mkdtempSync(join(tmpdir(), 'coracle-cluster-'));
    this.dataDir = options.dataDir ?? join(this.directory, 'data');
    this.kubeconfig = join(this.directory, 'kubeconfig');
  }

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(options);
    await cluster.up();
    return cluster;
  }

  /** Starts what was not started yet, or was stopped or killed. */
  async up(): Promise<void> {
    rmSync(this.kubeconfig, { force: true });
    const { distributed, flags = [], nodeReady = true } = this.#options;
    const server = ['--data-dir', this.dataDir, '--kubeconfig', this.kubeconfig, ...flags];
    if (distributed) {
      const url = 'http://127.0.0.1:2379';
      const peer = 'http://127.0.0.1:2380';
      this.#start('etcd', ['--data-dir', join(this.directory, 'etcd'), '--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`, '--log-level', 'error']);
      await this.#coracle(['apiserver', ...server, '--store', 'etcd', '--etcd-servers', url]);
      const of = (name: string): string[] => ['--kubeconfig', join(this.dataDir, 'kubeconfigs', `${name}.kubeconfig`)];
      for (const name of ['controllers', 'scheduler']) this.#start(process.execPath, [CLI, name, ...of(name)]);
      for (const name of ['kubelet', 'proxy']) this.#start(process.execPath, [CLI, name, ...of(name), '--data-dir', this.dataDir]);
    } else {
      await this.#coracle(['up', ...server]);
    }
    if (nodeReady) await this.ready();
  }

  #start(program: string, args: readonly string[]): ChildProcess {
    const child = this.net.spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { CORACLE_INSTALL: 'no', ...this.#options.env } });
    this.#processes.push(child);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.output = (this.output + chunk.toString()).slice(-200_000)));
    return child;
  }

  /** The process that writes the administrator's kubeconfig when the API is ready. */
  async #coracle(args: readonly string[]): Promise<void> {
    const child = this.#start(process.execPath, [CLI, ...args]);
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`coracle ${args[0]} ended with ${String(code)}:\n${this.output}`);
    });
    ended.catch(() => undefined);
    await Promise.race([ended, until('the API is ready', () => existsSync(this.kubeconfig), 60_000)]);
  }

  async ready(): Promise<void> {
    await until('a node is Ready', async () => (await this.get('nodes')).items.some((node) => condition(node, 'Ready') === 'True')).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output}`);
    });
  }

  /** Runs kubectl to its end. */
  kubectl(args: readonly string[] | string, options: { readonly input?: string; readonly with?: Kubectl; readonly timeoutMs?: number } = {}): Promise<Finished> {
    const kubectl = options.with ?? kubectls()[0];
    if (!kubectl) throw new Error(KUBECTL_MISSING);
    const words = typeof args === 'string' ? args.split(' ').filter(Boolean) : args;
    return this.net.run(kubectl.path, words, { ...options, env: { KUBECONFIG: this.kubeconfig, HOME: this.directory } });
  }

  /** kubectl that must succeed; what it printed. */
  async must(args: readonly string[] | string, options: { readonly input?: string; readonly with?: Kubectl; readonly timeoutMs?: number } = {}): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args, options);
    if (code !== 0) throw new Error(`kubectl ${typeof args === 'string' ? args : args.join(' ')} exited with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  apply(manifest: string, ...args: string[]): Promise<string> {
    return this.must(['apply', '-f', '-', ...args], { input: manifest });
  }

  async get(resource: string, ...args: string[]): Promise<{ items: ApiObject[] }> {
    return JSON.parse(await this.must(['get', resource, ...args, '-o', 'json'])) as { items: ApiObject[] };
  }

  async one(resource: string, name: string, ...args: string[]): Promise<ApiObject> {
    return JSON.parse(await this.must(['get', resource, name, ...args, '-o', 'json'])) as ApiObject;
  }

  /** An HTTP GET from the node; undefined where nothing answered. */
  async fetch(url: string, timeoutSeconds = 3): Promise<string | undefined> {
    const { code, stdout } = await this.net.run('curl', ['-sf', '--max-time', String(timeoutSeconds), url]);
    return code === 0 ? stdout : undefined;
  }

  /** Sends a signal to all processes, the last started first, and waits for their ends. Their exit codes, in that order. */
  async kill(signal: NodeJS.Signals): Promise<(number | null)[]> {
    const codes: (number | null)[] = [];
    for (const child of this.#processes.splice(0).reverse()) {
      const ended = child.exitCode !== null || child.signalCode !== null ? Promise.resolve(child.exitCode) : once(child, 'exit').then(([code]) => code as number | null);
      child.kill(signal);
      codes.push(await ended);
    }
    return codes;
  }

  /** Stops everything and takes it off the machine. */
  async remove(): Promise<void> {
    await this.kill('SIGTERM');
    const down = await this.net.run(process.execPath, [CLI, 'down', '--data-dir', this.dataDir, '--purge']);
    if (down.code !== 0) throw new Error(`coracle down exited with ${down.code}: ${down.stdout}${down.stderr}`);
    if (!this.#options.namespace) this.net.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** `coracle` with other words than `up`. */
  coracle(...args: string[]): Promise<Finished> {
    return this.net.run(process.execPath, [CLI, ...args]);
  }

  /** The administrator's kubeconfig for a client in the test's own process. */
  async relayedKubeconfig(): Promise<string> {
    const text = readFileSync(this.kubeconfig, 'utf8');
    const port = Number(/server: "?https:\/\/[^:"]+:(\d+)/.exec(text)?.[1]);
    const own = await this.net.relay(port, this.directory);
    return text.replace(/server: .*/, `server: https://127.0.0.1:${own}`);
  }
}

export interface ApiObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string; readonly labels?: Record<string, string>; readonly [key: string]: unknown };
  // eslint-disable-next-line -- tests look into arbitrary objects
  readonly spec: Record<string, never> & Record<string, unknown>;
  readonly status: Record<string, unknown> & { readonly conditions?: readonly { type: string; status: string; reason?: string; message?: string }[] };
}

export function condition(object: ApiObject, type: string): string | undefined {
  return object.status?.conditions?.find((one) => one.type === type)?.status;
}
