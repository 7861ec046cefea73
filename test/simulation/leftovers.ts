/** What habits must have left behind when all is well: runs on time, sizes as asked for, volumes and owners in order, nothing forgotten. */
import { CRON_SPARE_MS } from './habits/by-the-clock.ts';
import { claimsOf, nodesOfVolume } from './rules/volumes.ts';
import { deviceClaimsOf, devicesOf, reservedFor } from './rules/devices.ts';
import { GRAPH_LABEL } from './rules/garbage.ts';
import { hasCondition, isDeleting, keyOf } from './rules/rule.ts';
import type { Raw } from './picture.ts';
import type { World } from './world.ts';

/** Those stay for as long as a pod uses them: looked at on their own. */
const PROTECTED = ['PersistentVolume', 'ResourceClaim'];

type Say = (problem: string) => void;

/** All objects but events, as they are stored. */
export async function everything({ truth }: World): Promise<Raw[]> {
  const { entries } = await truth.list('/registry/');
  return entries.filter(({ key }) => !key.startsWith('/registry/events/')).map(({ value }) => JSON.parse(value.toString()) as Raw).filter(({ metadata }) => metadata?.uid !== undefined);
}

export function leftovers(all: readonly Raw[], world: World, say: Say): void {
  const of = (kind: string): Raw[] => all.filter((raw) => raw.kind === kind);
  const pods = of('Pod');
  garbage(all, say);
  claims(of('ResourceClaim'), pods, say);
  for (const cron of of('CronJob')) runs(cron, of('Job'), world.time.now(), say);
  for (const scaler of of('HorizontalPodAutoscaler')) size(scaler, of('Deployment'), pods, say);
  volumes({ claims: of('PersistentVolumeClaim'), all: of('PersistentVolume'), pods, sets: of('StatefulSet'), say });
}

/** Of pods that wait: whether their volumes let them run on this node. Undefined: that is not known. */
export function volumesAllow(pod: Raw, node: string, all: readonly Raw[]): boolean {
  return claimsOf(pod).every((key) => {
    const claim = all.find((raw) => raw.kind === 'PersistentVolumeClaim' && keyOf(raw) === key);
    if (!claim || isDeleting(claim)) return false;
    const spec = claim.spec as { volumeName?: string; storageClassName?: string; accessModes: readonly string[] };
    const rivals = all.some((raw) => raw.kind === 'Pod' && raw.metadata.uid !== pod.metadata.uid && claimsOf(raw).includes(key) && raw.spec?.['nodeName'] !== undefined);
    if (rivals && spec.accessModes.includes('ReadWriteOncePod')) return false;
    // One that is made when it is wanted can be anywhere; others may not be there.
    if (spec.volumeName === undefined) return spec.storageClassName === 'made-waiting';
    const volume = all.find((raw) => raw.kind === 'PersistentVolume' && raw.metadata.name === spec.volumeName);
    return volume !== undefined && (nodesOfVolume(volume)?.includes(node) ?? true);
  });
}

/** Of pods that wait: whether their claims have, or can have, devices on this node. */
export function devicesAllow(pod: Raw, node: string, all: readonly Raw[]): boolean {
  const claims = all.filter(({ kind }) => kind === 'ResourceClaim');
  const taken = new Set(claims.flatMap(devicesOf).map(({ id }) => id));
  const offered = all.filter((raw) => raw.kind === 'ResourceSlice' && raw.spec?.['nodeName'] === node).flatMap(({ spec }) => {
    const { driver, pool, devices = [] } = spec as { driver: string; pool: { name: string }; devices?: readonly { readonly name: string }[] };
    return devices.map(({ name }) => `${driver}/${pool.name}/${name}`);
  });
  let free = offered.filter((id) => !taken.has(id)).length;
  return deviceClaimsOf(pod).every((key) => {
    const claim = claims.find((one) => keyOf(one) === key);
    if (!claim || isDeleting(claim)) return false;
    const own = devicesOf(claim);
    if (own.length > 0) return own.every((device) => device.node === node);
    const { devices } = claim.spec as { devices: { requests: readonly { readonly exactly: { readonly count?: number } }[] } };
    free -= devices.requests.reduce((sum, { exactly }) => sum + (exactly.count ?? 1), 0);
    return free >= 0;
  });
}

