/** How long the rules of custom resources take, under upstream's name. */
import type { Timed } from '../../api/structural/custom-strategy.ts';
import type { Clock } from '../../std/clock.ts';
import type { Meter } from '../../std/meter.ts';

/** Prometheus' own buckets. */
export const DEFAULT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function timedRules(meter: Meter, clock: Clock): Timed {
  const seconds = meter.histogram({ name: 'apiserver_cel_evaluation_duration_seconds', help: 'How long the rules of a custom resource took on an object.', buckets: DEFAULT_SECONDS });
  return (run) => {
    const beganMs = clock.monotonic();
    try {
      return run();
    } finally {
      seconds.of().observe((clock.monotonic() - beganMs) / 1000);
    }
  };
}
