import { VirtualClock } from '../std/clock.ts';
import { Meter } from '../std/meter.ts';
import type { Decision } from './decide.ts';
import { schedulerSeries } from './series.ts';

test('decisions are counted by profile and outcome', () => {
  const meter = new Meter();
  const clock = new VirtualClock();
  const series = schedulerSeries(meter, clock, {
    queues: () => ({ active: 7, backoff: 0, unschedulable: 3, gated: 1 }), refused: () => [['default-scheduler', 'NodeAffinity'], ['default-scheduler', 'NodeAffinity']],
    cached: () => ({ nodes: 2, pods: 5, assumed_pods: 0 }), binding: () => 4,
  });
  const [placed, refused] = [{ pod: {}, node: 'a' }, { pod: {}, unschedulable: {} }] as unknown as [Decision, Decision];
  series.decided({ name: 'default-scheduler', preempts: true }, [placed, placed, refused], clock.monotonic());
  series.queued('active', 'UnschedulablePodAdd');
  for (const attempts of [1, 14, 15, 40]) series.placed(attempts, 20);
  series.evicting(3);
  const text = meter.text();
  for (const line of ['scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 2', 'scheduler_schedule_attempts_total{profile="default-scheduler",result="unschedulable"} 1', 'scheduler_pending_pods{queue="active"} 7',
    'scheduler_pending_pods{queue="gated"} 1', 'scheduler_unschedulable_pods{plugin="NodeAffinity",profile="default-scheduler"} 2', 'scheduler_cache_size{type="pods"} 5', 'scheduler_goroutines{operation="binding"} 4',
    'scheduler_queue_incoming_pods_total{queue="active",event="UnschedulablePodAdd"} 1', 'scheduler_pod_scheduling_attempts_bucket{le="1"} 1', 'scheduler_pod_scheduling_attempts_bucket{le="16"} 3',
    'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="14"} 1', 'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="15+"} 2', 'scheduler_pod_scheduling_sli_duration_seconds_bucket{attempts="1",le="0.02"} 1',
    'scheduler_preemption_attempts_total 1', 'scheduler_preemption_victims_bucket{le="4"} 1', 'scheduler_scheduling_algorithm_duration_seconds_count 2']) expect(text).toContain(`${line}\n`);
});
