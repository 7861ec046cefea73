/** Who is evicted first: who takes more than he asked for, then by priority, then who takes the most above what he asked for. Upstream's order (v1.36). Pure. */
import type { MeasuredPod } from '../measure/measured.ts';
import { podUse } from '../pages/pod-use.ts';
import type { PodObject } from '../pod.ts';
import { podRequests } from '../resources.ts';
import { isLocal } from './limits.ts';
import { SIGNALS, type Signal } from './thresholds.ts';

export interface Candidate {
  readonly pod: PodObject;
  /** Unknown: he goes first. */
  readonly use: MeasuredPod | undefined;
}

export interface RankInput {
  readonly candidates: readonly Candidate[];
  readonly signal: Signal;
  /** Images and what containers write are on a disk of their own. */
  readonly hasImageDisk: boolean;
}

interface Weighed extends Candidate {
  readonly isMeasured: boolean;
  readonly exceeds: boolean;
  readonly excess: bigint;
}

export function ranked({ candidates, signal, hasImageDisk }: RankInput): readonly Candidate[] {
  const first = (a: boolean, b: boolean): number => Number(b) - Number(a);
  return candidates
    .map((candidate) => weighed(candidate, signal, hasImageDisk))
    .sort((a, b) =>
      (signal === 'pid.available' ? 0 : first(!a.isMeasured, !b.isMeasured) || first(a.exceeds, b.exceeds)) ||
      (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0) ||
      first(!a.isMeasured, !b.isMeasured) ||
      (a.excess > b.excess ? -1 : a.excess < b.excess ? 1 : 0),
    );
}

function weighed(candidate: Candidate, signal: Signal, hasImageDisk: boolean): Weighed {
  const { pod, use } = candidate;
  const { resource } = SIGNALS[signal];
  const requests = podRequests(pod);
  const used = BigInt(use ? usedOf(pod, use, signal, hasImageDisk) : 0) * 1_000_000_000n;
  // Nobody asks for inodes; what is left to compare them with is the room that was asked for.
  const asked = requests.get(resource === 'inodes' ? 'ephemeral-storage' : resource) ?? 0n;
  return { ...candidate, isMeasured: use !== undefined, exceeds: used > (requests.get(resource) ?? 0n), excess: used - asked };
}

function usedOf(pod: PodObject, use: MeasuredPod, signal: Signal, hasImageDisk: boolean): number {
  const { containers, volumes } = use;
  switch (signal) {
    case 'memory.available':
      return podUse(use, 0).workingSetBytes;
    case 'pid.available':
      return sum(containers.map((one) => one.use.tasks?.processes));
    default: {
      const what = SIGNALS[signal].resource === 'inodes' ? 'inodesUsed' : 'usedBytes';
      const isImages = signal.startsWith('imagefs');
      const layers = !hasImageDisk || isImages ? containers.map(({ layer }) => layer?.[what]) : [];
      const local = new Set((pod.spec.volumes ?? []).filter(isLocal).map(({ name }) => name));
      const others = !hasImageDisk || !isImages ? [...containers.map(({ logs }) => logs?.[what]), ...volumes.filter(({ name }) => local.has(name)).map((volume) => volume[what])] : [];
      return sum([...layers, ...others]);
    }
  }
}

function sum(all: readonly (number | undefined)[]): number {
  return all.reduce<number>((total, one) => total + (one ?? 0), 0);
}
