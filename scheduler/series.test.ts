import { VirtualClock } from '../std/clock.ts';
import { Meter } from '../std/meter.ts';
import type { Decision } from './decide.ts';
import { schedulerSeries } from './series.ts';

test('decisions are counted by profile and outcome', () => {
  const meter = new Meter();
  const clock = new VirtualClock();
  const series = schedulerSeries(meter, clock, () => 7);
  const [placed, refused] = [{ pod: {}, node: 'a' }, { pod: {}, unschedulable: {} }] as unknown as [Decision, Decision];
  series.decided('default-scheduler', [placed, placed, refused], clock.monotonic());
  const text = meter.text();
  for (const line of ['scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 2', 'scheduler_schedule_attempts_total{profile="default-scheduler",result="unschedulable"} 1', 'scheduler_pending_pods{queue="all"} 7']) expect(text).toContain(`${line}\n`);
});
