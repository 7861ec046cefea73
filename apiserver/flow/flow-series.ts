/** What is counted about flow control, under upstream's names: a few additions per request, the rest looked up when asked. */
import type { Cell, HistogramCell, Meter } from '../../std/meter.ts';
import type { PriorityLevel } from './priority-level.ts';

/** Of one FlowSchema and its level. */
export interface SchemaSeries {
  readonly dispatched: Cell;
  readonly seats: HistogramCell;
  readonly running: HistogramCell;
  readonly opening: HistogramCell;
  readonly rejected: (reason: string) => Cell;
  readonly waited: (ran: boolean) => HistogramCell;
  readonly queueLength: HistogramCell;
  readonly watches: HistogramCell;
  /** Now. */
  readonly now: { waiting: number; waitingSeats: number; executing: number; executingSeats: number };
}

export interface FlowSeries {
  of(level: string, schema: string): SchemaSeries;
}

export interface FlowState {
  readonly levels: Iterable<PriorityLevel>;
  readonly fairFraction: number;
}

/** Pairs of level and FlowSchema that are kept apart. */
const SERIES_LIMIT = 1_000;
const OTHER = 'other';
const SECONDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const LENGTHS = [0, 10, 25, 50, 100, 250, 500, 1000];
const SEATS = [1, 2, 4, 8, 16, 32, 64, 100];
const WATCHES = [0, 1, 10, 100, 1000, 10000];
const PREFIX = 'apiserver_flowcontrol_';
const BOTH = ['priority_level', 'flow_schema'] as const;

export function flowSeries(meter: Meter, state: () => FlowState): FlowSeries {
  const known = new Map<string, { readonly level: string; readonly schema: string; readonly series: SchemaSeries }>();
  const dispatched = meter.counter({ name: `${PREFIX}dispatched_requests_total`, help: 'Requests that were worked on.', labels: BOTH });
  const rejected = meter.counter({ name: `${PREFIX}rejected_requests_total`, help: 'Requests that were sent away.', labels: [...BOTH, 'reason'] });
  const seats = meter.histogram({ name: `${PREFIX}work_estimated_seats`, help: 'Seats that requests were estimated to take, the more of first and final ones.', labels: BOTH, buckets: SEATS });
  const execution = meter.histogram({ name: `${PREFIX}request_execution_seconds`, help: 'How long requests were worked on; of watches, their beginning.', labels: [...BOTH, 'type'], buckets: SECONDS });
  const waited = meter.histogram({ name: `${PREFIX}request_wait_duration_seconds`, help: 'How long requests waited in their queue.', labels: [...BOTH, 'execute'], buckets: SECONDS });
  const lengths = meter.histogram({ name: `${PREFIX}request_queue_length_after_enqueue`, help: 'Length of its queue as a request found it.', labels: BOTH, buckets: LENGTHS });
  const watches = meter.histogram({ name: `${PREFIX}watch_count_samples`, help: 'Watches that would hear of a write.', labels: BOTH, buckets: WATCHES });
  const current = (name: string, help: string, value: (series: SchemaSeries['now']) => number): void => {
    const family = meter.gauge({
      name: PREFIX + name, help, labels: BOTH,
      collect() {
        for (const { level, schema, series } of known.values()) family.of(level, schema).set(value(series.now));
      },
    });
  };
  current('current_inqueue_requests', 'Requests that wait now.', ({ waiting }) => waiting);
  current('current_inqueue_seats', 'Seats for which requests wait now.', ({ waitingSeats }) => waitingSeats);
  current('current_executing_requests', 'Requests that are worked on now.', ({ executing }) => executing);
  current('current_executing_seats', 'Seats taken now.', ({ executingSeats }) => executingSeats);
  levelGauges(meter, state);
  return {
    of(levelName, schemaName) {
      const found = known.get(`${levelName}\0${schemaName}`);
      if (found) return found.series;
      // Who makes and removes FlowSchemas without end is counted as one.
      const [level, schema] = known.size < SERIES_LIMIT ? [levelName, schemaName] : [OTHER, OTHER];
      const key = `${level}\0${schema}`;
      const shared = known.get(key);
      if (shared) return shared.series;
      const series: SchemaSeries = {
        dispatched: dispatched.of(level, schema), seats: seats.of(level, schema), running: execution.of(level, schema, 'regular'), opening: execution.of(level, schema, 'watch'),
        rejected: (reason) => rejected.of(level, schema, reason), waited: twoCells((ran) => waited.of(level, schema, String(ran))), queueLength: lengths.of(level, schema),
        watches: watches.of(level, schema), now: { waiting: 0, waitingSeats: 0, executing: 0, executingSeats: 0 },
      };
      known.set(key, { level, schema, series });
      return series;
    },
  };
}

/** Looked up when they are first needed: a flow that nobody was refused in shows no refusals. */
function twoCells(make: (ran: boolean) => HistogramCell): (ran: boolean) => HistogramCell {
  let [ran, left]: (HistogramCell | undefined)[] = [];
  return (didRun) => (didRun ? (ran ??= make(true)) : (left ??= make(false)));
}

function levelGauges(meter: Meter, state: () => FlowState): void {
  const gauge = (name: string, help: string, value: (level: PriorityLevel) => number): void => {
    const family = meter.gauge({
      name: PREFIX + name, help, labels: ['priority_level'],
      collect() {
        family.clear();
        for (const level of state().levels) family.of(level.name).set(value(level));
      },
    });
  };
  gauge('nominal_limit_seats', 'Seats that a level is configured to have.', ({ nominal }) => nominal);
  gauge('lower_limit_seats', 'Seats that a level never lends.', ({ least }) => least);
  gauge('upper_limit_seats', 'Seats that a level has at most, borrowed ones included.', ({ most }) => most);
  gauge('current_limit_seats', 'Seats that a level has now.', ({ current }) => current);
  gauge('demand_seats_high_watermark', 'Seats that a level could have used at most in the last period.', ({ demand }) => demand.highest);
  gauge('demand_seats_average', 'Seats that a level could have used on average in the last period.', ({ demand }) => demand.mean);
  gauge('demand_seats_stdev', 'Deviation of the seats that a level could have used in the last period.', ({ demand }) => demand.deviation);
  gauge('demand_seats_smoothed', 'Demand for seats, smoothed.', ({ demand }) => demand.smoothed);
  gauge('target_seats', 'Seats that are aimed at.', ({ target }) => target);
  gauge('current_r', 'Virtual time of the queues.', ({ set }) => set.virtualTime);
  const fair = meter.gauge({ name: `${PREFIX}seat_fair_frac`, help: 'The part of its target that a level gets whose bounds do not matter.', collect: () => fair.of().set(state().fairFraction) });
}
