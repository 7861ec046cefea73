/** Counts in the status of workloads: none is negative, and parts do not exceed the whole. */
import { type FieldError, type Path, invalid } from '../../field-error.ts';
import { notNegative } from './quantity-rules.ts';

interface CountRules {
  /** In the order in which they are checked. */
  readonly counts: readonly string[];
  /** Those that may not exceed `replicas`. */
  readonly parts: readonly string[];
  readonly readyName?: string;
}

export function checkCounts(status: object | undefined, path: Path, rules: CountRules): FieldError[] {
  const count = (name: string): number => {
    const value = (status as Record<string, unknown> | undefined)?.[name];
    return typeof value === 'number' ? value : 0;
  };
  const errors = rules.counts.flatMap((name) => notNegative(count(name), path.child(name)));
  for (const name of rules.parts) {
    if (count(name) > count('replicas')) errors.push(invalid(path.child(name), count(name), 'cannot be greater than status.replicas'));
  }
  if (rules.readyName && count('availableReplicas') > count('readyReplicas')) {
    errors.push(invalid(path.child('availableReplicas'), count('availableReplicas'), `cannot be greater than ${rules.readyName}`));
  }
  return errors;
}

export function checkCollisions(count: number | undefined, old: number | undefined, path: Path): FieldError[] {
  return old !== undefined && (count ?? -1) < old ? [invalid(path.child('collisionCount'), count ?? 0, 'cannot be decremented')] : [];
}
