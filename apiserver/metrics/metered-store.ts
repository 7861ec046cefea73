/** A store whose calls are counted and timed, under the names that upstream gives to etcd's. */
import type { Clock } from '../../std/clock.ts';
import type { Cell, HistogramCell, Meter } from '../../std/meter.ts';
import { Compacted, Conflict, type Store } from '../storage/store.ts';
import { SECONDS } from './request-series.ts';

interface Series {
  readonly seconds: HistogramCell;
  readonly total: Cell;
  readonly errors: () => Cell;
}

const LABELS = ['operation', 'group', 'resource'] as const;
/** Kinds come and go: what was looked up is looked up again when so much is remembered. */
const KNOWN_LIMIT = 2_000;

export function meteredStore(store: Store, meter: Meter, clock: Clock): Store {
  const seconds = meter.histogram({ name: 'etcd_request_duration_seconds', help: 'How long calls of the store took.', labels: LABELS, buckets: SECONDS });
  const total = meter.counter({ name: 'etcd_requests_total', help: 'Calls of the store.', labels: LABELS });
  const errors = meter.counter({ name: 'etcd_request_errors_total', help: 'Calls of the store that failed.', labels: LABELS });
  const ofPlace = ['group', 'resource'] as const;
  const lists = meter.counter({ name: 'apiserver_storage_list_total', help: 'Lists asked of the store.', labels: ofPlace });
  const counted = ['fetched', 'evaluated', 'returned'].map((what) => meter.counter({ name: `apiserver_storage_list_${what}_objects_total`, help: `Objects that lists of the store ${what === 'fetched' ? 'read' : what === 'evaluated' ? 'looked at' : 'answered with'}.`, labels: ofPlace }));
  const received = meter.counter({ name: 'apiserver_storage_events_received_total', help: 'Changes that the store told of.', labels: ofPlace });
  const known = new Map<string, Series>();
  let { forgotten } = meter;
  const of = (operation: string, key: string): Series => {
    const place = placeOf(key);
    if (forgotten !== meter.forgotten) {
      ({ forgotten } = meter);
      known.clear();
    }
    const name = `${operation} ${place}`;
    let series = known.get(name);
    if (!series) {
      const [group, resource] = namesOf(place);
      series = { seconds: seconds.of(operation, group, resource), total: total.of(operation, group, resource), errors: () => errors.of(operation, group, resource) };
      if (known.size >= KNOWN_LIMIT) known.clear();
      known.set(name, series);
    }
    return series;
  };
  const timed = async <T>(operation: string, key: string, call: () => Promise<T>): Promise<T> => {
    const series = of(operation, key);
    const beganMs = clock.monotonic();
    series.total.add();
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Conflict) && !(error instanceof Compacted)) series.errors().add();
      throw error;
    } finally {
      series.seconds.observe((clock.monotonic() - beganMs) / 1000);
    }
  };
  return {
    revision: () => store.revision(),
    get: (key, options) => timed('get', key, () => store.get(key, options)),
    list: (prefix, options) => timed('list', prefix, async () => {
      const page = await store.list(prefix, options);
      const names = namesOf(placeOf(prefix));
      lists.of(...names).add();
      for (const family of counted) family.of(...names).add(page.entries.length);
      return page;
    }),
    write: (key, expected, value, options) => timed(value === undefined ? 'delete' : expected === 0 ? 'create' : 'update', key, () => store.write(key, expected, value, options)),
    watch(prefix, after, sink) {
      const place = placeOf(prefix);
      // Over everything: told by nobody in particular.
      if (place === '') return store.watch(prefix, after, sink);
      const cell = received.of(...namesOf(place));
      return store.watch(prefix, after, { changes: (batch) => (cell.add(batch.length), sink.changes(batch)), progress: (revision) => sink.progress(revision), ended: (error) => sink.ended(error) });
    },
    compact: (revision) => store.compact(revision),
    snapshot: (path) => store.snapshot(path),
    close: () => store.close(),
  };
}

function namesOf(place: string): readonly [group: string, resource: string] {
  const dot = place.indexOf('.');
  return dot < 0 ? ['', place] : [place.slice(dot + 1), place.slice(0, dot)];
}

/** `pods` of `/registry/pods/default/a`, `leases.coordination.k8s.io` where the place in the store says so; bounded: it is a kind's own. */
function placeOf(key: string): string {
  const rest = key.startsWith('/registry/') ? key.slice('/registry/'.length) : key;
  const end = rest.indexOf('/');
  const first = end < 0 ? rest : rest.slice(0, end);
  // Groups of custom resources stand before the plural.
  if (!first.includes('.')) return first;
  const plural = rest.slice(end + 1).split('/', 1)[0] ?? '';
  return `${plural}.${first}`;
}
