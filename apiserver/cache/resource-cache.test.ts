/** What a cache shows of its store: pictures, pages, events, resumption, recovery. */
import { VirtualClock } from '../../std/clock.ts';
import { openMemory } from '../storage/memory.ts';
import { Compacted, Overflow, type Store, type WatchSink } from '../storage/store.ts';
import { NotYet, type CacheEvent, type ResourceCache, type FieldHint } from './cache.ts';
import { kindIndexer } from './cached-object.ts';
import { openCache, type CacheLimits } from './resource-cache.ts';

const PREFIX = '/registry/pods/';

interface PodSpec {
  readonly labels?: Record<string, string>;
  readonly node?: string;
}

function pod(name: string, { labels, node }: PodSpec = {}): Buffer {
  const namespace = name.split('/')[0];
  const metadata = { name: name.split('/')[1], namespace, ...(labels && { labels }) };
  return Buffer.from(JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata, spec: { ...(node && { nodeName: node }) } }));
}

const index = kindIndexer({
  namespaced: true,
  selectableFields: { 'spec.nodeName': (object) => (object.spec as { nodeName?: string }).nodeName ?? '' },
});

interface Rig {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly cache: ResourceCache;
  put(name: string, spec?: PodSpec): Promise<number>;
  remove(name: string): Promise<number>;
}

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function rig(limits: Partial<CacheLimits> = {}, wrap: (store: Store) => Store = (store) => store): Rig {
  const clock = new VirtualClock();
  const store = openMemory({ clock });
  const cache = openCache({ store: wrap(store), prefix: PREFIX, index, clock, limits });
  opened.push(cache, store);
  const revisionOf = async (name: string): Promise<number> => (await store.get(PREFIX + name))?.revision ?? 0;
  return {
    store,
    clock,
    cache,
    put: async (name, spec) => store.write(PREFIX + name, await revisionOf(name), pod(name, spec)),
    remove: async (name) => store.write(PREFIX + name, await revisionOf(name), undefined),
  };
}

interface Seen {
  readonly events: CacheEvent[];
  readonly bookmarks: number[];
  ended: Error | undefined;
  close(): void;
  lines(): string[];
}

function observe(cache: ResourceCache, after: number, namespace?: string, hint?: FieldHint): Seen {
  const events: CacheEvent[] = [];
  const bookmarks: number[] = [];
  const seen: Seen = {
    events,
    bookmarks,
    ended: undefined,
    close: () => watch.close(),
    lines: () => events.map(({ type, revision, object, previous }) => `${type} ${object.namespace}/${object.name} ${previous?.revision ?? '-'}→${revision}`),
  };
  const watch = cache.watch(
    after,
    namespace,
    {
      event: (event) => void events.push(event),
      bookmark: (revision) => void bookmarks.push(revision),
      ended: (error) => void (seen.ended = error),
    },
    hint,
  );
  return seen;
}

const names = (page: { readonly items: readonly { readonly name: string }[] }): string => page.items.map((item) => item.name).join(' ');

