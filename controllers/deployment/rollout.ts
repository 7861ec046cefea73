/** How a Deployment's ReplicaSets grow and shrink: rolling, recreating, and in proportion when it is scaled midway. */
import { DESIRED_REPLICAS, MAX_REPLICAS, active, byCreation, byRevision, notedNumber, totalAvailable, totalReplicas, type Plan, type WorkingSet } from './plan.ts';
import { UNLIMITED } from './status.ts';

/** How large the newest set may be now, given all sets. */
export function newestReplicas(plan: Plan, sets: readonly WorkingSet[], current: number): number {
  if (plan.deployment.spec.strategy?.type === 'Recreate') return plan.replicas;
  const room = plan.replicas + plan.maxSurge - totalReplicas(sets);
  return room <= 0 ? current : current + Math.min(room, plan.replicas - current);
}

/** One step of a rolling update; whether it changed something. First up, then down, never both in one step. */
export function rollForward(plan: Plan, newest: WorkingSet, old: readonly WorkingSet[], { hold = false } = {}): boolean {
  if (newest.replicas !== plan.replicas && !(hold && newest.replicas < plan.replicas)) {
    const to = newest.replicas > plan.replicas ? plan.replicas : newestReplicas(plan, [...old, newest], newest.replicas);
    if (plan.scale(newest, to)) return true;
  }
  const shrinking = active(old).sort(byCreation);
  if (shrinking.length === 0) return false;
  // While the next pod has to wait, none is taken away for it.
  const minAvailable = hold ? plan.replicas : plan.replicas - plan.maxUnavailable;
  const newestUnavailable = newest.replicas - (newest.set.status?.availableReplicas ?? 0);
  const most = totalReplicas([...old, newest]) - minAvailable - newestUnavailable;
  // A set that reports more than it asks for has yet to shrink: its numbers are not to be counted on.
  if (most <= 0 || shrinking.some(({ replicas, set }) => (set.status?.availableReplicas ?? 0) > replicas)) return false;
  const unhealthy = shrink(plan, shrinking, most, ({ replicas, set }) => replicas - (set.status?.availableReplicas ?? 0));
  const spare = totalAvailable([...shrinking, newest]) - minAvailable;
  const healthy = spare > 0 ? shrink(plan, shrinking, spare, ({ replicas }) => replicas) : 0;
  return unhealthy + healthy > 0;
}

/** Takes up to `most` replicas from the sets, from each no more than it can spare. */
function shrink(plan: Plan, sets: readonly WorkingSet[], most: number, spare: (set: WorkingSet) => number): number {
  let taken = 0;
  for (const set of sets) {
    if (taken >= most) break;
    const take = Math.min(most - taken, spare(set), set.replicas);
    if (take <= 0) continue;
    plan.scale(set, set.replicas - take);
    taken += take;
  }
  return taken;
}

/** The replicas that a Deployment in the middle of a rollout gains or loses are shared among its sets by their size. */
export function scaleProportionally(plan: Plan, newest: WorkingSet | undefined, old: readonly WorkingSet[]): void {
  const all = newest ? [...old, newest] : [...old];
  if (all.length === 0) return;
  const running = active(all);
  if (running.length <= 1) {
    const only = running[0] ?? newest ?? [...old].sort(byCreation).at(-1);
    if (only) plan.scale(only, plan.replicas);
    return;
  }
  if (newest && isSaturated(plan, newest)) {
    for (const set of active(old)) plan.scale(set, 0);
    return;
  }
  if (plan.deployment.spec.strategy?.type !== 'RollingUpdate') return;
  const allowed = plan.replicas > 0 ? plan.replicas + plan.maxSurge : 0;
  const change = allowed - totalReplicas(running);
  const sign = change > 0 ? -1 : 1;
  const sorted = change === 0 ? running : running.sort((a, b) => b.replicas - a.replicas || sign * byCreation(a, b));
  const sizes = new Map<WorkingSet, number>();
  let shared = 0;
  for (const set of sorted) {
    const share = change === 0 ? 0 : shareOf(plan, set, change, shared);
    sizes.set(set, set.replicas + share);
    shared += share;
  }
  sorted.forEach((set, i) => {
    const size = (sizes.get(set) ?? set.replicas) + (i === 0 ? change - shared : 0);
    plan.scale(set, Math.max(0, size), true);
  });
}

function shareOf(plan: Plan, set: WorkingSet, change: number, shared: number): number {
  const left = change - shared;
  if (set.replicas === 0 || left === 0) return 0;
  const fraction = fractionOf(plan, set);
  return change > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

function fractionOf(plan: Plan, set: WorkingSet): number {
  if (plan.replicas === 0) return -set.replicas;
  const before = notedNumber(set, MAX_REPLICAS) || (plan.deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return Math.round((set.replicas * (plan.replicas + plan.maxSurge)) / before) - set.replicas;
}

function isSaturated(plan: Plan, newest: WorkingSet): boolean {
  const { replicas } = plan;
  return newest.replicas === replicas && notedNumber(newest, DESIRED_REPLICAS) === replicas && (newest.set.status?.availableReplicas ?? 0) === replicas;
}

/** Forgets the oldest of the empty sets beyond the limit. */
export function cleanUp(plan: Plan, old: readonly WorkingSet[]): void {
  const limit = plan.deployment.spec.revisionHistoryLimit;
  if (limit === undefined || limit === UNLIMITED) return;
  const kept = old.filter(({ set }) => set.metadata.deletionTimestamp === undefined).sort((a, b) => byRevision(a, b) || byCreation(a, b));
  for (const { stored, replicas } of kept.slice(0, Math.max(0, kept.length - limit))) {
    const { generation = 0 } = stored?.metadata ?? {};
    if (!stored || replicas !== 0 || (stored.status?.replicas ?? 0) !== 0 || generation > (stored.status?.observedGeneration ?? 0)) continue;
    plan.remove(stored);
  }
}
