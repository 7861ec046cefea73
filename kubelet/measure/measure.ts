/** Looks at a node: its machine, its pods' containers, their networks and volumes. Nothing is looked at before somebody asks. */
import type { Clock } from '../../std/clock.ts';
import { type MeasureOptions, measuredContainer, measuredPod, useOf } from './measured-parts.ts';
import type { MeasuredNode, MeasuredPod, Use } from './measured.ts';

/** `use`: processor and memory alone, which takes no walk over directories. */
export type Scope = 'all' | 'use';
export type Measure = (scope?: Scope) => Promise<MeasuredNode>;

/** Who asks so soon after somebody else is told the same. */
const SAME_MS = 500;

export function openMeasuring(options: MeasureOptions): Measure {
  // Of thousands of simulated nodes nothing is kept, and theirs costs little.
  if (options.isSimulated) {
    const startedAt = options.clock.now();
    return () => simulated(options, startedAt);
  }
  let machine: Promise<Measure> | undefined;
  // What reads the machine's files is loaded when they are wanted.
  const look: Measure = async (scope) => (await (machine ??= import('./look.ts').then(({ lookAtMachine }) => lookAtMachine(options))))(scope);
  return oneAtATime(look, options.clock);
}

/** Looks do not overlap, since rates are made of them in turn: who comes meanwhile waits for the next one, with all others who do. */
export function oneAtATime(look: Measure, clock: Pick<Clock, 'monotonic'>): Measure {
  const last = new Map<Scope, { readonly found: Promise<MeasuredNode>; endedAt: number | undefined }>();
  let before: Promise<unknown> = Promise.resolve();
  return (scope = 'all') => {
    for (const one of scope === 'use' ? [last.get('all'), last.get('use')] : [last.get('all')]) {
      if (one && (one.endedAt === undefined || clock.monotonic() - one.endedAt < SAME_MS)) return one.found;
    }
    const found = before.then(() => look(scope));
    const entry = { found, endedAt: undefined as number | undefined };
    last.set(scope, entry);
    before = found.then(
      () => (entry.endedAt = clock.monotonic()),
      () => last.get(scope) === entry && last.delete(scope),
    );
    return found;
  };
}

/** The runtime's own words are all there is. */
async function simulated({ clock, runtime, nodeName, machine, pods, seen }: MeasureOptions, startedAt: number): Promise<MeasuredNode> {
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
  return { name: nodeName, at, startedAt, machine: { ...machine, swapBytes: 0 }, use, pods: measured };
}
