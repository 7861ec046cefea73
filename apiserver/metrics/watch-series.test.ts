import { Meter } from '../../std/meter.ts';
import type { Exchange, WatchAnswer, WatchItem, WatchSink } from '../exchange.ts';
import { watchSeries } from './watch-series.ts';

/** What the watch behind a timed answer is given to write to. */
function timed(sink: WatchSink, meter = new Meter()): WatchSink {
  let given: WatchSink | undefined;
  const answer = {
    type: 'watch',
    resource: { kind: { group: '' }, version: { version: 'v1' }, plural: 'configmaps' },
    start: (to: WatchSink) => {
      given = to;
      return { close() {} };
    },
  } as unknown as WatchAnswer;
  const exchange = { query: new URLSearchParams('sendInitialEvents=true'), route: { name: '', namespace: 'default' } } as unknown as Exchange;
  watchSeries(meter, { monotonic: () => 0 } as never).timed(answer, exchange).start(sink);
  return given as WatchSink;
}

const nothing: WatchSink = { send: () => true, end() {}, onReady: undefined };

test('what a transport can send to many at once still goes at once where the first picture is timed', () => {
  const seen: [readonly WatchItem[], number][] = [];
  const items = [{ type: 'BOOKMARK', revision: 1, initialEventsEnd: false }] as const;
  const sink = timed({ ...nothing, sendAll: (all, from) => seen.push([all, from]) + 6 });
  expect(sink.sendAll?.(items, 3)).toBe(7);
  expect(seen).toEqual([[items, 3]]);
});

test('a transport whose watches are each on their own is not asked for more', () => {
  expect(timed(nothing).sendAll).toBeUndefined();
});
