/** What a namespace that is being deleted says about what is left in it. */
import type { NamespaceCondition } from '../api/types/core.v1.ts';
import { timeText } from '../client/time.ts';
import type { DeepReadonly } from '../std/deep.ts';

export interface Remains {
  /** Objects by `resource.group`. */
  readonly counts: Map<string, number>;
  readonly finalizers: Map<string, number>;
  readonly errors: Error[];
  /** Versions of groups of which nobody knows what is in them. */
  readonly undiscovered: readonly string[];
}

type Condition = DeepReadonly<NamespaceCondition>;

const FINE: readonly (readonly [type: string, reason: string, message: string])[] = [
  ['NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'],
  ['NamespaceDeletionGroupVersionParsingFailure', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  ['NamespaceDeletionContentFailure', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
  ['NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed'],
  ['NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
];

/** The new conditions; undefined where they say what is said already. */
export function deletionConditions(known: readonly Condition[], remains: Remains, now: number): Condition[] | undefined {
  const wrong = problems(remains);
  let changed = false;
  const next = [...known];
  for (const [type, fineReason, fineMessage] of FINE) {
    const problem = wrong.get(type);
    const said = problem ? { status: 'True', ...problem } : { status: 'False', reason: fineReason, message: fineMessage };
    const at = next.findIndex((condition) => condition.type === type);
    const old = next[at];
    if (old && old.status === said.status && old.reason === said.reason && old.message === said.message) continue;
    changed = true;
    const lastTransitionTime = old?.status === said.status && old.lastTransitionTime ? old.lastTransitionTime : timeText(now);
    const condition = { type, ...said, lastTransitionTime };
    if (old) next[at] = condition;
    else next.push(condition);
  }
  return changed ? next : undefined;
}

function problems({ counts, finalizers, errors, undiscovered }: Remains): Map<string, { readonly reason: string; readonly message: string }> {
  const found = new Map<string, { readonly reason: string; readonly message: string }>();
  if (undiscovered.length > 0) {
    const stale = undiscovered.map((version) => `${version}: stale GroupVersion discovery: ${version}`).join(', ');
    const message = `Discovery failed for some groups, ${undiscovered.length} failing: unable to retrieve the complete list of server APIs: ${stale}`;
    found.set('NamespaceDeletionDiscoveryFailure', { reason: 'DiscoveryFailed', message });
  }
  if (errors.length > 0) {
    const messages = errors.map(({ message }) => message).sort().join(', ');
    found.set('NamespaceDeletionContentFailure', { reason: 'ContentDeletionFailed', message: `Failed to delete all resource types, ${errors.length} remaining: ${messages}` });
  }
  if (counts.size > 0) {
    found.set('NamespaceContentRemaining', { reason: 'SomeResourcesRemain', message: `Some resources are remaining: ${lines(counts, (name, count) => `${name} has ${count} resource instances`)}` });
  }
  if (finalizers.size > 0) {
    const message = `Some content in the namespace has finalizers remaining: ${lines(finalizers, (name, count) => `${name} in ${count} resource instances`)}`;
    found.set('NamespaceFinalizersRemaining', { reason: 'SomeFinalizersRemain', message });
  }
  return found;
}

function lines(map: ReadonlyMap<string, number>, line: (name: string, count: number) => string): string {
  return [...map].map(([name, count]) => line(name, count)).sort().join(', ');
}
