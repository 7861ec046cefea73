/** Whether a pod takes more of the node's disk than it may: a volume, its containers together, or one of them. Upstream's order and words (pkg/kubelet/eviction, v1.36). Pure. */
import { canonicalQuantity, formatQuantity, parseQuantity, value } from '../../api/quantity.ts';
import { podAmounts } from '../../api/quota/pod-amounts.ts';
import type { PodSpec, Volume } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { PodObject, Spec } from '../pod.ts';

export type LimitSignal = 'emptydirfs.limit' | 'ephemeralpodfs.limit' | 'ephemeralcontainerfs.limit';

export interface Excess {
  readonly signal: LimitSignal;
  readonly message: string;
}

/** In bytes, by name. */
export interface LocalUse {
  readonly containers: ReadonlyMap<string, { readonly layer: number; readonly logs: number }>;
  readonly volumes: ReadonlyMap<string, number>;
}

const STORAGE = 'ephemeral-storage';

export interface ExcessInput {
  readonly pod: PodObject;
  readonly use: LocalUse;
  /** Images, and with them what containers write, are on a disk of their own. */
  readonly hasImageDisk: boolean;
}

/** The first limit that is exceeded. */
export function excess(input: ExcessInput): Excess | undefined {
  return volumeExcess(input) ?? podExcess(input) ?? containerExcess(input);
}

/** Whether anything about the pod's disk use has a limit. */
export function isLimited(pod: PodObject): boolean {
  return limitsAll(pod) || (pod.spec.volumes ?? []).some((volume) => sizeLimit(volume) !== undefined);
}

/** Whether all that it writes counts, not only what is in certain volumes. */
export function limitsAll({ spec }: PodObject): boolean {
  return [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) => resources?.limits?.[STORAGE] !== undefined);
}

/** Whether what a volume holds counts as the pod's: it stands on the node's disk and goes with the pod. */
export function isLocal({ emptyDir, configMap }: DeepReadonly<Volume>): boolean {
  return (emptyDir !== undefined && (emptyDir.medium ?? '') === '') || configMap !== undefined;
}

/** What an emptyDir on the disk may hold. One in memory is bounded by the file system that it is. */
export function sizeLimit({ emptyDir }: DeepReadonly<Volume>): string | undefined {
  if (!emptyDir || (emptyDir.medium ?? '') !== '' || emptyDir.sizeLimit === undefined) return undefined;
  return bytes(emptyDir.sizeLimit) > 0 ? emptyDir.sizeLimit : undefined;
}

function volumeExcess({ pod, use }: ExcessInput): Excess | undefined {
  for (const volume of pod.spec.volumes ?? []) {
    const limit = sizeLimit(volume);
    const used = use.volumes.get(volume.name);
    if (limit === undefined || used === undefined || used <= bytes(limit)) continue;
    return { signal: 'emptydirfs.limit', message: `Usage of EmptyDir volume ${JSON.stringify(volume.name)} exceeds the limit ${JSON.stringify(canonicalQuantity(limit))}. ` };
  }
  return undefined;
}

function podExcess({ pod, use }: ExcessInput): Excess | undefined {
  const limit = podAmounts(pod.spec as PodSpec, 'limits', { overhead: true })[STORAGE];
  if (!limit) return undefined;
  const local = (pod.spec.volumes ?? []).filter(isLocal).map(({ name }) => use.volumes.get(name) ?? 0);
  const used = [...[...use.containers.values()].map(({ layer, logs }) => layer + logs), ...local].reduce((sum, one) => sum + one, 0);
  if (used <= value(limit)) return undefined;
  return { signal: 'ephemeralpodfs.limit', message: `Pod ephemeral local storage usage exceeds the total limit of containers ${formatQuantity(limit)}. ` };
}

function containerExcess({ pod, use, hasImageDisk }: ExcessInput): Excess | undefined {
  for (const { name, resources } of pod.spec.containers as readonly Spec[]) {
    const limit = resources?.limits?.[STORAGE];
    const used = use.containers.get(name);
    if (limit === undefined || !used || bytes(limit) === 0 || used.logs + (hasImageDisk ? 0 : used.layer) <= bytes(limit)) continue;
    return { signal: 'ephemeralcontainerfs.limit', message: `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(canonicalQuantity(limit))}. ` };
  }
  return undefined;
}

function bytes(text: string): number {
  const quantity = parseQuantity(text);
  return quantity ? value(quantity) : 0;
}
