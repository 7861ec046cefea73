/** One pod before all nodes: everything that the filters know of it, and their verdict on any row. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Demand } from './demand.ts';
import type { DeviceNeeds } from './devices/devices.ts';
import { FINE, type Obstacle, type Shift, roomFor, roomRefusals } from './filters.ts';
import type { Impossible, Refusal } from './refusal.ts';
import type { Memo } from './memo.ts';
import { affinityObstacle } from './pod-affinity.ts';
import type { Snapshot } from './snapshot.ts';
import type { NodeFacts } from './node-facts.ts';
import { spreadObstacle } from './spread.ts';
import type { PodClass } from './tallies.ts';
import type { VolumeNeeds } from './volumes.ts';

/** What extenders say of nodes: why they refuse, and how they score. */
export interface Asked {
  readonly refused: ReadonlyMap<string, Refusal>;
  /** Weighted. */
  readonly scores: ReadonlyMap<string, number>;
  /** Who is evicted is decided with them. */
  readonly choosesVictims?: boolean;
}

export interface Case {
  readonly pod: Stored<Pod>;
  readonly demand: Demand;
  readonly podClass: PodClass;
  readonly memo: Memo;
  readonly volumes: VolumeNeeds | undefined;
  readonly devices: DeviceNeeds | undefined;
  readonly asked: Asked | undefined;
  /** The node that is being cleared for it. */
  readonly nominated: string | undefined;
  /** In the order of the framework. */
  readonly obstacles: readonly Obstacle[];
}

export function openCase(snapshot: Snapshot, pod: Stored<Pod>, demand: Demand, memo: Memo, asked?: Asked): Case | Impossible {
  const { filters } = memo.ask.profile;
  const volumes = demand.claims.length > 0 || demand.disks ? snapshot.volumes.needs(pod, filters, (node) => snapshot.podsOn(node)) : undefined;
  if (volumes && 'impossible' in volumes) return volumes;
  const amounted = { requests: demand.requests, allocatable: ({ name }: NodeFacts, resource: string) => snapshot.column(resource).allocatable[snapshot.row(name) as number] ?? 0 };
  const devices = (demand.devices || snapshot.devices.concern(demand.requests)) && filters.has('DynamicResources') ? snapshot.devices.needs(pod, amounted) : undefined;
  if (devices && 'impossible' in devices) return devices;
  memo.refresh(snapshot);
  const opened = { pod, demand, podClass: snapshot.tallies.classOf(pod), memo, volumes, devices, asked, nominated: snapshot.nominations.of(pod.metadata.uid), obstacles: [] };
  return { ...opened, obstacles: obstacles(snapshot, opened) };
}

/** The same case after pods came or went, as far as it concerns their relations. */
export function reopened(snapshot: Snapshot, known: Case): Case {
  return known.obstacles.length === 0 ? known : { ...known, obstacles: obstacles(snapshot, known) };
}

/** Whether a row takes the pod; `memo` must be fresh. */
export function takes({ memo, obstacles }: Case, row: number): boolean {
  if (memo.fits[row] !== 1) return false;
  for (const obstacle of obstacles) if (obstacle(row).length > 0) return false;
  return true;
}

/** Why a row does not take the pod: the reasons of the first filter that refuses. Looks at the numbers as they are now. */
export function refusalsAt(snapshot: Snapshot, known: Case, row: number): readonly Refusal[] {
  const fixed = known.memo.refusals(row);
  if (fixed) return fixed;
  const room = known.memo.roomRefusals(snapshot, row);
  if (room.length > 0) return room;
  for (const obstacle of known.obstacles) {
    const refusals = obstacle(row);
    if (refusals.length > 0) return refusals;
  }
  return nominatedFirst(snapshot, known, row);
}

/** What is refused because the node is being cleared for pods that are no less important. */
export function nominatedFirst(snapshot: Snapshot, known: Case, row: number): readonly Refusal[] {
  if (snapshot.contested[row] === 0) return FINE;
  const { demand, memo, nominated } = known;
  // Who is nominated there himself sees less in his way than the others of his kind.
  if (nominated !== undefined && nominated === snapshot.facts[row]?.name) return besides(snapshot, known, row);
  return memo.yieldedTo(snapshot, row, demand.priority, () => besides(snapshot, known, row));
}

/** Whether there is room besides them. */
export function leavesRoom(snapshot: Snapshot, known: Case, row: number): boolean {
  return nominatedFirst(snapshot, known, row).length === 0;
}

function besides(snapshot: Snapshot, { pod, demand, memo: { ask } }: Case, row: number): readonly Refusal[] {
  const shifts: readonly Shift[] = snapshot.nominations.before(snapshot.facts[row]?.name ?? '', pod.metadata.uid, demand.priority);
  return shifts.length === 0 || roomFor(snapshot, row, ask, shifts) ? FINE : roomRefusals(snapshot, row, ask, shifts);
}

function obstacles(snapshot: Snapshot, known: Case): Obstacle[] {
  const { volumes } = known;
  const { filters } = known.memo.ask.profile;
  const byVolumes: Obstacle | undefined = volumes && ((row) => volumes.refusals(snapshot.facts[row] as NodeFacts));
  const bySpread = filters.has('PodTopologySpread') ? spreadObstacle(snapshot, known) : undefined;
  const byAffinity = filters.has('InterPodAffinity') ? affinityObstacle(snapshot, known.demand, known.podClass) : undefined;
  const { devices } = known;
  const byDevices: Obstacle | undefined = devices && ((row) => devices.refusals(snapshot.facts[row] as NodeFacts));
  const refused = known.asked?.refused;
  const byExtenders: Obstacle | undefined = refused && ((row) => toList(refused.get(snapshot.facts[row]?.name ?? '')));
  const { features } = known.demand;
  const byFeatures: Obstacle | undefined = features.length > 0 && filters.has('NodeDeclaredFeatures') ? (row) => (features.every((one) => snapshot.facts[row]?.features.includes(one)) ? FINE : UNABLE) : undefined;
  return [byVolumes, bySpread, byAffinity, byDevices, byFeatures, byExtenders].filter((one) => one !== undefined);
}

const UNABLE: readonly Refusal[] = [{ plugin: 'NodeDeclaredFeatures', reason: "node(s) didn't match Pod's required features", lasting: true }];

function toList(refusal: Refusal | undefined): readonly Refusal[] {
  return refusal ? [refusal] : FINE;
}
