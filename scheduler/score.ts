/** How well a node suits a pod: the framework's default scores and weights, each from 0 to 100. */
import type { Demand } from './demand.ts';
import type { Memo } from './memo.ts';
import type { Snapshot } from './snapshot.ts';

const MAX = 100;
const WEIGHT = { taintToleration: 3, nodeAffinity: 2, leastAllocated: 1, balancedAllocation: 1 } as const;

/** The total of each row in `rows`, in that order. */
export function scores(snapshot: Snapshot, rows: Int32Array, count: number, demand: Demand, memo: Memo): Float64Array {
  const out = new Float64Array(count);
  let mostPreferred = 0;
  let mostReluctant = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i] as number;
    mostPreferred = Math.max(mostPreferred, memo.preference[row] as number);
    mostReluctant = Math.max(mostReluctant, memo.reluctance[row] as number);
  }
  const bestEffort = !demand.requests.get('cpu') && !demand.requests.get('memory');
  for (let i = 0; i < count; i++) {
    const row = rows[i] as number;
    let total = WEIGHT.leastAllocated * leastAllocated(snapshot, row, demand);
    if (!bestEffort) total += WEIGHT.balancedAllocation * balancedAllocation(snapshot, row, demand);
    if (mostPreferred > 0) total += WEIGHT.nodeAffinity * Math.trunc((MAX * (memo.preference[row] as number)) / mostPreferred);
    const reluctant = mostReluctant > 0 ? Math.trunc((MAX * (memo.reluctance[row] as number)) / mostReluctant) : 0;
    out[i] = total + WEIGHT.taintToleration * (MAX - reluctant);
  }
  return out;
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
