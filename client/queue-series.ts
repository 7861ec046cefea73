/** What is counted about work queues, under client-go's names. */
import type { Clock } from '../std/clock.ts';
import type { Cell, Family, HistogramCell, Meter } from '../std/meter.ts';

export interface QueueSeries {
  added(key: string, depth: number): void;
  retried(): void;
  started(key: string, depth: number): void;
  ended(key: string): void;
}

interface Families {
  readonly depth: Family<Cell>;
  readonly adds: Family<Cell>;
  readonly retries: Family<Cell>;
  readonly waited: Family<HistogramCell>;
  readonly worked: Family<HistogramCell>;
  /** Of each queue: since when its keys have been worked on. */
  readonly atWork: Map<string, AtWork>;
}

interface AtWork {
  readonly now: () => number;
  readonly begun: ReadonlyMap<string, number>;
}

/** From ten nanoseconds to ten seconds, as client-go's. */
const SECONDS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10];
const families = new WeakMap<Meter, Families>();

export function queueSeries(meter: Meter, clock: Clock, name: string): QueueSeries {
  let all = families.get(meter);
  if (!all) families.set(meter, (all = familiesOf(meter)));
  const begun = new Map<string, number>();
  all.atWork.set(name, { now: () => clock.monotonic(), begun });
  const [depth, adds, retries, waited, worked] = [all.depth.of(name), all.adds.of(name), all.retries.of(name), all.waited.of(name), all.worked.of(name)];
  const since = new Map<string, number>();
  return {
    added(key, waiting) {
      adds.add();
      depth.set(waiting);
      if (!since.has(key)) since.set(key, clock.monotonic());
    },
    retried: () => retries.add(),
    started(key, waiting) {
      depth.set(waiting);
      const now = clock.monotonic();
      waited.observe((now - (since.get(key) ?? now)) / 1000);
      since.delete(key);
      begun.set(key, now);
    },
    ended(key) {
      const now = clock.monotonic();
      worked.observe((now - (begun.get(key) ?? now)) / 1000);
      begun.delete(key);
    },
  };
}

function familiesOf(meter: Meter): Families {
  const labels = ['name'];
  const atWork = new Map<string, AtWork>();
  const ofWork = (name: string, help: string, value: (seconds: readonly number[]) => number): void => {
    const family = meter.gauge({ name, help, labels, collect: () => atWork.forEach(({ now, begun }, queue) => family.of(queue).set(value([...begun.values()].map((since) => (now() - since) / 1000)))) });
  };
  ofWork('workqueue_unfinished_work_seconds', 'How long keys have been worked on that are not done, together.', (seconds) => seconds.reduce((sum, one) => sum + one, 0));
  ofWork('workqueue_longest_running_processor_seconds', 'How long the longest work has been going on.', (seconds) => Math.max(0, ...seconds));
  return {
    atWork,
    depth: meter.gauge({ name: 'workqueue_depth', help: 'Keys that wait.', labels }),
    adds: meter.counter({ name: 'workqueue_adds_total', help: 'Keys added.', labels }),
    retries: meter.counter({ name: 'workqueue_retries_total', help: 'Keys that will be tried again.', labels }),
    waited: meter.histogram({ name: 'workqueue_queue_duration_seconds', help: 'How long keys waited.', labels, buckets: SECONDS }),
    worked: meter.histogram({ name: 'workqueue_work_duration_seconds', help: 'How long the work on keys took.', labels, buckets: SECONDS }),
  };
}