function claims(all: readonly Raw[], pods: readonly Raw[], say: Say): void {
  for (const claim of all) {
    const text = `claim ${keyOf(claim)}`;
    const users = reservedFor(claim);
    for (const uid of users) if (!pods.some(({ metadata, status }) => metadata.uid === uid && status?.['phase'] !== 'Failed')) say(`${text} is kept for a pod that is over`);
    if (users.length === 0 && devicesOf(claim).length > 0) say(`${text} has devices that nobody uses`);
    if (users.length === 0 && isDeleting(claim)) say(`${text} goes on terminating`);
  }
  for (const pod of pods) if (pod.status?.['phase'] === 'Pending' && deviceClaimsOf(pod).includes(undefined)) say(`pod ${keyOf(pod)} has no claims`);
}

function garbage(all: readonly Raw[], say: Say): void {
  const uids = new Set(all.map(({ metadata }) => metadata.uid));
  const namespaces = new Set(all.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name));
  for (const raw of all) {
    const { namespace, ownerReferences = [], labels } = raw.metadata;
    const text = `${raw.kind} ${keyOf(raw)}`;
    if (namespace !== undefined && !namespaces.has(namespace)) say(`${text} is in a namespace that is gone`);
    const dead = ownerReferences.filter(({ uid }) => !uids.has(uid));
    if (dead.length === ownerReferences.length && dead.length > 0) say(`${text} is garbage: its ${dead[0]?.kind} ${dead[0]?.name} is gone`);
    if (labels?.[GRAPH_LABEL] !== undefined && dead.length > 0) say(`${text} goes on naming ${dead[0]?.kind} ${dead[0]?.name}, which is gone`);
    if (isDeleting(raw) && !PROTECTED.some((kind) => raw.kind.startsWith(kind))) say(`${text} goes on terminating: ${raw.metadata.finalizers?.join() ?? ''}`);
  }
}

function runs(cron: Raw, jobs: readonly Raw[], now: number, say: Say): void {
  const { schedule, suspend = false, concurrencyPolicy, successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cron.spec as { schedule: string; suspend?: boolean; concurrencyPolicy?: string; successfulJobsHistoryLimit?: number; failedJobsHistoryLimit?: number };
  const { lastScheduleTime, active = [] } = (cron.status ?? {}) as { lastScheduleTime?: string; active?: readonly { readonly uid: string }[] };
  const mine = jobs.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === cron.metadata.uid));
  const text = `CronJob ${keyOf(cron)}`;
  const period = 60_000 * Number(/^\*\/(\d+)/.exec(schedule)?.[1] ?? 1);
  const due = Math.floor((now - CRON_SPARE_MS) / period) * period;
  const isHeldUp = suspend || (concurrencyPolicy === 'Forbid' && active.length > 0) || Date.parse(cron.metadata.creationTimestamp ?? '') >= due;
  // What was held up at that time and is not any more may have passed its deadline.
  const hadRun = lastScheduleTime !== undefined && Date.parse(lastScheduleTime) >= due - (concurrencyPolicy === 'Forbid' ? 2 * period : 0);
  if (!isHeldUp && !hadRun) say(`${text} missed ${new Date(due).toISOString()}: ${JSON.stringify(cron.status)}`);
  for (const { uid } of active) if (!mine.some(({ metadata }) => metadata.uid === uid)) say(`${text} goes on counting a Job that is gone`);
  const ended = (type: string): number => mine.filter((job) => hasCondition(job, type)).length;
  if (ended('Complete') > successfulJobsHistoryLimit + 1 || ended('Failed') > failedJobsHistoryLimit + 1) say(`${text} keeps ${ended('Complete')} and ${ended('Failed')} finished Jobs`);
}

