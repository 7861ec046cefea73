/** How many replicas bring a metric to its target. The rules are those of upstream's replica calculator (v1.36). */
import { milliValue, parseQuantity } from '../../api/quantity.ts';
import { timeMs } from '../../client/time.ts';
import { isDeleting } from '../owners.ts';
import { isReady, podCondition, type StoredPod } from '../pods.ts';
import type { PodReading, PodReadings } from './readings.ts';

export const MAX_INT32 = 2 ** 31 - 1;

/** Deviations from the target, as shares of it, that change nothing. */
export interface Tolerances {
  readonly down: number;
  readonly up: number;
}

export interface Situation {
  readonly pods: readonly StoredPod[];
  readonly currentReplicas: number;
  readonly tolerances: Tolerances;
  readonly now: number;
  readonly cpuInitializationMs: number;
  readonly initialReadinessDelayMs: number;
}

export interface Proposal {
  readonly replicas: number;
  /** The average that was measured, in thousandths. */
  readonly usage: number;
  /** In percent of the request, where the target is one. */
  readonly utilization?: number;
}

/** What a target cannot be compared with. The message is what clients see. */
export class NoProposal extends Error {
  override readonly name = 'NoProposal';
  /** What stands before the message in the sum of all metrics, and only there. */
  readonly inSum: string | undefined;
  constructor(message: string, inSum?: string) {
    super(message);
    this.inSum = inSum;
  }
}

export function isWithin({ down, up }: Tolerances, ratio: number): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

/** A share of what pods request. */
export function fromUtilization(readings: PodReadings, options: { readonly target: number; readonly resource: string; readonly container: string }, situation: Situation): Proposal {
  const { target, resource, container } = options;
  const { metrics, groups } = measured(readings, resource, situation);
  const requests = new Map(situation.pods.map((pod) => [pod.metadata.name, requested(pod, container, resource)]));
  const first = utilization(metrics, requests, target);
  const measure = { usage: first.average, utilization: first.percent };
  const fallback = (name: string): number => Math.trunc(((requests.get(name) ?? 0) * Math.max(100, target)) / 100);
  return { ...measure, replicas: sized({ ratio: first.ratio, again: (all) => utilization(all, requests, target).ratio, metrics, groups, fallback }, situation) };
}

/** An amount per pod. */
export function fromAverage(readings: PodReadings, options: { readonly target: number; readonly resource: string }, situation: Situation): Proposal {
  const { target, resource } = options;
  const { metrics, groups } = measured(readings, resource, situation);
  const usage = average(metrics);
  return { usage, replicas: sized({ ratio: usage / target, again: (all) => average(all) / target, metrics, groups, fallback: () => target }, situation) };
}

/** An amount for all pods together. */
export function fromTotal(usage: number, target: number, { pods, currentReplicas, tolerances }: Situation): Proposal {
  const ratio = usage / target;
  if (currentReplicas === 0) return { usage, replicas: Math.min(MAX_INT32, Math.ceil(ratio)) };
  if (isWithin(tolerances, ratio)) return { usage, replicas: currentReplicas };
  if (pods.length === 0) throw new NoProposal('unable to calculate ready pods: no pods returned by selector while calculating replica count');
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod)).length;
  return { usage, replicas: Math.min(MAX_INT32, Math.ceil(ratio * ready)) };
}

/** A total of which each pod is to have its part. */
export function fromTotalPerPod(total: number, target: number, statusReplicas: number, tolerances: Tolerances): Proposal {
  const ratio = total / (target * statusReplicas);
  const replicas = isWithin(tolerances, ratio) ? statusReplicas : Math.min(MAX_INT32, Math.ceil(total / target));
  return { replicas, usage: statusReplicas === 0 ? 0 : Math.ceil(total / statusReplicas) };
}

interface Groups {
  readonly ready: number;
  readonly unready: readonly string[];
  readonly missing: readonly string[];
}

