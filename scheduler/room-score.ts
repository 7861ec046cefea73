/** How well the room on a node suits a pod: NodeResourcesFit by its strategy, and NodeResourcesBalancedAllocation. */
import type { Demand } from './demand.ts';
import type { Profile, ShapePoint } from './profile.ts';
import { isScalar } from './requests.ts';
import type { Snapshot } from './snapshot.ts';

const MAX = 100;
const MAX_SHAPE_SCORE = 10;

/** Weighted; from 0 to 100 times the weights. */
export function roomScore(snapshot: Snapshot, row: number, demand: Demand, profile: Profile): number {
  const { NodeResourcesFit: fit, NodeResourcesBalancedAllocation: balance } = profile.weights;
  return (fit > 0 ? fit * fitScore(snapshot, row, demand, profile) : 0) + (balance > 0 ? balance * balancedAllocation(snapshot, row, demand, profile) : 0);
}

function fitScore(snapshot: Snapshot, row: number, demand: Demand, profile: Profile): number {
  const { strategy, resources, shape } = profile;
  let sum = 0;
  let weights = 0;
  for (const { name, weight } of resources) {
    const wanted = name === 'cpu' ? demand.nonzeroCpu : name === 'memory' ? demand.nonzeroMemory : (demand.requests.get(name) ?? 0);
    if (wanted === 0 && isScalar(name)) continue;
    const column = snapshot.column(name);
    const capacity = column.allocatable[row] as number;
    if (capacity === 0) continue;
    const given = name === 'cpu' ? snapshot.nonzeroCpu[row] : name === 'memory' ? snapshot.nonzeroMemory[row] : column.requested[row];
    const used = (given as number) + wanted;
    const score = strategy === 'LeastAllocated' ? free(capacity, used) : strategy === 'MostAllocated' ? taken(capacity, used) : shaped(shape, used > capacity ? MAX : Math.trunc((used * MAX) / capacity));
    if (strategy === 'RequestedToCapacityRatio' && score <= 0) continue;
    sum += score * weight;
    weights += weight;
  }
  if (weights === 0) return 0;
  return strategy === 'RequestedToCapacityRatio' ? Math.round(sum / weights) : Math.trunc(sum / weights);
}

function free(capacity: number, used: number): number {
  return used > capacity ? 0 : Math.trunc(((capacity - used) * MAX) / capacity);
}

function taken(capacity: number, used: number): number {
  return Math.trunc((Math.min(used, capacity) * MAX) / capacity);
}

/** Along straight lines between the points of the shape, level before the first and after the last. */
function shaped(shape: readonly ShapePoint[], utilization: number): number {
  const scale = MAX / MAX_SHAPE_SCORE;
  for (const [i, point] of shape.entries()) {
    if (utilization > point.utilization) continue;
    const before = shape[i - 1];
    if (!before) return point.score * scale;
    const [low, high] = [before.score * scale, point.score * scale];
    return low + Math.trunc(((high - low) * (utilization - before.utilization)) / (point.utilization - before.utilization));
  }
  return (shape.at(-1)?.score ?? 0) * scale;
}

/** Whether this pod brings the shares in use closer together (above 50 and up) or further apart. Nothing for pods without requests. */
function balancedAllocation(snapshot: Snapshot, row: number, demand: Demand, { balanced }: Profile): number {
  if (!balanced.some((name) => demand.requests.get(name))) return 0;
  const before: number[] = [];
  const after: number[] = [];
  for (const name of balanced) {
    const wanted = demand.requests.get(name) ?? 0;
    if (wanted === 0 && isScalar(name)) continue;
    const { allocatable, requested } = snapshot.column(name);
    const capacity = allocatable[row] as number;
    if (capacity === 0) continue;
    before.push(Math.min(1, (requested[row] as number) / capacity));
    after.push(Math.min(1, ((requested[row] as number) + wanted) / capacity));
  }
  return MAX / 2 + Math.trunc((MAX / 2 + evenness(after) - evenness(before)) / 2);
}

function evenness(shares: readonly number[]): number {
  return Math.trunc((1 - deviation(shares)) * MAX);
}

function deviation(shares: readonly number[]): number {
  const [a, b] = shares;
  if (a === undefined || b === undefined) return 0;
  if (shares.length === 2) return Math.abs((a - b) / 2);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length);
}
