/** What one reconcile of a Deployment wants of its ReplicaSets: working copies, changed in place, and the actions they amount to. */
import { deployments, replicasets } from '../../api/resources.ts';
import type { Deployment, ReplicaSet } from '../../api/types/apps.v1.ts';
import type { Stored } from '../../client/client.ts';
import { deepCopy, type Mutable } from '../../std/deep.ts';
import { create, event, remove, subject, update } from '../actions.ts';
import type { Action } from '../controller.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

export type StoredDeployment = Stored<Deployment>;

/** A ReplicaSet as it is to be. */
export interface WorkingSet {
  readonly name: string;
  readonly stored: Stored<ReplicaSet> | undefined;
  readonly set: Mutable<ReplicaSet>;
  replicas: number;
  annotations: Record<string, string>;
  readonly events: Action[];
}

export class Plan {
  readonly deployment: StoredDeployment;
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly #changed: WorkingSet[] = [];
  readonly #removed: Action[] = [];

  constructor(deployment: StoredDeployment) {
    this.deployment = deployment;
    this.replicas = deployment.spec.replicas ?? 1;
    ({ maxSurge: this.maxSurge, maxUnavailable: this.maxUnavailable } = fenceposts(deployment, this.replicas));
  }

  /** Notes that a set differs from what is stored. Sets are written in the order of their first change. */
  touch(set: WorkingSet): void {
    if (!this.#changed.includes(set)) this.#changed.push(set);
  }

  /** Whether it really scales. `force`: the notes on the set are brought up to date even if not. */
  scale(set: WorkingSet, to: number, force = false): boolean {
    const from = set.replicas;
    if (from === to && !force) return false;
    const noted = noteReplicas(set, this.replicas, this.replicas + this.maxSurge);
    if (from === to && !noted) return false;
    set.replicas = to;
    this.touch(set);
    if (from !== to) this.say(set, `Scaled ${from < to ? 'up' : 'down'} replica set ${set.name} from ${from} to ${to}`);
    return from !== to;
  }

  say(set: WorkingSet, message: string): void {
    set.events.push(event(subject(deployments, this.deployment), 'Normal', 'ScalingReplicaSet', message));
  }

  remove(set: Stored<ReplicaSet>): void {
    this.#removed.push(remove(replicasets, set));
  }

  actions(): Action[] {
    const written = this.#changed.flatMap(({ stored, set, replicas, annotations, events }) => {
      const object = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } };
      return [stored ? update(replicasets, object) : create(replicasets, object), ...events];
    });
    return [...written, ...this.#removed];
  }
}

export function workingSet(stored: Stored<ReplicaSet>): WorkingSet {
  const set = deepCopy(stored) as unknown as Mutable<ReplicaSet>;
  return { name: stored.metadata.name, stored, set, replicas: stored.spec.replicas ?? 1, annotations: { ...stored.metadata.annotations }, events: [] };
}

/** Whether the notes changed. */
export function noteReplicas(set: WorkingSet, desired: number, max: number): boolean {
  const { annotations } = set;
  if (annotations[DESIRED_REPLICAS] === String(desired) && annotations[MAX_REPLICAS] === String(max)) return false;
  annotations[DESIRED_REPLICAS] = String(desired);
  annotations[MAX_REPLICAS] = String(max);
  return true;
}

/** A whole number from 0 to 2^31−1, or nothing. */
export function notedNumber(set: WorkingSet, annotation: string): number | undefined {
  const text = set.annotations[annotation];
  if (text === undefined || !/^[0-9]+$/.test(text)) return undefined;
  const number = Number(text);
  return number > 2 ** 31 - 1 ? undefined : number;
}

/** Revisions have 64 bits. */
export function revisionOf(set: WorkingSet): bigint {
  return readRevision(set.annotations[REVISION] ?? '') ?? 0n;
}

export function byRevision(a: WorkingSet, b: WorkingSet): number {
  return Number(revisionOf(a) > revisionOf(b)) - Number(revisionOf(a) < revisionOf(b));
}

/** Undefined: a text that is none. */
export function readRevision(text: string): bigint | undefined {
  const value = /^[-+]?[0-9]{1,19}$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
  return value === undefined || BigInt.asIntN(64, value) !== value ? undefined : value;
}

export function totalReplicas(sets: readonly WorkingSet[]): number {
  return sets.reduce((sum, { replicas }) => sum + replicas, 0);
}

export function totalAvailable(sets: readonly WorkingSet[]): number {
  return sets.reduce((sum, { set }) => sum + (set.status?.availableReplicas ?? 0), 0);
}

export function active(sets: readonly WorkingSet[]): WorkingSet[] {
  return sets.filter(({ replicas }) => replicas > 0);
}

export function byCreation(a: WorkingSet, b: WorkingSet): number {
  const [left, right] = [a.stored?.metadata.creationTimestamp ?? '9', b.stored?.metadata.creationTimestamp ?? '9'];
  return left < right ? -1 : left > right ? 1 : a.name < b.name ? -1 : 1;
}

/** A number, or a share of the whole: `25%`. */
export function scaled(value: number | string | undefined, whole: number, round: (value: number) => number): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const percent = /^([0-9]+)%$/.exec(value)?.[1];
  return percent === undefined ? 0 : round((Number(percent) * whole) / 100);
}

function fenceposts(deployment: StoredDeployment, replicas: number): { maxSurge: number; maxUnavailable: number } {
  const { type, rollingUpdate } = deployment.spec.strategy ?? {};
  if (type !== 'RollingUpdate') return { maxSurge: 0, maxUnavailable: 0 };
  const maxSurge = scaled(rollingUpdate?.maxSurge, replicas, Math.ceil);
  const unavailable = scaled(rollingUpdate?.maxUnavailable, replicas, Math.floor);
  // Both may come out as zero by rounding, and then nothing could ever move.
  const maxUnavailable = maxSurge === 0 && unavailable === 0 ? 1 : unavailable;
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}
