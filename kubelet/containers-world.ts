/** The far side of `containers.test.ts`: a kubelet with a containerd of its own, in a process that stands in a network of its own. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { configmaps, pods } from '../api/resources.ts';
import type { Pod } from '../api/types/core.v1.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor, type FakeObject } from '../client/fake-door.ts';
import { systemClock as clock } from '../std/clock.ts';
import { systemRandom as random } from '../std/random.ts';
import { writeCniConfig } from './cni.ts';
import { rotateLogs } from './log-rotation.ts';
import { type Kubelet, startKubelet } from './run.ts';
import { type Containerd, startContainerd } from './runtime/containerd.ts';
import { openCri } from './runtime/cri.ts';
import type { Runtime } from './runtime/runtime.ts';
import { ensureSandboxImage, importBusybox } from './runtime/sandbox-image.ts';
import { mountsBelow, unmount } from './volumes/empty-dir.ts';

type StoredPod = FakeObject & { readonly status?: NonNullable<Pod['status']> };

const run = promisify(execFile);
const log = { info: () => undefined, warn: () => undefined };
const door = new FakeDoor({ now: () => clock.now() });
const client = openClient(door, { userAgent: 'kubelet/test' });
const PATIENCE_MS = 30_000;

let directory: string;
let containerd: Containerd;
let runtime: Runtime;
let kubelet: Kubelet;
let image: string;

/** What the test may ask for. Answers are JSON. */
const COMMANDS: Readonly<Record<string, (...args: never[]) => Promise<unknown>>> = {
  async begin(): Promise<string> {
    directory = await mkdtemp(join(tmpdir(), 'coracle-ctr-'));
    await beginContainerd();
    const tools = { socket: containerd.socket, snapshotter: containerd.snapshotter, runtime, clock };
    await ensureSandboxImage(tools);
    image = await importBusybox(tools);
    await beginKubelet();
    return directory;
  },
  async end(): Promise<void> {
    await kubelet?.stop();
    for (const { id } of await runtime.listSandboxes()) {
      await runtime.stopSandbox(id);
      await runtime.removeSandbox(id);
    }
    for (const point of await mountsBelow(join(directory, 'k'))) await unmount(point);
    await runtime?.close();
    await containerd?.stop();
    await rm(directory, { recursive: true, force: true });
  },
  async restartKubelet(): Promise<void> {
    await kubelet.stop();
    await beginKubelet();
  },
  async restartContainerd(): Promise<boolean> {
    await containerd.stop();
    await runtime.close();
    await kubelet.stop();
    await beginContainerd();
    await beginKubelet();
    return containerd.adopted;
  },
  /** A second look at a containerd that was never stopped. */
  async adopt(): Promise<boolean> {
    const again = await startContainerd({ directory: join(directory, 'c'), clock, log });
    return again.adopted;
  },
  async configMap(name: string, data: Record<string, string>): Promise<void> {
    const known = door.objects('configmaps').find(({ metadata }) => metadata.name === name);
    const object = { metadata: { ...known?.metadata, name, namespace: 'default' }, data };
    await (known ? client.update(configmaps, object) : client.create(configmaps, object));
  },
  async create(name: string, spec: { containers: object[]; initContainers?: object[] }): Promise<void> {
    const whole = (container: object): object => ({ image, imagePullPolicy: 'IfNotPresent', resources: {}, ...container });
    const { initContainers = [], containers } = spec;
    const full = { nodeName: 'n1', restartPolicy: 'Always', terminationGracePeriodSeconds: 5, dnsPolicy: 'ClusterFirst', ...spec, initContainers: initContainers.map(whole), containers: containers.map(whole) };
    await client.create(pods, { metadata: { name, namespace: 'default' }, spec: full } as unknown as Pod);
  },
  /** Waits until the status has this at a path: `containerStatuses.0.restartCount`. */
  async until(name: string, path: string, value: unknown): Promise<unknown> {
    return until(() => {
      const { status } = pod(name) ?? {};
      const found = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], status);
      return found === value ? status : undefined;
    }, () => `${name}.status.${path} = ${String(value)}: ${JSON.stringify(pod(name)?.status)}`);
  },
  /** Deletes as the API server does: it stamps the object, and takes it away when the kubelet says so. Returns how long that took. */
  async remove(name: string, graceSeconds: number): Promise<number> {
    const since = clock.monotonic();
    const key = { namespace: 'default', name };
    const metadata = { deletionTimestamp: new Date(clock.now()).toISOString(), deletionGracePeriodSeconds: graceSeconds, finalizers: ['test/keep'] };
    await client.patch(pods, key, { type: 'application/merge-patch+json', body: { metadata } });
    await until(() => door.calls.some((call) => call.resource === 'pods' && call.verb === 'delete' && call.name === name) || undefined, () => `deletion of ${name}`);
    await client.patch(pods, key, { type: 'application/merge-patch+json', body: { metadata: { finalizers: [] } } });
    return clock.monotonic() - since;
  },
  /** A removal of the pod's network that got half-way: its masquerading is gone, the rest is still there. */
  async unmasquerade(name: string): Promise<void> {
    const { stdout } = await run('iptables', ['-t', 'nat', '-S', 'POSTROUTING']);
    const [rule, chain] = new RegExp(`^-A POSTROUTING -s ${pod(name)?.status?.podIP}/32 .* -j (CNI-\\S+)$`, 'm').exec(stdout) ?? [];
    if (!rule || !chain) throw new Error(`no masquerading of ${name}: ${stdout}`);
    const number = stdout.split('\n').filter((line) => line.startsWith('-A')).indexOf(rule) + 1;
    await run('iptables', ['-t', 'nat', '-D', 'POSTROUTING', String(number)]);
    for (const option of ['-F', '-X']) await run('iptables', ['-t', 'nat', option, chain]);
  },
  async status(name: string): Promise<unknown> {
    return pod(name)?.status;
  },
  /** Waits for so many lines: what a container has written comes into its log a moment later. */
  async logs(name: string, count: number, previous = false): Promise<string> {
    const { path } = kubelet.backend.log('default', name, 'app', { previous });
    return until(() => {
      const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter((line) => line !== '') : [];
      return lines.length < count ? undefined : lines.map((line) => line.split(' ').slice(3).join(' ')).join('\n');
    }, () => `${count} lines of ${name}`);
  },
  async rotate(name: string): Promise<string> {
    const { path } = kubelet.backend.log('default', name, 'app', { previous: false });
    const { id: containerId } = kubelet.backend.container('default', name, 'app');
    await rotateLogs([{ path, containerId }], runtime, clock, 1);
    const { stdout } = await run('ls', [join(path, '..')]);
    return stdout;
  },
  async exec(name: string, command: string[], input: string | null, tty = false): Promise<unknown> {
    const { backend } = kubelet;
    const session = await backend.exec(backend.container('default', name, 'app'), command, { stdin: input !== null, stdout: true, stderr: !tty, tty });
    if (input !== null) session.stdin?.end(input);
    if (tty) session.resize(99, 33);
    const outputs = Promise.all([session.stdout, session.stderr].map((stream) => (stream ? text(stream) : '')));
    const code = await session.exit;
    const [stdout, stderr] = await outputs;
    return { code, stdout, stderr };
  },
  async execFails(name: string): Promise<string> {
    const { backend } = kubelet;
    const session = await backend.exec(backend.container('default', name, 'app'), ['/no/such/program'], { stdin: false, stdout: true, stderr: true, tty: false });
    session.stdout?.resume();
    session.stderr?.resume();
    return session.exit.then(() => 'it ran', (error: Error) => error.message);
  },
  async portForward(name: string, port: number, input: string): Promise<string> {
    const stream = await kubelet.backend.portForward('default', name, port);
    stream.end(input);
    return text(stream);
  },
  async dial(host: string, port: number): Promise<string> {
    const socket = connect(port, host);
    return text(socket);
  },
  async events(reason: string): Promise<unknown> {
    return until(() => {
      const found = door.objects('events').filter((event) => event['reason'] === reason).map(({ message }) => message);
      return found.length > 0 ? found : undefined;
    }, () => `an event ${reason}`);
  },
  /** What the node still holds of a pod. */
  async leftovers(): Promise<unknown> {
    const { stdout } = await run('find', [join(directory, 'k', 'pods'), join(directory, 'k', 'logs'), '-mindepth', '1']);
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(directory));
    return { files: stdout, mounts, containers: (await runtime.listContainers()).length, sandboxes: (await runtime.listSandboxes()).length };
  },
  async containerIds(): Promise<unknown> {
    return (await runtime.listContainers()).map(({ id, state }) => `${id} ${state}`).sort();
  },
  async memory(name: string): Promise<number> {
    const { id } = kubelet.backend.container('default', name, 'app');
    return (await runtime.stats()).find(({ containerId }) => containerId === id)?.memoryWorkingSetBytes ?? 0;
  },
};

