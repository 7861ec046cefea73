/** Counts what goes out to watches: events, their sizes, and how long the first picture took. */
import type { Clock } from '../../std/clock.ts';
import type { Cell, HistogramCell, Meter } from '../../std/meter.ts';
import type { Exchange, WatchAnswer, WatchSink } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';

export interface WatchSeries {
  /** Of one resource, to be kept by the watch. */
  of(resource: Resource): { readonly events: Cell; readonly sizes: HistogramCell };
  /** Of a watch that asks for what is there first. */
  timed(answer: WatchAnswer, exchange: Exchange): WatchAnswer;
}

const BYTES = [1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072];
const LABELS = ['group', 'version', 'resource'] as const;

const LIST_SECONDS = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60];

export function watchSeries(meter: Meter, clock: Clock): WatchSeries {
  const events = meter.counter({ name: 'apiserver_watch_events_total', help: 'Events sent to watches.', labels: LABELS });
  const sizes = meter.histogram({ name: 'apiserver_watch_events_sizes', help: 'How large the events sent to watches were.', labels: LABELS, buckets: BYTES });
  const lists = meter.histogram({ name: 'apiserver_watch_list_duration_seconds', help: 'How long it took until a watch had been shown all that was there.', labels: [...LABELS, 'scope'], buckets: LIST_SECONDS });
  return {
    timed(answer, { query, route }) {
      if (query.get('sendInitialEvents') !== 'true') return answer;
      const { kind, version, plural } = answer.resource;
      const scope = route.name !== '' ? 'resource' : route.namespace !== '' ? 'namespace' : 'cluster';
      const beganMs = clock.monotonic();
      const shown = (): void => lists.of(kind.group, version.version, plural, scope).observe((clock.monotonic() - beganMs) / 1000);
      return { ...answer, start: (sink) => answer.start(untilShown(sink, shown)) };
    },
    of({ kind, version, plural }) {
      const names = [kind.group, version.version, plural];
      return { events: events.of(...names), sizes: sizes.of(...names) };
    },
  };
}

/** The same sink; says when the first picture is complete. */
function untilShown(sink: WatchSink, shown: () => void): WatchSink {
  let due = true;
  const { sendAll } = sink;
  return {
    ...(sendAll && { sendAll }),
    send(item) {
      if (due && item.type === 'BOOKMARK' && item.initialEventsEnd) {
        due = false;
        shown();
      }
      return sink.send(item);
    },
    end: () => sink.end(),
    get onReady() {
      return sink.onReady;
    },
    set onReady(run) {
      sink.onReady = run;
    },
  };
}
