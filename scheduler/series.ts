/** What is counted about decisions, under kube-scheduler's names. */
import type { Clock } from '../std/clock.ts';
import type { HistogramCell, Meter } from '../std/meter.ts';
import type { Decision } from './decide.ts';
import type { Profile } from './profile.ts';

export interface SchedulerSeries {
  /** Made within the time since `beganMs`, on the monotonic clock. */
  decided(profile: Pick<Profile, 'name' | 'preempts'>, decisions: readonly Decision[], beganMs: number): void;
  /** A pod joined a queue: by what. */
  queued(queue: 'active' | 'backoff' | 'unschedulable', event: QueueEvent): void;
  /** A pod has its node: after so many decisions, and so long after it came. */
  placed(attempts: number, waitedMs: number): void;
  /** Pods are evicted for another. */
  evicting(victims: number): void;
}

/** `ClusterChange` stands for upstream's many names of what may have helped. */
export type QueueEvent = 'UnschedulablePodAdd' | 'ScheduleAttemptFailure' | 'BackoffComplete' | 'ClusterChange';

/** What is there, looked up when somebody asks. */
export interface SchedulerState {
  readonly queues: () => Readonly<Record<'active' | 'backoff' | 'unschedulable' | 'gated', number>>;
  /** Parked pods by the profile and each plugin that refused them. */
  readonly refused: () => Iterable<readonly [profile: string, plugin: string]>;
  readonly cached: () => Readonly<Record<'nodes' | 'pods' | 'assumed_pods', number>>;
  readonly binding: () => number;
}

/** From one millisecond to 16 seconds, each twice the one before. */
const SECONDS = Array.from({ length: 15 }, (_, at) => 0.001 * 2 ** at);
const NONE: SchedulerSeries = { decided: () => undefined, queued: () => undefined, placed: () => undefined, evicting: () => undefined };
const powers = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from * 2 ** at);
/** Decisions after which they are counted together. */
const ATTEMPTS_TOLD = 15;

export function schedulerSeries(meter: Meter | undefined, clock: Clock, state: SchedulerState): SchedulerSeries {
  if (!meter) return NONE;
  const attempts = meter.counter({ name: 'scheduler_schedule_attempts_total', help: 'Decisions by their outcome.', labels: ['profile', 'result'] });
  const seconds = meter.histogram({ name: 'scheduler_scheduling_attempt_duration_seconds', help: 'How long decisions took.', labels: ['profile', 'result'], buckets: SECONDS });
  const algorithm = meter.histogram({ name: 'scheduler_scheduling_algorithm_duration_seconds', help: 'How long decisions took that found a node.', buckets: SECONDS });
  const incoming = meter.counter({ name: 'scheduler_queue_incoming_pods_total', help: 'Pods that joined a queue, and why.', labels: ['queue', 'event'] });
  const tries = meter.histogram({ name: 'scheduler_pod_scheduling_attempts', help: 'Decisions until a pod had its node.', buckets: powers(1, 5) });
  const waited = meter.histogram({ name: 'scheduler_pod_scheduling_sli_duration_seconds', help: 'Time from when a pod came until it had its node.', labels: ['attempts'], buckets: powers(0.01, 20) });
  const preemptions = meter.counter({ name: 'scheduler_preemption_attempts_total', help: 'How often it was asked who could make room.' });
  const victims = meter.histogram({ name: 'scheduler_preemption_victims', help: 'Pods chosen to make room for one.', buckets: powers(1, 7) });
  gauges(meter, state);
  const cellOf = (family: typeof tries): HistogramCell => family.of();
  const [found, asked] = [cellOf(algorithm), preemptions.of()];
  const cells = new Map<string, { readonly add: () => void; readonly seconds: HistogramCell }>();
  return {
    decided({ name: profile, preempts }, decisions, beganMs) {
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
        if ('node' in decision) found.observe(took);
        else if (preempts && !decision.unschedulable.failed) asked.add();
      }
    },
    queued: (queue, event) => incoming.of(queue, event).add(),
    placed(attempts, waitedMs) {
      cellOf(tries).observe(attempts);
      waited.of(attempts >= ATTEMPTS_TOLD ? `${ATTEMPTS_TOLD}+` : String(attempts)).observe(waitedMs / 1000);
    },
    evicting: (count) => victims.of().observe(count),
  };
}

function gauges(meter: Meter, state: SchedulerState): void {
  const of = <T extends string>(name: string, help: string, label: string, values: () => Readonly<Record<T, number>>): void => {
    const family = meter.gauge({ name, help, labels: [label], collect: () => Object.entries(values()).forEach(([value, count]) => family.of(value).set(count as number)) });
  };
  of('scheduler_pending_pods', 'Pods that have no node yet.', 'queue', state.queues);
  of('scheduler_cache_size', 'What is known of the cluster.', 'type', state.cached);
  of('scheduler_goroutines', 'Work that is going on besides deciding.', 'operation', () => ({ binding: state.binding() }));
  const refused = meter.gauge({
    name: 'scheduler_unschedulable_pods', help: 'Pods that a plugin refused.', labels: ['plugin', 'profile'],
    collect() {
      refused.clear();
      for (const [profile, plugin] of state.refused()) refused.of(plugin, profile).add();
    },
  });
}
