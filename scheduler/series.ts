/** What is counted about decisions, under kube-scheduler's names. */
import type { Clock } from '../std/clock.ts';
import type { HistogramCell, Meter } from '../std/meter.ts';
import type { Decision } from './decide.ts';

export interface SchedulerSeries {
  /** Made within the time since `beganMs`, on the monotonic clock. */
  decided(profile: string, decisions: readonly Decision[], beganMs: number): void;
}

/** From one millisecond to 16 seconds, each twice the one before. */
const SECONDS = Array.from({ length: 15 }, (_, at) => 0.001 * 2 ** at);
const NONE: SchedulerSeries = { decided: () => undefined };

export function schedulerSeries(meter: Meter | undefined, clock: Clock, pending: () => number): SchedulerSeries {
  if (!meter) return NONE;
  const attempts = meter.counter({ name: 'scheduler_schedule_attempts_total', help: 'Decisions by their outcome.', labels: ['profile', 'result'] });
  const seconds = meter.histogram({ name: 'scheduler_scheduling_attempt_duration_seconds', help: 'How long decisions took.', labels: ['profile', 'result'], buckets: SECONDS });
  const waiting = meter.gauge({ name: 'scheduler_pending_pods', help: 'Pods that have no node yet.', labels: ['queue'], collect: () => waiting.of('all').set(pending()) });
  const cells = new Map<string, { readonly add: () => void; readonly seconds: HistogramCell }>();
  return {
    decided(profile, decisions, beganMs) {
      const took = (clock.monotonic() - beganMs) / 1000 / Math.max(1, decisions.length);
      for (const decision of decisions) {
        const result = 'node' in decision ? 'scheduled' : 'unschedulable';
        const key = `${profile} ${result}`;
        let cell = cells.get(key);
        if (!cell) {
          const counter = attempts.of(profile, result);
          cells.set(key, (cell = { add: () => counter.add(), seconds: seconds.of(profile, result) }));
        }
        cell.add();
        cell.seconds.observe(took);
      }
    },
  };
}
