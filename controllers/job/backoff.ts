/** How often a Job's pods have failed since the last success, and when: it outlives the pods, each of which counts once. */
import type { StoredPod } from '../pods.ts';
import { endedAt } from './pods.ts';

export interface Failures {
  readonly count: number;
  /** When the last of them ended, in milliseconds; 0 where there is none. */
  readonly lastAt: number;
}

interface Known extends Failures {
  /** Uids of pods that are part of the count and still there. */
  readonly counted: ReadonlySet<string>;
}

const NONE: Known = { count: 0, lastAt: 0, counted: new Set() };

/** What is forgotten, at a restart for one, only lets the next pod come sooner. */
export class JobBackoff {
  readonly #known = new Map<string, Known>();

  /** Takes note of pods that have ended; those that it knows already change nothing. */
  note(job: string, { succeeded, failed }: { readonly succeeded: readonly StoredPod[]; readonly failed: readonly StoredPod[] }, now: number): Failures {
    const known = this.#known.get(job) ?? NONE;
    const isNew = ({ metadata }: StoredPod): boolean => !known.counted.has(metadata.uid);
    const successes = succeeded.filter(isNew).map((pod) => endedAt(pod, now));
    const lastSuccess = successes.length > 0 ? Math.max(...successes) : undefined;
    const failures = failed.filter(isNew).map((pod) => endedAt(pod, now)).filter((at) => lastSuccess === undefined || at > lastSuccess);
    const before = lastSuccess === undefined ? known : NONE;
    const next = {
      count: before.count + failures.length,
      lastAt: failures.length > 0 ? Math.max(...failures) : before.lastAt,
      counted: new Set([...succeeded, ...failed].map(({ metadata }) => metadata.uid)),
    };
    if (next.count > 0 || next.counted.size > 0) this.#known.set(job, next);
    else this.#known.delete(job);
    return next;
  }

  forget(job: string): void {
    this.#known.delete(job);
  }
}
