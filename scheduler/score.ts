/** How well a node suits a pod: the framework's default scores and weights, each from 0 to 100. */
import type { Demand } from './demand.ts';
import type { Case } from './case.ts';
import { affinityScores } from './pod-affinity.ts';
import type { Snapshot } from './snapshot.ts';
import { spreadScores } from './spread.ts';

const MAX = 100;
const WEIGHT = { taintToleration: 3, nodeAffinity: 2, leastAllocated: 1, balancedAllocation: 1, podTopologySpread: 2, interPodAffinity: 2, imageLocality: 1 } as const;

/** The total of each row in `rows`, in that order. */
export function scores(snapshot: Snapshot, rows: Int32Array, count: number, asking: Case): Float64Array {
  const { memo } = asking;
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) out[i] = memo.room[rows[i] as number] as number;
  const { images } = memo;
  if (images) for (let i = 0; i < count; i++) out[i] = (out[i] as number) + WEIGHT.imageLocality * (images[rows[i] as number] as number);
  if (memo.demand.preferred.length > 0) addShare(out, rows, memo.preference, { weight: WEIGHT.nodeAffinity, reverse: false });
  if (memo.reluctant) addShare(out, rows, memo.reluctance, { weight: WEIGHT.taintToleration, reverse: true });
  add(out, WEIGHT.podTopologySpread, spreadScores(snapshot, rows, count, asking));
  add(out, WEIGHT.interPodAffinity, affinityScores(snapshot, rows, count, asking));
  return out;
}

/** What depends on the pod and the row's own numbers alone. */
export function roomScore(snapshot: Snapshot, row: number, demand: Demand): number {
  const bestEffort = !demand.requests.get('cpu') && !demand.requests.get('memory');
  return WEIGHT.leastAllocated * leastAllocated(snapshot, row, demand) + (bestEffort ? 0 : WEIGHT.balancedAllocation * balancedAllocation(snapshot, row, demand));
}

function add(out: Float64Array, weight: number, more: Float64Array | undefined): void {
  if (more) for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + weight * (more[i] as number);
}

/** Each number's share of the largest, or what is left of it. */
function addShare(out: Float64Array, rows: Int32Array, numbers: Float64Array, { weight, reverse }: { readonly weight: number; readonly reverse: boolean }): void {
  let most = 0;
  for (let i = 0; i < out.length; i++) most = Math.max(most, numbers[rows[i] as number] as number);
  for (let i = 0; i < out.length; i++) {
    const share = most > 0 ? Math.trunc((MAX * (numbers[rows[i] as number] as number)) / most) : 0;
    out[i] = (out[i] as number) + weight * (reverse ? MAX - share : share);
  }
}

/** The share that stays free, cpu and memory alike. */
function leastAllocated(snapshot: Snapshot, row: number, demand: Demand): number {
  const cpu = snapshot.column('cpu').allocatable[row] as number;
  const memory = snapshot.column('memory').allocatable[row] as number;
  let sum = 0;
  let resources = 0;
  if (cpu > 0) {
    sum += free(cpu, (snapshot.nonzeroCpu[row] as number) + demand.nonzeroCpu);
    resources++;
  }
  if (memory > 0) {
    sum += free(memory, (snapshot.nonzeroMemory[row] as number) + demand.nonzeroMemory);
    resources++;
  }
  return resources > 0 ? Math.trunc(sum / resources) : 0;
}

function free(capacity: number, used: number): number {
  return used > capacity ? 0 : Math.trunc(((capacity - used) * MAX) / capacity);
}

/** Whether this pod brings the shares of cpu and memory in use closer together (above 50 and up) or further apart. */
function balancedAllocation(snapshot: Snapshot, row: number, demand: Demand): number {
  const cpu = snapshot.column('cpu');
  const memory = snapshot.column('memory');
  const allocatableCpu = cpu.allocatable[row] as number;
  const allocatableMemory = memory.allocatable[row] as number;
  const usedCpu = cpu.requested[row] as number;
  const usedMemory = memory.requested[row] as number;
  const before = balance(usedCpu, allocatableCpu, usedMemory, allocatableMemory);
  const after = balance(usedCpu + (demand.requests.get('cpu') ?? 0), allocatableCpu, usedMemory + (demand.requests.get('memory') ?? 0), allocatableMemory);
  return MAX / 2 + Math.trunc((MAX / 2 + after - before) / 2);
}

function balance(usedCpu: number, cpu: number, usedMemory: number, memory: number): number {
  if (cpu === 0 || memory === 0) return MAX;
  const difference = Math.abs(Math.min(1, usedCpu / cpu) - Math.min(1, usedMemory / memory)) / 2;
  return Math.trunc((1 - difference) * MAX);
}
