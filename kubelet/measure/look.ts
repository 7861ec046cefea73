/** A look at a real node: the kernel's files about its machine and the processes of its containers, beside what the runtime tells. */
import { dirname, join } from 'node:path';
import type { PodObject, PodRuntime } from '../pod.ts';
import type { ContainerStats, Runtime, Sandbox } from '../runtime/runtime.ts';
import { directoryUse, readDisk } from './disk.ts';
import { readDeviceIo, readMachineDetails } from './machine-details.ts';
import { readMachineUse } from './machine-use.ts';
import { type MeasureOptions, measuredContainer, measuredPod, useOf } from './measured-parts.ts';
import type { Disk, MeasuredContainer, MeasuredNode, MeasuredPod, MeasuredVolume, Network, Use } from './measured.ts';
import { type ProcessUse, readNetwork, readProcessUse } from './processes.ts';
import { Rates } from './rates.ts';
import { VolumeLooks } from './volume-looks.ts';

/** Pods whose files are read at the same time. */
const AT_ONCE = 8;

export function lookAtMachine(options: MeasureOptions): (scope?: 'all' | 'use') => Promise<MeasuredNode> {
  const { clock, runtime, nodeName, machine, directory, pods, seen } = options;
  const rates = new Rates();
  const volumes = new VolumeLooks(clock);
  const details = new Details(runtime);
  /** The kernel reckons it anew each time, a second more or less; to readers another one means another start. */
  let startedAt: number | undefined;
  return async (scope = 'all') => {
    const at = clock.now();
    const isAll = scope === 'all';
    const [stats, whole, more, disk, images] = await Promise.all([runtime.stats(), readMachineUse(), readMachineDetails(), isAll ? readDisk(directory, at) : undefined, isAll ? readImages(runtime, at) : undefined]);
    startedAt ??= more?.startedAt;
    const byId = new Map(stats.map((one) => [one.containerId, one]));
    const present = pods();
    const measured = await inTurns(present, (pod) => lookAtPod({ ...options, rates, volumes, details, at, isAll }, pod, seen(pod.metadata.uid), byId));
    const network = isAll ? await readNetwork('self') : [];
    const io = disk ? await readDeviceIo(disk.device) : [];
    const cpuNanoseconds = whole?.cpuNanoseconds ?? 0;
    const cpuNanoCores = rates.of('/', { at, cpuNanoseconds });
    rates.turn();
    details.keep(new Set(present.flatMap(({ metadata }) => [...seen(metadata.uid).containers, ...seen(metadata.uid).sandboxes].map(({ id }) => id))));
    volumes.keep(new Set(present.map(({ metadata }) => metadata.uid)));
    return {
      name: nodeName,
      at,
      ...(startedAt !== undefined && { startedAt }),
      ...(more && { processes: more.processes }),
      machine: { ...machine, swapBytes: more?.swapBytes ?? 0, ...(more && { physicalCores: more.physicalCores, sockets: more.sockets }) },
      use: {
        at, cpuNanoseconds, workingSetBytes: whole?.memoryWorkingSetBytes ?? 0, availableBytes: whole?.memoryAvailableBytes ?? 0, io,
        ...(cpuNanoCores !== undefined && { cpuNanoCores }), ...(more && { cpu: more.cpu, memory: more.memory }),
      },
      ...(network.length > 0 && { network: { at, interfaces: network } }),
      ...(disk && { disk }),
      ...(images && { images }),
      pods: measured,
    };
  };
}

interface PodLook extends MeasureOptions {
  readonly rates: Rates;
  readonly volumes: VolumeLooks;
  readonly details: Details;
  readonly at: number;
  readonly isAll: boolean;
}

