import type { WatchEvent } from '../api/request.ts';
import { DirectWatch } from './direct-watch.ts';
import type { Exchange, WatchItem, WatchSink } from './exchange.ts';

const NAMES = ['a', 'b', 'c'] as const;
const item = (revision: number): WatchItem => ({ type: 'BOOKMARK', revision, initialEventsEnd: false });
const versionOf = ({ object }: WatchEvent): string => (object as { metadata: { resourceVersion: string } }).metadata.resourceVersion;

/** A watch that this test plays. */
function open(signal?: AbortSignal) {
  const said: string[] = [];
  const played = { said, sink: undefined as unknown as WatchSink };
  const resource = { kind: { kind: 'Pod' }, apiVersion: 'v1' };
  const start = (sink: WatchSink): { close(): void } => {
    played.sink = sink;
    sink.onReady = () => void said.push('ready');
    return { close: () => void said.push('closed') };
  };
  const watch = new DirectWatch({ open: async () => ({ answer: { type: 'watch', resource, start } }) as unknown as Exchange, finish: () => void said.push('finished'), signal });
  return Object.assign(played, { watch });
}

async function begun(signal?: AbortSignal) {
  const played = open(signal);
  const first = played.watch.next();
  await Promise.resolve();
  while (!played.sink) await Promise.resolve();
  return { ...played, first };
}

test('what comes is read in order, whether it was waited for or not', async () => {
  const { watch, sink, first } = await begun();
  for (const [at] of NAMES.entries()) sink.send(item(at));
  const events = [await first, await watch.next(), await watch.next()];
  expect(events.map(({ value }) => versionOf(value as WatchEvent))).toEqual(['0', '1', '2']);
});

test('who does not read is told to wait, and asked for more when all was read', async () => {
  const { watch, sink, first, said } = await begun();
  let sent = 0;
  while (sink.send(item(sent))) sent++;
  await first;
  for (let read = 1; read <= sent; read++) await watch.next();
  expect(said).toEqual([]);
  void watch.next();
  expect(said).toEqual(['ready']);
});

test('what came before the end is still read', async () => {
  const { watch, sink, first, said } = await begun();
  sink.send(item(1));
  sink.send(item(2));
  sink.end();
  expect([await first, await watch.next(), await watch.next()].map(({ done }) => done)).toEqual([false, false, true]);
  expect(said).toEqual(['closed', 'finished']);
});

test.each([
  ['the end', ({ sink }: Awaited<ReturnType<typeof begun>>) => sink.end()],
  ['the reader', ({ watch }: Awaited<ReturnType<typeof begun>>) => void watch.return()],
])('a reader who waits is let go by %s', async (_who, end) => {
  const played = await begun();
  end(played);
  expect((await played.first).done).toBe(true);
  expect(played.said).toEqual(['closed', 'finished']);
});

test('an abort ends it once, whatever waits to be read', async () => {
  const stop = new AbortController();
  const { watch, sink, first, said } = await begun(stop.signal);
  sink.send(item(1));
  sink.send(item(2));
  await first;
  stop.abort();
  stop.abort();
  expect((await watch.next()).done).toBe(true);
  expect(said).toEqual(['closed', 'finished']);
});

test('a watch that is refused throws, and is over', async () => {
  const watch = new DirectWatch({ open: () => Promise.reject(new Error('no')), finish: () => undefined, signal: undefined });
  await expect(watch.next()).rejects.toThrow('no');
  expect((await watch.next()).done).toBe(true);
});
