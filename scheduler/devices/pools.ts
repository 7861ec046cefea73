/** The devices that a node can reach: the newest generation of each pool, complete or not. Follows structured/internal/incubating of dynamic-resource-allocation v0.36. */
import { matchesNodeSelector } from '../../api/selectors/node-selector.ts';
import type { NodeSelector } from '../../api/types/core.v1.ts';
import type { CounterSet, Device, ResourceSlice } from '../../api/types/resource.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { NodeFacts } from '../node-facts.ts';

export type Slice = Stored<ResourceSlice>;

export interface PooledDevice {
  /** `driver/pool/device`. */
  readonly id: string;
  readonly driver: string;
  readonly pool: string;
  readonly device: DeepReadonly<Device>;
  readonly slice: Slice;
}

export interface Pool {
  /** `driver/pool`. */
  readonly id: string;
  /** Its slices are being changed: nothing of it can be given away. */
  readonly isIncomplete: boolean;
  readonly isInvalid: boolean;
  readonly devices: readonly PooledDevice[];
  /** Those for other nodes too: they draw on the same counters. */
  readonly everywhere: readonly PooledDevice[];
  readonly counters: ReadonlyMap<string, DeepReadonly<CounterSet>>;
}

export function poolsOf(slices: Iterable<Slice>, node: NodeFacts): Pool[] {
  const all = [...slices];
  const byPool = new Map<string, Slice[]>();
  for (const slice of all) {
    if (!isReachable(slice, node)) continue;
    const id = poolId(slice);
    const known = byPool.get(id);
    const generation = slice.spec.pool.generation;
    const newest = known?.[0]?.spec.pool.generation ?? -1;
    if (!known || generation > newest) byPool.set(id, [slice]);
    else if (generation === newest) known.push(slice);
  }
  const pools: Pool[] = [];
  for (const [id, mine] of [...byPool].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { generation, resourceSliceCount } = (mine[0] as Slice).spec.pool;
    const ofPool = all.filter((slice) => poolId(slice) === id);
    if (ofPool.some(({ spec }) => spec.pool.generation > generation)) continue;
    const isIncomplete = ofPool.filter(({ spec }) => spec.pool.generation === generation).length !== resourceSliceCount;
    pools.push(isIncomplete ? { id, isIncomplete, isInvalid: false, devices: [], everywhere: [], counters: new Map() } : build(id, mine, ofPool.filter(({ spec }) => spec.pool.generation === generation), node));
  }
  return [...pools.filter((pool) => !needsPreparation(pool)), ...pools.filter(needsPreparation)];
}

/** Such pools come last: others are ready sooner. */
function needsPreparation({ devices }: Pool): boolean {
  return devices.some(({ device }) => device.bindingConditions !== undefined);
}

function build(id: string, reachable: readonly Slice[], slices: readonly Slice[], node: NodeFacts): Pool {
  const devices: PooledDevice[] = [];
  const everywhere: PooledDevice[] = [];
  const counters = new Map<string, DeepReadonly<CounterSet>>();
  const names = new Set<string>();
  let isInvalid = false;
  for (const slice of slices.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    for (const set of slice.spec.sharedCounters ?? []) {
      isInvalid ||= counters.has(set.name);
      counters.set(set.name, set);
    }
    for (const device of slice.spec.devices ?? []) {
      isInvalid ||= names.has(device.name);
      names.add(device.name);
      const one = { id: `${id}/${device.name}`, driver: slice.spec.driver, pool: slice.spec.pool.name, device, slice };
      everywhere.push(one);
      if (reachable.includes(slice) && (!slice.spec.perDeviceNodeSelection || isFor(node, device))) devices.push(one);
    }
  }
  isInvalid ||= slices.some(({ spec }) => (spec.devices ?? []).some((device) => (device.consumesCounters ?? []).some(({ counterSet, counters: used }) => Object.keys(used).some((name) => counters.get(counterSet)?.counters[name] === undefined))));
  return { id, isIncomplete: false, isInvalid, devices, everywhere, counters };
}

function poolId({ spec }: Slice): string {
  return `${spec.driver}/${spec.pool.name}`;
}

function isReachable({ spec }: Slice, node: NodeFacts): boolean {
  if (spec.sharedCounters?.length) return true;
  if (spec.perDeviceNodeSelection) return (spec.devices ?? []).some((device) => isFor(node, device));
  return isFor(node, spec);
}

function isFor(node: NodeFacts, { nodeName, allNodes, nodeSelector }: { readonly nodeName?: string; readonly allNodes?: boolean; readonly nodeSelector?: DeepReadonly<NodeSelector> }): boolean {
  if (nodeName) return nodeName === node.name;
  return allNodes === true || (nodeSelector !== undefined && matchesNodeSelector(nodeSelector, node.labels, node.name));
}