async function lookAtPod(look: PodLook, pod: PodObject, { containers, sandboxes }: PodRuntime, stats: ReadonlyMap<string, ContainerStats>): Promise<MeasuredPod> {
  const { details, at, clock, logDirectory, volumePaths, isAll } = look;
  const sandbox = sandboxes.find(({ state }) => state === 'ready');
  const held = sandbox && (await details.of(sandbox.id, 'sandbox'));
  const running = containers.filter(({ state }) => state === 'running');
  const logs = isAll && logDirectory(pod.metadata);
  const measured = await Promise.all(running.map(async (container): Promise<MeasuredContainer | undefined> => {
    const known = stats.get(container.id);
    const pid = (await details.of(container.id, 'container'))?.pid;
    const process = pid === undefined ? undefined : await readProcessUse(pid);
    if (!known && !process) return undefined;
    const use = rated(look.rates, container.id, mixed(known, process, clock.now()));
    return { ...measuredContainer(container, use, process), ...(logs && { logs: await directoryUse(join(logs, container.name)) }), ...(known && { layer: { usedBytes: known.filesystemBytes, inodesUsed: known.filesystemInodes ?? 0 } }) };
  }));
  const interfaces = held && isAll ? await readNetwork(held.pid) : [];
  const network: Network | undefined = interfaces.length > 0 ? { at: clock.now(), interfaces } : undefined;
  const holder = held && (await readProcessUse(held.pid));
  return {
    ...measuredPod(pod, at),
    containers: measured.filter((one) => one !== undefined),
    ...(sandbox && holder && { sandbox: sandboxOf(sandbox, held.image, rated(look.rates, sandbox.id, mixed(undefined, holder, clock.now())), holder) }),
    ...(network && { network }),
    volumes: isAll ? await volumesOf(look, pod, volumePaths(pod.metadata.uid)) : [],
  };
}

async function volumesOf({ volumes }: PodLook, pod: PodObject, paths: ReadonlyMap<string, string>): Promise<readonly MeasuredVolume[]> {
  const found = await Promise.all((pod.spec.volumes ?? []).map((volume) => volumes.of(pod, volume, paths.get(volume.name))));
  return found.filter((one) => one !== undefined);
}

function sandboxOf({ id, createdAt }: Sandbox, image: string, use: Use, process: ProcessUse): MeasuredContainer {
  return { id, name: '', image, group: process.group, startedAt: createdAt, use, limits: process.use.limits };
}

/** The control group says more than the runtime; where only one of them can be asked, that one counts. */
function mixed(stats: ContainerStats | undefined, process: ProcessUse | undefined, now: number): Use {
  if (!process) return useOf(stats as ContainerStats);
  const { use, io, tasks } = process;
  const workingSetBytes = Math.max(0, use.memory.usageBytes - use.memory.inactiveFileBytes);
  return { at: now, cpuNanoseconds: use.cpuNanoseconds, workingSetBytes, memory: use.memory, cpu: use.cpu, io, tasks };
}

function rated(rates: Rates, id: string, use: Use): Use {
  const cpuNanoCores = rates.of(id, use);
  return cpuNanoCores === undefined ? use : { ...use, cpuNanoCores };
}

/** The disk that images are on. */
export async function readImages(runtime: Pick<Runtime, 'imageFilesystem'>, at: number): Promise<Disk | undefined> {
  const images = await runtime.imageFilesystem().catch(() => undefined);
  if (!images) return undefined;
  const disk = await readDisk(images.mountpoint, at).then((found) => found ?? readDisk(dirname(images.mountpoint), at));
  return disk && { ...disk, usedBytes: images.usedBytes, inodesUsed: images.inodesUsed };
}

async function inTurns<A, R>(all: readonly A[], run: (one: A) => Promise<R>): Promise<R[]> {
  const found: R[] = [];
  for (let from = 0; from < all.length; from += AT_ONCE) found.push(...(await Promise.all(all.slice(from, from + AT_ONCE).map(run))));
  return found;
}

/** First processes stay the same as long as a container runs. */
class Details {
  readonly #runtime: Runtime;
  readonly #known = new Map<string, { readonly pid: number; readonly image: string }>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  async of(id: string, kind: 'sandbox' | 'container'): Promise<{ readonly pid: number; readonly image: string } | undefined> {
    const known = this.#known.get(id);
    if (known) return known;
    const found = await (kind === 'sandbox' ? this.#runtime.sandboxDetails(id) : this.#runtime.containerDetails(id)).catch(() => undefined);
    if (found) this.#known.set(id, found);
    return found;
  }

  keep(living: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!living.has(id)) this.#known.delete(id);
  }
}
