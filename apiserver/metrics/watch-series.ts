/** Counts what goes out to watches: events and their sizes. */
import type { Cell, HistogramCell, Meter } from '../../std/meter.ts';
import type { Resource } from '../resource.ts';

export interface WatchSeries {
  /** Of one resource, to be kept by the watch. */
  of(resource: Resource): { readonly events: Cell; readonly sizes: HistogramCell };
}

const BYTES = [1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072];
const LABELS = ['group', 'version', 'resource'] as const;

export function watchSeries(meter: Meter): WatchSeries {
  const events = meter.counter({ name: 'apiserver_watch_events_total', help: 'Events sent to watches.', labels: LABELS });
  const sizes = meter.histogram({ name: 'apiserver_watch_events_sizes', help: 'How large the events sent to watches were.', labels: LABELS, buckets: BYTES });
  return {
    of({ kind, version, plural }) {
      const names = [kind.group, version.version, plural];
      return { events: events.of(...names), sizes: sizes.of(...names) };
    },
  };
}