function size(scaler: Raw, deployments: readonly Raw[], pods: readonly Raw[], say: Say): void {
  const { scaleTargetRef, minReplicas = 1, maxReplicas } = scaler.spec as { scaleTargetRef: { name: string }; minReplicas?: number; maxReplicas: number };
  const target = deployments.find(({ metadata }) => metadata.namespace === scaler.metadata.namespace && metadata.name === scaleTargetRef.name);
  const mine = pods.filter(({ metadata }) => metadata.namespace === scaler.metadata.namespace && metadata.labels?.['app'] === scaleTargetRef.name);
  if (!target || mine.some(({ spec }) => spec?.['nodeName'] === undefined)) return;
  const replicas = Number(target.spec?.['replicas']);
  const text = `autoscaler ${keyOf(scaler)}`;
  if (replicas < minReplicas || replicas > maxReplicas) say(`${text} leaves ${replicas} replicas, outside of ${minReplicas} to ${maxReplicas}`);
  if (!hasCondition(scaler, 'ScalingActive')) say(`${text} is not active: ${JSON.stringify(scaler.status)}`);
  // All pods use the same in the end, each for itself: of 100m each.
  const use = /=(\d+)m$/.exec((target.spec as { template: { metadata: { annotations: Readonly<Record<string, string>> } } }).template.metadata.annotations['coracle.dev/hollow-cpu'] ?? '')?.[1];
  if (Number(use) > 115 && replicas < maxReplicas) say(`${text} leaves ${replicas} replicas that use ${use}% each, ${maxReplicas} are allowed`);
  if (Number(use) < 85 && replicas > minReplicas && Math.ceil((replicas * Number(use)) / 100) < replicas) say(`${text} leaves ${replicas} replicas that use ${use}% each, ${minReplicas} would do`);
}

interface Volumes {
  readonly claims: readonly Raw[];
  readonly all: readonly Raw[];
  readonly pods: readonly Raw[];
  readonly sets: readonly Raw[];
  readonly say: Say;
}

function volumes({ claims, all, pods, sets, say }: Volumes): void {
  for (const claim of claims) {
    const text = `claim ${keyOf(claim)}`;
    const isUsed = pods.some((pod) => claimsOf(pod).includes(keyOf(claim)));
    if (isDeleting(claim) && !isUsed) say(`${text} goes on terminating`);
    const name = claim.spec?.['volumeName'];
    const volume = all.find(({ metadata }) => metadata.name === name);
    if (name !== undefined && claim.status?.['phase'] !== 'Bound') say(`${text} has volume ${String(name)} and is ${String(claim.status?.['phase'])}`);
    if (volume && volume.status?.['phase'] !== 'Bound') say(`volume ${String(name)} of ${text} is ${String(volume.status?.['phase'])}`);
    const set = sets.find(({ metadata }) => metadata.namespace === claim.metadata.namespace && metadata.name === claim.metadata.labels?.['app']);
    const { replicas = 1, persistentVolumeClaimRetentionPolicy: policy } = (set?.spec ?? {}) as { replicas?: number; persistentVolumeClaimRetentionPolicy?: { whenScaled: string } };
    if (policy?.whenScaled === 'Delete' && Number(/-(\d+)$/.exec(claim.metadata.name)?.[1]) >= replicas) say(`${text} is left over: its set has ${replicas} replicas`);
  }
  for (const volume of all) {
    const text = `volume ${volume.metadata.name}`;
    const { claimRef, persistentVolumeReclaimPolicy: policy } = volume.spec as { claimRef?: { uid?: string }; persistentVolumeReclaimPolicy?: string };
    const owner = claims.find(({ metadata }) => metadata.uid === claimRef?.uid);
    const phase = volume.status?.['phase'];
    if (claimRef?.uid && !owner && phase !== 'Released') say(`${text} is ${String(phase)}, though its claim is gone`);
    if (phase === 'Released' && policy === 'Delete') say(`${text} was released and is still there`);
    if (isDeleting(volume) && !owner) say(`${text} goes on terminating: ${JSON.stringify(volume.status)}`);
  }
}