function measured(readings: PodReadings, resource: string, situation: Situation): { readonly metrics: Map<string, number>; readonly groups: Groups } {
  if (situation.pods.length === 0) throw new NoProposal('no pods returned by selector while calculating replica count');
  const metrics = new Map([...readings].map(([name, { value }]) => [name, value]));
  const unready: string[] = [];
  const missing: string[] = [];
  let ready = 0;
  for (const pod of situation.pods) {
    const { name } = pod.metadata;
    const reading = readings.get(name);
    if (isDeleting(pod) || pod.status?.phase === 'Failed') metrics.delete(name);
    else if (pod.status?.phase === 'Pending' || (reading && resource === 'cpu' && isStarting(pod, reading, situation))) unready.push(name);
    else if (!reading) missing.push(name);
    else ready++;
  }
  for (const name of unready) metrics.delete(name);
  if (metrics.size === 0) throw new NoProposal('did not receive metrics for targeted pods (pods might be unready)');
  return { metrics, groups: { ready, unready, missing } };
}

/** Whether the pod's use of CPU says nothing yet of what it will use. */
function isStarting(pod: StoredPod, reading: PodReading, { now, cpuInitializationMs, initialReadinessDelayMs }: Situation): boolean {
  const condition = podCondition(pod, 'Ready');
  const { startTime } = pod.status ?? {};
  if (!condition || !startTime) return true;
  const started = timeMs(startTime);
  const changed = condition.lastTransitionTime ? timeMs(condition.lastTransitionTime) : 0;
  const isUnready = condition.status === 'False';
  if (started + cpuInitializationMs > now) return isUnready || reading.timestampMs < changed + reading.windowMs;
  return isUnready && started + initialReadinessDelayMs > changed;
}

interface Sizing {
  readonly ratio: number;
  readonly again: (metrics: ReadonlyMap<string, number>) => number;
  readonly metrics: Map<string, number>;
  readonly groups: Groups;
  /** What a pod without a reading is taken to use when the others say that there are too many. */
  readonly fallback: (name: string) => number;
}

function sized({ ratio, again, metrics, groups: { ready, unready, missing }, fallback }: Sizing, { currentReplicas, tolerances }: Situation): number {
  const growsWithUnready = unready.length > 0 && ratio > 1;
  if (!growsWithUnready && missing.length === 0) return isWithin(tolerances, ratio) ? currentReplicas : Math.ceil(ratio * ready);
  for (const name of missing) {
    if (ratio < 1) metrics.set(name, fallback(name));
    else if (ratio > 1) metrics.set(name, 0);
  }
  if (growsWithUnready) for (const name of unready) metrics.set(name, 0);
  const next = again(metrics);
  // Neither a small change nor one of direction is believed.
  if (isWithin(tolerances, next) || (ratio < 1 && next > 1) || (ratio > 1 && next < 1)) return currentReplicas;
  const replicas = Math.ceil(next * metrics.size);
  if ((next < 1 && replicas > currentReplicas) || (next > 1 && replicas < currentReplicas)) return currentReplicas;
  return replicas;
}

function average(metrics: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const amount of metrics.values()) total += amount;
  return Math.trunc(total / metrics.size);
}

function utilization(metrics: ReadonlyMap<string, number>, requests: ReadonlyMap<string, number>, target: number): { readonly ratio: number; readonly percent: number; readonly average: number } {
  let used = 0;
  let requestedTotal = 0;
  let count = 0;
  for (const [name, amount] of metrics) {
    const request = requests.get(name);
    if (request === undefined) continue;
    used += amount;
    requestedTotal += request;
    count++;
  }
  if (requestedTotal === 0) throw new NoProposal('no metrics returned matched known pods');
  const percent = Math.trunc((used * 100) / requestedTotal);
  return { ratio: percent / target, percent, average: Math.trunc(used / count) };
}

/** What a pod, or one container of it, asks for. */
function requested({ metadata: { name }, spec }: StoredPod, container: string, resource: string): number {
  const own = spec?.resources?.requests;
  if (!container && own && Object.keys(own).length > 0) {
    const amount = own[resource];
    if (amount === undefined) throw new NoProposal(`missing pod-level request for ${resource} in Pod ${name}`);
    return milli(amount);
  }
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')];
  const chosen = container ? all.filter((one) => one.name === container) : all;
  if (container && chosen.length === 0) throw new NoProposal(`container ${container} not found in Pod ${name}`);
  return chosen.reduce((sum, one) => {
    const amount = one.resources?.requests?.[resource];
    if (amount === undefined) throw new NoProposal(`missing request for ${resource} in container ${one.name} of Pod ${name}`);
    return sum + milli(amount);
  }, 0);
}

function milli(text: string): number {
  const quantity = parseQuantity(text);
  return quantity ? milliValue(quantity) : 0;
}