describe('reads', () => {
  test('get() gives bytes with the resourceVersion, labels, fields and a frozen object', async () => {
    const { cache, put } = rig();
    const revision = await put('default/a', { labels: { app: 'x' }, node: 'n1' });
    await cache.fresh();
    const found = cache.get(`${PREFIX}default/a`);
    expect(JSON.parse(String(found?.bytes))).toEqual({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(revision), name: 'a', namespace: 'default', labels: { app: 'x' } },
      spec: { nodeName: 'n1' },
    });
    expect(found).toMatchObject({
      namespace: 'default',
      name: 'a',
      revision,
      labels: { app: 'x' },
      fields: { 'metadata.name': 'a', 'metadata.namespace': 'default', 'spec.nodeName': 'n1' },
    });
    expect(found?.object.metadata.resourceVersion).toBe(String(revision));
    expect(Object.isFrozen(found?.object.metadata.labels)).toBe(true);
  });

  test('a writer sees its write in the cache as soon as it is acknowledged', async () => {
    const { cache, put } = rig();
    await cache.ready();
    const revision = await put('default/a');
    expect(cache.revision).toBe(revision);
    expect(cache.get(`${PREFIX}default/a`)?.revision).toBe(revision);
  });

  test('list() orders by key, filters, and pages with what remains', async () => {
    const { cache, put } = rig();
    for (const name of ['b/2', 'a/3', 'a/1', 'ab/1', 'a/2']) await put(name, { labels: { odd: String(Number(name.at(-1)) % 2) } });
    await cache.fresh();
    expect(cache.list({}).items.map((item) => `${item.namespace}/${item.name}`)).toEqual(['a/1', 'a/2', 'a/3', 'ab/1', 'b/2']);
    const first = cache.list({ namespace: 'a', limit: 2 });
    expect([names(first), first.next, first.remaining]).toEqual(['1 2', `${PREFIX}a/3`, 1]);
    const second = cache.list({ namespace: 'a', limit: 2, from: first.next as string });
    expect([names(second), second.next, second.remaining]).toEqual(['3', undefined, 0]);
    expect(names(cache.list({ filter: (object) => object.labels.odd === '1' }))).toBe('1 3 1');
    expect(cache.list({ limit: 1, filter: (object) => object.namespace === 'b' }).next).toBeUndefined();
  });

  test('list() by a hint looks at what has the value, as it comes and goes', async () => {
    const { cache, put, remove } = rig();
    const on = (node: string, namespace?: string): string => names(cache.list({ hint: { field: 'spec.nodeName', value: node }, ...(namespace && { namespace }), filter: ({ fields }) => fields['spec.nodeName'] === node }));
    for (const [name, node] of [['b/2', 'x'], ['a/3', 'x'], ['a/1', 'y']] as const) await put(name, { node });
    await cache.fresh();
    expect([on('x'), on('y'), on('z')]).toEqual(['3 2', '1', '']);
    await put('a/4', { node: 'x' });
    await put('a/3', { node: 'y' });
    await put('a/5');
    await remove('b/2');
    expect([on('x'), on('y', 'a'), on('y', 'b')]).toEqual(['4', '1 3', '']);
  });

  test('list() by a name finds what has it, in one namespace or in all', async () => {
    const { cache, put } = rig();
    for (const name of ['a/1', 'b/1', 'a/2']) await put(name);
    await cache.fresh();
    const named = (value: string, namespace?: string): string => names(cache.list({ hint: { field: 'metadata.name', value }, ...(namespace && { namespace }), filter: ({ name }) => name === value }));
    expect([named('1', 'a'), named('2', 'b'), named('1'), named('3')]).toEqual(['1', '', '1 1', '']);
  });

  test('listAt() shows an older state page by page while writes go on, from the ring or from the store', async () => {
    for (const events of [100, 2]) {
      const { cache, put, remove } = rig({ events });
      await cache.ready();
      for (const name of ['a/1', 'a/2', 'a/3', 'a/4']) await put(name);
      const revision = cache.revision;
      const first = await cache.listAt(revision, { limit: 2 });
      await remove('a/3');
      await remove('a/4');
      await put('a/4', { node: 'new' });
      await put('a/25');
      const rest = await cache.listAt(revision, { limit: 2, from: first.next as string });
      expect([names(first), names(rest), rest.next, rest.revision]).toEqual(['1 2', '3 4', undefined, revision]);
      expect(rest.items[1]?.fields['spec.nodeName']).toBe('');
      expect((await cache.listAt(revision, { limit: 1, namespace: 'a' })).remaining).toBe(3);
      expect(names(cache.list({}))).toBe('1 2 25 4');
    }
  });

  test('nobody resumes from before the resource was there', async () => {
    const { put, store, clock } = rig();
    await put('a/before');
    const since = await put('a/one');
    const cache = openCache({ store, prefix: PREFIX, index, clock, since });
    opened.push(cache);
    await cache.ready();
    expect(() => cache.watch(since - 1, undefined, {} as Parameters<typeof cache.watch>[2])).toThrow(Compacted);
    expect(observe(cache, since).lines()).toEqual([]);
  });

  test('listAt() is Compacted after as long as history is kept, though nobody has written since', async () => {
    const { put, cache, clock } = rig();
    const old = await put('a/one');
    await put('a/two');
    await cache.fresh();
    await clock.advance(4 * 60_000);
    expect((await cache.listAt(old, {})).items).toHaveLength(1);
    await clock.advance(70_000);
    await expect(cache.listAt(old, {})).rejects.toThrow(Compacted);
    expect((await cache.listAt(cache.revision, {})).items).toHaveLength(2);
  });

  test('listAt() is Compacted where neither ring nor store reaches back', async () => {
    const { cache, store, put } = rig({ events: 1 });
    await cache.ready();
    for (const name of ['a/1', 'a/2', 'a/3']) await put(name);
    await store.compact(2);
    await expect(cache.listAt(1, {})).rejects.toThrow(Compacted);
  });

  test('waitFor() resolves when the revision is reached and is NotYet after the time', async () => {
    const { cache, put, clock } = rig();
    await cache.ready();
    const reached = cache.waitFor(1, 1_000);
    await put('a/1');
    await reached;
    const late = expect(cache.waitFor(9, 1_000)).rejects.toThrow(NotYet);
    await clock.advance(1_000);
    await late;
  });

  test('fresh() sees writes to other resources as progress', async () => {
    const { cache, store } = rig();
    await cache.ready();
    const revision = await store.write('/registry/nodes/n', 0, Buffer.from('{}'));
    await cache.fresh();
    expect(cache.revision).toBe(revision);
  });

  test('a value that is no object is left out and reported', async () => {
    const clock = new VirtualClock();
    const store = openMemory({ clock });
    const faults: Error[] = [];
    const cache = openCache({ store, prefix: PREFIX, index, clock, onFault: (error) => void faults.push(error) });
    opened.push(cache, store);
    await store.write(`${PREFIX}a/bad`, 0, Buffer.from('{"kind'));
    await store.write(`${PREFIX}a/good`, 0, pod('a/good'));
    await cache.ready();
    expect([names(cache.list({})), faults.length]).toEqual(['good', 1]);
  });
});

