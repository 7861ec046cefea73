import { conflict, notFound } from '../../api/status.ts';
import { VirtualClock } from '../../std/clock.ts';
import type { CacheWatchSink } from '../cache/cache.ts';
import type { Exchange } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';
import { Contention } from './contention.ts';

interface Rig {
  readonly clock: VirtualClock;
  /** Somebody who is refused; his number is noted when he hears of it. */
  refused(options?: { readonly name?: string; readonly local?: boolean; readonly signal?: AbortSignal; readonly error?: Error }): Promise<void>;
  /** The object changed. */
  changed(): Promise<void>;
  readonly heard: number[];
  /** Who gave his seat up. */
  readonly left: number[];
  readonly watches: number;
}

function rig(): Rig {
  const clock = new VirtualClock();
  const contention = new Contention(clock);
  const sinks = new Set<CacheWatchSink>();
  const cache = {
    revision: 7,
    watch(_after: number, _namespace: string | undefined, sink: CacheWatchSink) {
      sinks.add(sink);
      return { close: () => sinks.delete(sink) };
    },
  };
  const resource = { cache, key: (namespace: string, name: string) => `${namespace}/${name}`, subject: () => ({ group: '', resource: 'pods', name: 'a' }) } as unknown as Resource;
  const heard: number[] = [];
  const left: number[] = [];
  let count = 0;
  return {
    clock, heard, left,
    get watches() {
      return sinks.size;
    },
    async refused({ name = 'a', local = false, signal = new AbortController().signal, error = conflict(resource.subject(name), 'modified') } = {}) {
      const number = ++count;
      const exchange = { remoteAddress: local ? undefined : '127.0.0.1', signal, leaveSeat: () => void left.push(number) } as unknown as Exchange;
      void contention.orderly({ exchange, resource, namespace: 'default', name }, () => Promise.reject(error)).catch((thrown: unknown) => {
        expect(thrown).toBe(error);
        heard.push(number);
      });
      await clock.advance(0);
    },
    async changed() {
      for (const sink of sinks) sink.event(undefined as never);
      await clock.advance(0);
    },
  };
}

test('who waits leaves his seat to others', async () => {
  const own = rig();
  for (let i = 0; i < 3; i++) await own.refused();
  expect([own.heard, own.left]).toEqual([[1], [2, 3]]);
});

test('who is alone is told at once, and leaves nothing behind', async () => {
  const own = rig();
  await own.refused();
  expect(own.heard).toEqual([1]);
  await own.clock.advance(10);
  expect(own.watches).toBe(0);
  await own.refused();
  expect(own.heard).toEqual([1, 2]);
});

test('each change of the object lets the next one hear of it', async () => {
  const own = rig();
  for (let i = 0; i < 4; i++) await own.refused();
  expect(own.heard).toEqual([1]);
  await own.changed();
  expect(own.heard).toEqual([1, 2]);
  await own.refused();
  await own.changed();
  await own.changed();
  await own.changed();
  expect(own.heard).toEqual([1, 2, 3, 4, 5]);
  await own.changed();
  expect(own.watches).toBe(0);
});

test('where the object does not change, the next one is let go soon; nobody waits long', async () => {
  const own = rig();
  for (let i = 0; i < 30; i++) await own.refused();
  await own.clock.advance(20);
  expect(own.heard).toEqual([1, 2, 3]);
  await own.clock.advance(80);
  expect(own.heard).toHaveLength(30);
  await own.clock.advance(20);
  expect(own.watches).toBe(0);
});

test.each([
  ['callers within the process', { local: true }],
  ['those who want another object', { name: 'b' }],
  ['other refusals', { error: notFound({ group: '', resource: 'pods', name: 'a' }) }],
  ['clients who have gone', { signal: AbortSignal.abort() }],
])('%s do not wait', async (_what, options) => {
  const own = rig();
  await own.refused();
  await own.refused(options);
  expect(own.heard).toEqual([1, 2]);
});

test('a line has an end: those beyond it are told at once', async () => {
  const own = rig();
  for (let i = 0; i < 260; i++) await own.refused();
  expect(own.heard).toEqual([1, 258, 259, 260]);
});
