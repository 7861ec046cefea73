/** The rules of deletion: grace periods, finalizers, what happens to dependents. Provenance: apiserver/pkg/registry/{rest,generic} of v0.36. */
import type { ApiObject, Metadata, Strategy } from '../../api/kind.ts';
import type { Resource } from '../registry/resource.ts';
import type { DeleteOptions } from './delete-options.ts';
import { timestamp } from '../../api/timestamp.ts';

export const ORPHAN = 'orphan';
export const FOREGROUND = 'foregroundDeletion';

/** Whether an update takes away the last thing that held a deleted object. */
export function goesWithUpdate(resource: Resource, object: Readonly<ApiObject>, old: Readonly<ApiObject>): boolean {
  if (old.metadata.deletionTimestamp === undefined || (object.metadata.finalizers?.length ?? 0) > 0) return false;
  if (isNamespace(resource) && specFinalizers(object).length > 0) return false;
  return (old.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

export type Deletion =
  /** `object` is its last state; `marked`: that is written first, so that watches see it go. */
  | { readonly do: 'remove'; readonly object: ApiObject; readonly marked?: boolean }
  /** Marked, and held by finalizers or a grace period. */
  | { readonly do: 'mark'; readonly object: ApiObject }
  /** It is on its way already. */
  | { readonly do: 'nothing' };

/** `object` is a copy that may be changed. */
export function planDeletion(resource: Resource, object: ApiObject, options: DeleteOptions, nowMs: number): Deletion {
  if (isNamespace(resource)) {
    const planned = planNamespace(object, options, nowMs);
    if (planned) return planned;
  }
  if (resource.strategy.holdDeletion && object.metadata.deletionTimestamp === undefined) {
    object.metadata.deletionTimestamp = timestamp(nowMs);
    resource.strategy.holdDeletion(object, nowMs);
    return { do: 'mark', object };
  }
  const grace = markGraceful(resource, object, options, nowMs);
  if (grace === 'pending') return { do: 'nothing' };
  setFinalizers(object, options, resource.kind.strategy);
  const held = (object.metadata.finalizers?.length ?? 0) > 0;
  if (grace === 'graceful') return held || (object.metadata.deletionGracePeriodSeconds ?? 0) > 0 ? { do: 'mark', object } : { do: 'remove', object, marked: true };
  if (!held) return { do: 'remove', object };
  markNow(object, nowMs);
  return { do: 'mark', object };
}

/** `graceful`: marked with a period, or a longer one was shortened. `pending`: it is on its way already. `none`: no grace. */
type Grace = 'graceful' | 'pending' | 'none';

function markGraceful({ kind }: Resource, object: ApiObject, options: DeleteOptions, nowMs: number): Grace {
  if (!kind.strategy.gracePeriodSeconds) return 'none';
  const asked = options.gracePeriodSeconds;
  const { metadata } = object;
  if (metadata.deletionTimestamp !== undefined) return shorten(metadata, asked, nowMs);
  const period = kind.strategy.gracePeriodSeconds(object, asked);
  metadata.deletionTimestamp = timestamp(nowMs + period * 1000);
  metadata.deletionGracePeriodSeconds = period;
  bumpGeneration(metadata);
  return 'graceful';
}

/** A period that runs can only be made shorter. */
function shorten(metadata: Metadata, asked: number | undefined, nowMs: number): Grace {
  const running = metadata.deletionGracePeriodSeconds ?? 0;
  if (running === 0) return 'none';
  if (asked === undefined || asked >= running) return 'pending';
  const ends = Date.parse(metadata.deletionTimestamp as string) + (asked - running) * 1000;
  const late = ends < nowMs;
  metadata.deletionTimestamp = timestamp(late ? nowMs : ends);
  metadata.deletionGracePeriodSeconds = late && asked !== 0 ? 1 : asked;
  return 'graceful';
}

/** Finalizers hold it, and they see that it is to go. */
function markNow({ metadata }: ApiObject, nowMs: number): void {
  const now = timestamp(nowMs);
  if (metadata.deletionTimestamp === undefined) bumpGeneration(metadata);
  if (metadata.deletionTimestamp === undefined || metadata.deletionTimestamp > now) metadata.deletionTimestamp = now;
  metadata.deletionGracePeriodSeconds = 0;
}

function bumpGeneration(metadata: Metadata): void {
  if ((metadata.generation ?? 0) > 0) metadata.generation = (metadata.generation ?? 0) + 1;
}

/** The finalizers that the garbage collector works by. */
function setFinalizers(object: ApiObject, options: DeleteOptions, { orphansByDefault = false, hasNoDependents }: Strategy): void {
  const { metadata } = object;
  const before = metadata.finalizers ?? [];
  const kept = before.filter((name) => name !== ORPHAN && name !== FOREGROUND);
  const wanted = hasNoDependents ? undefined : policyFinalizer(options, before, orphansByDefault);
  const after = wanted ? [...kept, wanted] : kept;
  if (after.length === before.length && before.every((name) => after.includes(name))) return;
  if (after.length > 0) metadata.finalizers = after;
  else delete metadata.finalizers;
}

function policyFinalizer(options: DeleteOptions, finalizers: readonly string[], orphansByDefault: boolean): string | undefined {
  if (options.orphanDependents !== undefined) return options.orphanDependents ? ORPHAN : undefined;
  switch (options.propagationPolicy) {
    case 'Orphan':
      return ORPHAN;
    case 'Foreground':
      return FOREGROUND;
    case 'Background':
      return undefined;
  }
  if (finalizers.includes(ORPHAN)) return ORPHAN;
  if (finalizers.includes(FOREGROUND)) return FOREGROUND;
  return orphansByDefault ? ORPHAN : undefined;
}

/** The first deletion only marks a namespace; undefined where the rules of all kinds go on. */
function planNamespace(object: ApiObject, options: DeleteOptions, nowMs: number): Deletion | undefined {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined) {
    metadata.deletionTimestamp = timestamp(nowMs);
    object['status'] = { ...(object['status'] as object | undefined), phase: 'Terminating' };
    setNamespaceFinalizers(object, options);
    return { do: 'mark', object };
  }
  return specFinalizers(object).length > 0 ? { do: 'nothing' } : undefined;
}

function setNamespaceFinalizers({ metadata }: ApiObject, { orphanDependents, propagationPolicy }: DeleteOptions): void {
  const orphan = orphanDependents === true || propagationPolicy === 'Orphan';
  if (orphan && !metadata.finalizers?.includes(ORPHAN)) metadata.finalizers = [...(metadata.finalizers ?? []), ORPHAN];
  if (propagationPolicy === 'Foreground' && !metadata.finalizers?.includes(FOREGROUND)) metadata.finalizers = [...(metadata.finalizers ?? []), FOREGROUND];
}

export function isNamespace({ kind }: Resource): boolean {
  return kind.group === '' && kind.plural === 'namespaces';
}

function specFinalizers(object: Readonly<ApiObject>): readonly string[] {
  return (object['spec'] as { finalizers?: string[] } | undefined)?.finalizers ?? [];
}