describe('watches', () => {
  test('events carry the state before, and deletions the last state at their own revision', async () => {
    const { cache, put, remove } = rig();
    await cache.ready();
    const seen = observe(cache, 0);
    await put('a/1', { labels: { v: '1' } });
    await put('a/1', { labels: { v: '2' } });
    await remove('a/1');
    expect(seen.lines()).toEqual(['ADDED a/1 -→1', 'MODIFIED a/1 1→2', 'DELETED a/1 2→3']);
    expect(seen.events[1]?.previous?.labels).toEqual({ v: '1' });
    expect(JSON.parse(String(seen.events[2]?.object.bytes)).metadata).toEqual({ resourceVersion: '3', name: '1', namespace: 'a', labels: { v: '2' } });
    expect(seen.events[2]?.object.object.metadata.resourceVersion).toBe('3');
  });

  test('watch() replays what came after a revision, then goes on', async () => {
    const { cache, put } = rig();
    await cache.ready();
    for (const name of ['a/1', 'b/1', 'a/2']) await put(name);
    const all = observe(cache, 1);
    const one = observe(cache, 0, 'a');
    const future = observe(cache, 4);
    await put('a/3');
    await put('b/3');
    expect(all.lines()).toEqual(['ADDED b/1 -→2', 'ADDED a/2 -→3', 'ADDED a/3 -→4', 'ADDED b/3 -→5']);
    expect(one.lines()).toEqual(['ADDED a/1 -→1', 'ADDED a/2 -→3', 'ADDED a/3 -→4']);
    expect(future.lines()).toEqual(['ADDED b/3 -→5']);
  });

  test('a hint lets through what has or had the value, in replay and live', async () => {
    const { cache, put, remove } = rig();
    await cache.ready();
    const hint = { field: 'spec.nodeName', value: 'n1' };
    const live = observe(cache, 0, undefined, hint);
    const elsewhere = observe(cache, 0, 'b', hint);
    await put('a/1');
    await put('a/1', { node: 'n1' });
    await put('a/2', { node: 'n2' });
    await put('a/1', { node: 'n2' });
    await put('a/1', { node: 'n3' });
    await put('a/3', { node: 'n1' });
    await remove('a/3');
    const wanted = ['MODIFIED a/1 1→2', 'MODIFIED a/1 2→4', 'ADDED a/3 -→6', 'DELETED a/3 6→7'];
    expect(live.lines()).toEqual(wanted);
    expect(observe(cache, 0, undefined, hint).lines()).toEqual(wanted);
    expect(elsewhere.lines()).toEqual([]);
  });

  test.each([
    ['count', { events: 3 }],
    ['bytes', { bytes: 3 * 110 }],
  ])('a revision older than the ring, bounded by %s, is Compacted', async (_, limits) => {
    const { cache, put } = rig(limits);
    await cache.ready();
    for (const name of ['a/1', 'a/2', 'a/3', 'a/4', 'a/5']) await put(name);
    expect(() => observe(cache, 1)).toThrow(Compacted);
    expect(observe(cache, 2).lines()).toEqual(['ADDED a/3 -→3', 'ADDED a/4 -→4', 'ADDED a/5 -→5']);
  });

  test('the ring forgets by age, but for the last, and never reaches back before the first picture', async () => {
    const { cache, put, clock } = rig({ ageMs: 60_000, least: 1 });
    await put('a/1');
    await cache.ready();
    expect(() => observe(cache, 0)).toThrow(Compacted);
    await put('a/2');
    await put('a/3');
    expect(observe(cache, 1).lines()).toEqual(['ADDED a/2 -→2', 'ADDED a/3 -→3']);
    await clock.advance(70_000);
    expect(() => observe(cache, 1)).toThrow(Compacted);
    expect(observe(cache, 2).lines()).toEqual(['ADDED a/3 -→3']);
  });

  test('bookmarks come on quiet resources, and nothing comes after close()', async () => {
    const { cache, put, clock, store } = rig({ bookmarkMs: 10_000 });
    await cache.ready();
    const seen = observe(cache, 0);
    await store.write('/registry/nodes/n', 0, Buffer.from('{}'));
    await clock.advance(10_000);
    expect(seen.bookmarks).toEqual([1]);
    seen.close();
    await put('a/1');
    await clock.advance(10_000);
    expect([seen.bookmarks.length, seen.events.length]).toEqual([1, 0]);
  });

  test('a sink that closes or throws within an event disturbs nobody else', async () => {
    const { cache, put } = rig();
    await cache.ready();
    const ended: Error[] = [];
    const broken = { event: () => { throw new Error('broken'); }, bookmark: () => undefined, ended: (error: Error) => void ended.push(error) };
    cache.watch(0, undefined, broken);
    let heard = 0;
    const once = cache.watch(0, undefined, { event: () => { heard++; once.close(); }, bookmark: () => undefined, ended: () => undefined });
    const seen = observe(cache, 0);
    await put('a/1');
    await put('a/2');
    expect([heard, ended.length, seen.events.length]).toEqual([1, 1, 2]);
  });
});

