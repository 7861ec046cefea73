import { builtinKinds } from '../../api/kinds/index.ts';
import { VirtualClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import type { CacheEvent, CachedObject, CacheWatchSink, ResourceCache } from '../cache/cache.ts';
import type { Core } from '../core.ts';
import type { Exchange, WatchItem, WatchSink } from '../exchange.ts';
import { Resource } from '../registry/resource.ts';
import { Compacted } from '../storage/store.ts';
import { QUEUE_LIMIT, watch } from './watch.ts';

interface Watched {
  readonly clock: VirtualClock;
  readonly items: WatchItem[];
  readonly events: CacheWatchSink;
  readonly sink: WatchSink;
  readonly ended: () => boolean;
  readonly closed: () => boolean;
}

/** A watch over a cache that this test plays, and a transport that takes as many items as it is told. */
async function open(query: Record<string, string>, { takes = Infinity, compacted = false } = {}): Promise<Watched> {
  const kind = builtinKinds().find(({ plural }) => plural === 'configmaps');
  if (!kind?.versions[0]) throw new Error('no configmaps');
  let events: CacheWatchSink | undefined;
  let closed = false;
  const cache = {
    revision: 10, ready: async () => undefined, fresh: async () => undefined, waitFor: async () => undefined,
    list: () => ({ items: [], revision: 10, next: undefined, remaining: 0 }),
    watch(_after: number, _namespace: string | undefined, sink: CacheWatchSink) {
      if (compacted) throw new Compacted(5);
      events = sink;
      return { close: () => void (closed = true) };
    },
  } as unknown as ResourceCache;
  const clock = new VirtualClock();
  const exchange = { route: { name: '', namespace: '' }, query: new URLSearchParams(query) } as unknown as Exchange;
  const answer = await watch({ clock, random: seededRandom(1) } as unknown as Core, exchange, new Resource(kind, kind.versions[0], cache));
  const items: WatchItem[] = [];
  let ended = false;
  const sink: WatchSink = { onReady: undefined, send: (item) => items.push(item) < takes, end: () => void (ended = true) };
  answer.start(sink);
  return { clock, items, events: events as CacheWatchSink, sink, ended: () => ended, closed: () => closed };
}

function changed(revision: number, labels: Record<string, string>, before?: Record<string, string>): CacheEvent {
  const object = (of: Record<string, string>): CachedObject => ({ key: '/a', namespace: '', name: 'a', revision, labels: of, fields: {}, bytes: Buffer.from('{"metadata":{}}') }) as unknown as CachedObject;
  return { type: before ? 'MODIFIED' : 'ADDED', revision, object: object(labels), previous: before && object(before) };
}

test('a transport that is full is not given more until it is ready', async () => {
  const { items, events, sink } = await open({ resourceVersion: '10' }, { takes: 2 });
  for (let revision = 11; revision <= 15; revision++) events.event(changed(revision, {}));
  expect(items).toHaveLength(2);
  sink.onReady?.();
  expect(items).toHaveLength(3);
});

test('a watcher that falls too far behind is ended, and no longer kept', async () => {
  const { events, ended, closed } = await open({ resourceVersion: '10' }, { takes: 1 });
  for (let at = 0; at < QUEUE_LIMIT; at++) events.event(changed(11 + at, {}));
  expect(ended()).toBe(false);
  for (let at = 0; at < 3; at++) events.event(changed(11 + QUEUE_LIMIT + at, {}));
  expect([ended(), closed()]).toEqual([true, true]);
});

test.each([
  ['starts to match', { a: 'b' }, {}, 'ADDED'],
  ['goes on matching', { a: 'b' }, { a: 'b', c: 'd' }, 'MODIFIED'],
  ['stops matching', {}, { a: 'b' }, 'DELETED'],
] as const)('an object that %s', async (_what, now, before, type) => {
  const { items, events } = await open({ resourceVersion: '10', labelSelector: 'a=b' });
  events.event(changed(11, now, before));
  expect(items.map((item) => item.type)).toEqual([type]);
});

test('an object that never matched is not seen', async () => {
  const { items, events } = await open({ resourceVersion: '10', labelSelector: 'a=b' });
  events.event(changed(11, { a: 'c' }, {}));
  events.event({ ...changed(12, { a: 'c' }, { a: 'c' }), type: 'DELETED' });
  expect(items).toEqual([]);
});

test('a version that is gone is an error in the stream, which then ends', async () => {
  const { items, ended } = await open({ resourceVersion: '2' }, { compacted: true });
  expect(items).toMatchObject([{ type: 'ERROR', status: { code: 410, reason: 'Expired' } }]);
  expect(ended()).toBe(true);
});

test('the time is up: a last bookmark, and the end', async () => {
  const { clock, items, ended } = await open({ resourceVersion: '10', timeoutSeconds: '10', allowWatchBookmarks: 'true' });
  await clock.advance(8_500);
  expect(items).toEqual([{ type: 'BOOKMARK', revision: 10, initialEventsEnd: false }]);
  await clock.advance(2_000);
  expect(ended()).toBe(true);
});