async function beginContainerd(): Promise<void> {
  containerd = await startContainerd({ directory: join(directory, 'c'), clock, log });
  await writeCniConfig(containerd.cniConfDir, { directory: join(directory, 'c', 'cni'), podCidrs: ['10.201.0.0/24'], bridge: 'ctest0' });
  runtime = await openCri({ socket: containerd.socket, clock });
}

async function beginKubelet(): Promise<void> {
  kubelet = await startKubelet({ client, runtime, clock, random, log, nodeName: 'n1', directory: join(directory, 'k'), addresses: [{ type: 'InternalIP', address: '192.0.2.1' }], port: 0 });
  await kubelet.ready;
}

function pod(name: string): StoredPod | undefined {
  return door.objects('pods').find(({ metadata }) => metadata.name === name) as StoredPod | undefined;
}

async function until<T>(look: () => T | undefined, what: () => string): Promise<T> {
  const deadline = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (clock.monotonic() > deadline) throw new Error(`waited in vain for ${what()}`);
    await new Promise<void>((resolve) => clock.after(10, resolve));
  }
}

process.on('message', ({ id, command, args }: { id: number; command: string; args: never[] }) => {
  const work = COMMANDS[command]?.(...args) ?? Promise.reject(new Error(`no command ${command}`));
  work.then(
    (value) => process.send?.({ id, value }),
    (error: Error) => process.send?.({ id, error: error.stack }),
  );
});
