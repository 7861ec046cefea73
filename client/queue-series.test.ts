import { VirtualClock } from '../std/clock.ts';
import { Meter } from '../std/meter.ts';
import { queueSeries } from './queue-series.ts';
import { WorkQueue } from './queue.ts';

test('a queue counts what it does, beside others in the same meter', async () => {
  const meter = new Meter();
  const clock = new VirtualClock();
  let failing = true;
  const release = Promise.withResolvers<void>();
  const queue = new WorkQueue({
    clock, series: queueSeries(meter, clock, 'one'),
    async work(key) {
      if (key === 'slow') await release.promise;
      else if (failing) throw new Error('not yet');
    },
  });
  queueSeries(meter, clock, 'other');
  queue.add('slow');
  queue.add('a');
  await clock.advance(2_000);
  expect(meter.text()).toContain('workqueue_depth{name="one"} 1\n');
  release.resolve();
  await clock.advance(1);
  failing = false;
  await clock.advance(100);
  const lines = meter.text().split('\n').filter((line) => line.includes('"one"'));
  expect(lines).toEqual(expect.arrayContaining(['workqueue_depth{name="one"} 0', 'workqueue_retries_total{name="one"} 1', 'workqueue_adds_total{name="one"} 3', 'workqueue_work_duration_seconds_count{name="one"} 3', 'workqueue_work_duration_seconds_sum{name="one"} 2', 'workqueue_queue_duration_seconds_sum{name="one"} 2']));
  await queue.stop();
});
