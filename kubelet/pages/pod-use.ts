/** What a pod uses: the sum of its containers and of what holds its network. Pure. */
import type { MeasuredPod, Memory, Use } from '../measure/measured.ts';

const NOTHING: Memory = { usageBytes: 0, rssBytes: 0, cacheBytes: 0, mappedBytes: 0, kernelBytes: 0, swapBytes: 0, peakBytes: 0, activeFileBytes: 0, inactiveFileBytes: 0, faults: 0, majorFaults: 0, limitHits: 0, kills: 0 };

export function podUse({ sandbox, containers }: MeasuredPod, now: number): Use {
  const all = [...containers, ...(sandbox ? [sandbox] : [])].map(({ use }) => use);
  const sum = (of: (use: Use) => number): number => all.reduce((total, use) => total + of(use), 0);
  const isComplete = all.length > 0 && all.every(({ memory }) => memory !== undefined);
  const rated = all.filter(({ cpuNanoCores }) => cpuNanoCores !== undefined);
  return {
    // Rates are made of the youngest moment.
    at: all.length > 0 ? Math.max(...all.map(({ at }) => at)) : now,
    cpuNanoseconds: sum(({ cpuNanoseconds }) => cpuNanoseconds),
    ...(rated.length > 0 && { cpuNanoCores: sum(({ cpuNanoCores = 0 }) => cpuNanoCores) }),
    workingSetBytes: sum(({ workingSetBytes }) => workingSetBytes),
    ...(isComplete && { memory: Object.fromEntries(Object.keys(NOTHING).map((key) => [key, sum(({ memory = NOTHING }) => memory[key as keyof Memory])])) as unknown as Memory }),
  };
}