/** A store whose watches a test can cut. */
function cuttable(): { wrap: (store: Store) => Store; cut: (error: Error) => void; mend: () => void; watches: () => number } {
  let down = false;
  let current: { sink: WatchSink; close(): void } | undefined;
  let watches = 0;
  const wrap = (store: Store): Store => ({
    revision: () => store.revision(),
    get: (...args) => store.get(...args),
    list: async (...args) => {
      if (down) throw new Error('down');
      return store.list(...args);
    },
    write: (...args) => store.write(...args),
    compact: (revision) => store.compact(revision),
    snapshot: (path) => store.snapshot(path),
    close: () => store.close(),
    watch: (prefix, after, sink) => {
      watches++;
      const watch = store.watch(prefix, after, sink);
      current = { sink, close: () => watch.close() };
      return watch;
    },
  });
  const cut = (error: Error): void => {
    const { sink, close } = current as { sink: WatchSink; close(): void };
    close();
    current = undefined;
    down = true;
    sink.ended(error);
  };
  return { wrap, cut, mend: () => void (down = false), watches: () => watches };
}

describe('recovery', () => {
  test.each([
    ['Compacted', new Compacted(3)],
    ['Overflow', new Overflow('slow')],
    ['a fault', new Error('gone')],
  ])('after %s the cache lists again and its watchers get the difference', async (_, error) => {
    const { wrap, cut, mend, watches } = cuttable();
    const { cache, put, remove, store, clock } = rig({}, wrap);
    await put('a/changed');
    await put('a/removed');
    await put('a/same');
    await cache.ready();
    const seen = observe(cache, 3);
    const same = cache.get(`${PREFIX}a/same`);
    cut(error);
    await put('a/new');
    await remove('a/removed');
    await put('a/changed', { node: 'n1' });
    await store.compact(await store.revision());
    expect(cache.revision).toBe(3);
    mend();
    await clock.advance(1_000);
    await cache.fresh();
    expect(seen.lines()).toEqual(['ADDED a/new -→4', 'MODIFIED a/changed 1→6', 'DELETED a/removed 2→6']);
    expect(JSON.parse(String(seen.events[2]?.object.bytes)).metadata.resourceVersion).toBe('6');
    expect(cache.get(`${PREFIX}a/same`)).toBe(same);
    await put('a/later');
    expect(seen.lines().at(-1)).toBe('ADDED a/later -→7');
    expect(watches()).toBe(2);
    expect(seen.ended).toBeUndefined();
    expect(observe(cache, 3).lines()).toEqual(seen.lines());
  });

  test('a store that cannot be listed is tried again', async () => {
    let failures = 3;
    const faults: string[] = [];
    const clock = new VirtualClock();
    const store = openMemory({ clock });
    const list = store.list.bind(store);
    store.list = async (...args) => {
      if (failures-- > 0) throw new Error('down');
      return list(...args);
    };
    await store.write(`${PREFIX}a/1`, 0, pod('a/1'));
    const cache = openCache({ store, prefix: PREFIX, index, clock, onFault: (error) => void faults.push(error.message) });
    opened.push(cache, store);
    const ready = cache.ready();
    await clock.advance(5_000);
    await ready;
    expect([cache.size, faults]).toEqual([1, ['down', 'down', 'down']]);
  });

  test('close() ends watchers and waiters', async () => {
    const { cache } = rig();
    await cache.ready();
    const seen = observe(cache, 0);
    const waiting = expect(cache.waitFor(5, 1_000)).rejects.toThrow('closed');
    cache.close();
    await waiting;
    expect(seen.ended?.message).toContain('closed');
    expect(() => observe(cache, 0)).toThrow('closed');
  });
});
