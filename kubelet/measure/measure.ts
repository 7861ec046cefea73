/** Looks at a node: its machine, its pods' containers, their networks and volumes. Nothing is looked at before somebody asks. */
import { type MeasureOptions, measuredContainer, measuredPod, useOf } from './measured-parts.ts';
import type { MeasuredNode, MeasuredPod, Use } from './measured.ts';

/** Who asks so soon after somebody else is told the same. */
const SAME_MS = 500;

export function openMeasuring(options: MeasureOptions): () => Promise<MeasuredNode> {
  let machine: Promise<() => Promise<MeasuredNode>> | undefined;
  // What reads the machine's files is loaded when they are wanted.
  const look = async (): Promise<MeasuredNode> => (options.isSimulated ? simulated(options) : (await (machine ??= import('./look.ts').then(({ lookAtMachine }) => lookAtMachine(options))))());
  let last: { readonly at: number; readonly found: Promise<MeasuredNode> } | undefined;
  return () => {
    // Of thousands of simulated nodes nothing is kept, and theirs costs little.
    if (options.isSimulated) return look();
    const now = options.clock.monotonic();
    if (last && now - last.at < SAME_MS) return last.found;
    const found = look();
    last = { at: now, found };
    found.catch(() => (last = undefined));
    return found;
  };
}

/** The runtime's own words are all there is. */
async function simulated({ clock, runtime, nodeName, machine, pods, seen }: MeasureOptions): Promise<MeasuredNode> {
  const at = clock.now();
  const stats = new Map((await runtime.stats()).map((one) => [one.containerId, one]));
  const measured = pods().map((pod): MeasuredPod => {
    const running = seen(pod.metadata.uid).containers.filter(({ state }) => state === 'running');
    const containers = running.flatMap((container) => {
      const one = stats.get(container.id);
      return one ? [measuredContainer(container, useOf(one))] : [];
    });
    return { ...measuredPod(pod, at), containers, volumes: [] };
  });
  const all = measured.flatMap(({ containers }) => containers);
  const sum = (of: (use: Use) => number): number => all.reduce((total, { use }) => total + of(use), 0);
  const workingSetBytes = sum((use) => use.workingSetBytes);
  const use: Use = { at, cpuNanoseconds: sum((one) => one.cpuNanoseconds), workingSetBytes, availableBytes: Math.max(0, machine.memoryBytes - workingSetBytes) };
  return { name: nodeName, at, machine: { ...machine, swapBytes: 0 }, use, pods: measured };
}
