/**
 * Bounds what upstream's cost units do not see: comparisons inside nested values, lengths of long texts. One evaluation
 * runs at a time and never waits, so one counter serves all.
 */
import { CelError } from './cel.ts';

/** Less than a second. */
const WORK_LIMIT = 1_500_000;

let left = WORK_LIMIT;

/** Throws CelError when an evaluation has done too much. */
export function spendWork(units: number): void {
  left -= units;
  if (left < 0) throw new CelError('operation cancelled: actual cost limit exceeded', true);
}

/** Runs an evaluation with a count of its own; one inside another shares it. */
export function withWork<T>(run: () => T): T {
  const outer = depth > 0;
  if (!outer) left = WORK_LIMIT;
  depth++;
  try {
    return run();
  } finally {
    depth--;
  }
}

let depth = 0;
