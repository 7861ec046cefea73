/** What every store must do: one suite, run on each implementation by `store.test.ts`. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Compacted, Conflict, Unavailable, VALUE_LIMIT_BYTES, type Change, type Store, type Watch } from './store.ts';

export interface StoreRig {
  readonly store: Store;
  readonly dir: string;
  /** Moves the store's clock; where the store lives in real time, what is to happen is awaited. */
  pass(ms: number): Promise<void>;
  /** Another store from a snapshot; absent where a foreign tool does that. */
  readonly restore?: (path: string) => Promise<Store>;
}

export interface StoreSubject {
  readonly name: string;
  /** While a watch is live it tells what was deleted, not what was replaced. */
  readonly omitsReplaced?: boolean;
  open(): Promise<StoreRig>;
}

export interface Recorder {
  readonly watch: Watch;
  readonly changes: Change[];
  readonly batches: (readonly Change[])[];
  readonly progress: number[];
  ended: Error | undefined;
  /** Resolves when the condition holds, asked again whenever something arrives. */
  until(condition: () => boolean): Promise<void>;
}

export function record(store: Store, prefix: string, after: number): Recorder {
  const changes: Change[] = [];
  const batches: (readonly Change[])[] = [];
  const progress: number[] = [];
  const waiting: { condition: () => boolean; resolve: () => void }[] = [];
  const wake = (): void => {
    for (const { condition, resolve } of waiting) if (condition()) resolve();
  };
  const watch = store.watch(prefix, after, {
    changes: (batch) => {
      batches.push(batch);
      changes.push(...batch);
      wake();
    },
    progress: (revision) => {
      progress.push(revision);
      wake();
    },
    ended: (error) => {
      recorder.ended = error;
      wake();
    },
  });
  const recorder: Recorder = {
    watch,
    changes,
    batches,
    progress,
    ended: undefined,
    until: (condition) => new Promise((resolve) => (condition() ? resolve() : waiting.push({ condition, resolve }))),
  };
  return recorder;
}

export const text = (value: string): Buffer => Buffer.from(value);
const keys = (page: { readonly entries: readonly { readonly key: string }[] }): string => page.entries.map((entry) => entry.key.slice(3)).join(' ');
const line = ({ key, revision, created, value, previous }: Change, base: number): string =>
  `${key} ${revision - base}/${created - base} ${previous ?? '-'}→${value ?? '-'}`;

export function conformance(subject: StoreSubject): void {
  let rig: StoreRig;
  let store: Store;
  /** etcd counts on from earlier tests. */
  let base: number;

  beforeEach(async () => {
    rig = await subject.open();
    store = rig.store;
    base = await store.revision();
  });
  afterEach(() => store.close());

  const put = async (key: string, value: string): Promise<number> => store.write(key, (await store.get(key))?.revision ?? 0, text(value));
  const remove = async (key: string): Promise<number> => store.write(key, (await store.get(key))?.revision ?? 0, undefined);

  describe(`${subject.name}: reads and writes`, () => {
    test('each write takes the next revision of the whole store', async () => {
      expect([await put('/a/1', 'x'), await put('/b/1', 'x'), await put('/a/1', 'y'), await remove('/b/1')].map((r) => r - base)).toEqual([1, 2, 3, 4]);
      expect(await store.revision()).toBe(base + 4);
    });

    test('a key knows when it was created and last written, and starts anew after a deletion', async () => {
      await put('/a/1', 'x');
      await put('/a/1', 'y');
      expect(await store.get('/a/1')).toEqual({ key: '/a/1', value: text('y'), revision: base + 2, created: base + 1 });
      await remove('/a/1');
      expect(await store.get('/a/1')).toBeUndefined();
      await put('/a/1', 'z');
      expect(await store.get('/a/1')).toEqual({ key: '/a/1', value: text('z'), revision: base + 4, created: base + 4 });
    });

    test.each([
      ['create of what exists', '/a/1', 0, 'v'],
      ['update from a stale revision', '/a/1', -1, 'v'],
      ['update from a revision of another key', '/a/1', 2, 'v'],
      ['delete from a stale revision', '/a/1', -1, undefined],
      ['delete of what exists as if it did not', '/a/1', 0, undefined],
      ['update of what does not exist', '/a/9', 1, 'v'],
      ['delete of what was deleted', '/a/gone', 3, undefined],
    ])('%s is a Conflict that carries what stands there', async (_, key, expected, value) => {
      await put('/a/1', 'x');
      await put('/b/1', 'x');
      await put('/a/gone', 'x');
      await remove('/a/gone');
      const stale = expected <= 0 ? expected : base + expected;
      const error: unknown = await store.write(key, stale, value === undefined ? undefined : text(value)).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(Conflict);
      expect((error as Conflict).current).toEqual(key === '/a/1' ? { key, value: text('x'), revision: base + 1, created: base + 1 } : undefined);
      expect(await store.revision()).toBe(base + 4);
    });

    test('of many concurrent writers of one key exactly one wins, the others see the winner', async () => {
      const results = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => store.write('/a/1', 0, text(String(i)))));
      const won = results.findIndex((result) => result.status === 'fulfilled');
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      for (const result of results) if (result.status === 'rejected') expect((result.reason as Conflict).current?.value).toEqual(text(String(won)));
      expect((await store.get('/a/1'))?.value).toEqual(text(String(won)));
    });

    test('bytes come back as they were, empty and large ones too; too large ones are refused', async () => {
      const large = Buffer.alloc(1024 * 1024, 7);
      const binary = Buffer.from([0, 255, 128, 10, 0]);
      await store.write('/a/large', 0, large);
      await store.write('/a/binary', 0, binary);
      await store.write('/a/empty', 0, Buffer.alloc(0));
      expect((await store.get('/a/large'))?.value.equals(large)).toBe(true);
      expect((await store.get('/a/binary'))?.value).toEqual(binary);
      expect((await store.get('/a/empty'))?.value).toHaveLength(0);
      await expect(store.write('/a/more', 0, Buffer.alloc(VALUE_LIMIT_BYTES + 1))).rejects.toThrow('/a/more');
      expect(await store.get('/a/more')).toBeUndefined();
    });
  });

  describe(`${subject.name}: lists`, () => {
    beforeEach(async () => {
      for (const name of ['/a/b', '/a/a', '/a/ab', '/a/a/x', '/a/a-x', '/b/1', '/a']) await put(name, name);
    });

    test.each([
      ['all, in the order of bytes', '/a/', {}, 'a a-x a/x ab b', false, 5],
      ['a limit', '/a/', { limit: 2 }, 'a a-x', true, 5],
      ['an exact limit', '/a/', { limit: 5 }, 'a a-x a/x ab b', false, 5],
      ['a start', '/a/', { from: '/a/a/' }, 'a/x ab b', false, 3],
      ['a start and a limit', '/a/', { from: '/a/a\0', limit: 1 }, 'a-x', true, 4],
      ['a start before the prefix', '/a/', { from: '/', limit: 1 }, 'a', true, 5],
      ['a start beyond the last', '/a/', { from: '/a/c' }, '', false, 0],
      ['a prefix within names', '/a/a', { limit: 9 }, 'a a-x a/x ab', false, 4],
      ['nothing', '/c/', {}, '', false, 0],
    ])('%s', async (_, prefix, options, names, more, count) => {
      const page = await store.list(prefix, options);
      expect([keys(page), page.more, page.count, page.revision]).toEqual([names, more, count, base + 7]);
    });

    test('pages show one snapshot while writes go on', async () => {
      const first = await store.list('/a/', { limit: 2 });
      await remove('/a/a/x');
      await put('/a/ab', 'changed');
      await put('/a/a/new', 'new');
      await remove('/a/b');
      await put('/a/b', 'again');
      await remove('/a/a');
      const rest = await store.list('/a/', { from: '/a/a-x\0', revision: first.revision });
      expect([keys(first), keys(rest), rest.count, rest.more, rest.revision]).toEqual(['a a-x', 'a/x ab b', 3, false, first.revision]);
      expect(rest.entries.map((entry) => String(entry.value))).toEqual(['/a/a/x', '/a/ab', '/a/b']);
      expect(rest.entries[2]).toMatchObject({ revision: base + 1, created: base + 1 });
      const limited = await store.list('/a/', { limit: 1, revision: first.revision });
      expect([keys(limited), limited.count, limited.more]).toEqual(['a', 5, true]);
      expect(keys(await store.list('/a/'))).toBe('a-x a/new ab b');
      expect(String((await store.get('/a/ab', { revision: first.revision }))?.value)).toBe('/a/ab');
      expect(await store.get('/a/a/new', { revision: first.revision })).toBeUndefined();
    });
  });

  describe(`${subject.name}: watches`, () => {
    test('replays after a revision, then goes on, with previous values', async () => {
      await put('/a/1', 'x');
      await put('/b/1', 'x');
      await put('/a/1', 'y');
      await put('/a/2', 'x');
      const all = record(store, '/a/', base);
      const later = record(store, '/a/', base + 3);
      await all.until(() => all.changes.length === 3);
      await remove('/a/1');
      await put('/a/1', 'z');
      await all.until(() => all.changes.length === 5);
      const live = ['/a/2 4/4 -→x', '/a/1 5/1 y→-', '/a/1 6/6 -→z'];
      expect(all.changes.map((change) => line(change, base))).toEqual(['/a/1 1/1 -→x', '/a/1 3/1 x→y', ...live]);
      await later.until(() => later.changes.length === 3);
      expect(later.changes.map((change) => line(change, base))).toEqual(live);
    });

    test('a revision in the future lets what comes before it pass', async () => {
      const seen = record(store, '/a/', base + 1);
      await put('/a/1', 'x');
      await put('/a/2', 'x');
      await seen.until(() => seen.changes.length === 1);
      expect(seen.changes[0]?.key).toBe('/a/2');
    });

    test('who lists at a revision and watches after it sees everything exactly once, in whole batches', async () => {
      const writers = Promise.all(
        Array.from({ length: 20 }, async (_, writer) => {
          let revision = 0;
          for (let i = 0; i < 25; i++) {
            const gone = i % 5 === 4;
            const written = await store.write(`/a/${writer}`, revision, gone ? undefined : text(String(i)));
            revision = gone ? 0 : written;
          }
          return revision;
        }),
      );
      const readers: { state: Map<string, string>; seen: Recorder; from: number }[] = [];
      for (let i = 0; i < 6; i++) {
        const page = await store.list('/a/');
        const state = new Map(page.entries.map((entry) => [entry.key, String(entry.value)]));
        readers.push({ state, seen: record(store, '/a/', page.revision), from: page.revision });
        await new Promise((resolve) => setImmediate(resolve));
      }
      await writers;
      const end = await put('/a/end', 'end');
      for (const { state, seen, from } of readers) {
        await seen.until(() => seen.changes.at(-1)?.revision === end);
        expect(seen.changes.map((change) => change.revision)).toEqual(Array.from({ length: end - from }, (_, i) => from + i + 1));
        for (const { key, value, previous } of seen.changes) {
          if (!value || !subject.omitsReplaced) expect(previous === undefined ? undefined : String(previous)).toBe(state.get(key));
          if (value) state.set(key, String(value));
          else state.delete(key);
        }
        const now = await store.list('/a/');
        expect([...state].sort()).toEqual(now.entries.map((entry) => [entry.key, String(entry.value)]).sort());
      }
    });

    test('progress tells of writes elsewhere, and comes on a quiet store', async () => {
      const seen = record(store, '/a/', base);
      const elsewhere = await put('/b/1', 'x');
      await seen.until(() => (seen.progress.at(-1) ?? 0) >= elsewhere);
      const quiet = record(store, '/a/', elsewhere);
      await rig.pass(10_000);
      await quiet.until(() => (quiet.progress.at(-1) ?? 0) >= elsewhere);
      expect(seen.changes).toEqual([]);
    }, 30_000);

    test('nothing comes after close()', async () => {
      const closed = record(store, '/a/', base);
      const open = record(store, '/a/', base);
      await put('/a/1', 'x');
      await closed.until(() => closed.changes.length === 1);
      closed.watch.close();
      await put('/a/2', 'x');
      await open.until(() => open.changes.length === 2);
      expect([closed.changes.length, closed.ended]).toEqual([1, undefined]);
    });
  });

  describe(`${subject.name}: compaction`, () => {
    test('what was overwritten is gone, what stands stays, and older revisions are Compacted', async () => {
      await put('/a/1', 'old');
      await put('/a/2', 'kept');
      await put('/a/1', 'new');
      await put('/a/3', 'gone');
      await remove('/a/3');
      await put('/a/1', 'newer');
      await store.compact(base + 5);
      expect((await store.list('/a/')).entries.map((entry) => String(entry.value))).toEqual(['newer', 'kept']);
      expect((await store.list('/a/', { revision: base + 5 })).entries.map((entry) => String(entry.value))).toEqual(['new', 'kept']);
      await expect(store.list('/a/', { revision: base + 4 })).rejects.toThrow(Compacted);
      await expect(store.get('/a/1', { revision: base + 1 })).rejects.toThrow(Compacted);
      const late = record(store, '/a/', base + 4);
      await late.until(() => late.ended !== undefined);
      expect([late.ended instanceof Compacted, late.changes.length]).toEqual([true, 0]);
      const intime = record(store, '/a/', base + 5);
      await intime.until(() => intime.changes.length === 1);
      expect(intime.changes.map((change) => line(change, base))).toEqual(['/a/1 6/1 new→newer']);
      await store.compact(base + 2);
      expect(await put('/a/4', 'x')).toBe(base + 7);
    });

    test('a revision in the future cannot be read or compacted', async () => {
      const future = (await put('/a/1', 'x')) + 10;
      await expect(store.list('/a/', { revision: future })).rejects.toThrow(Compacted);
      await expect(store.get('/a/1', { revision: future })).rejects.toThrow(Compacted);
      await expect(store.compact(future)).rejects.toThrow(Compacted);
      expect(String((await store.get('/a/1'))?.value)).toBe('x');
    });

    test('compacting everything keeps the revision', async () => {
      await put('/a/1', 'x');
      const last = await remove('/a/1');
      await store.compact(last);
      expect(await store.revision()).toBe(last);
      expect(await put('/a/1', 'x')).toBe(last + 1);
    });
  });

  describe(`${subject.name}: time to live`, () => {
    test('a key goes by itself, which shows as a deletion; each write starts its time anew', async () => {
      const seen = record(store, '/a/', base);
      await store.write('/a/short', 0, text('x'), { ttlSeconds: 1 });
      const renewed = await store.write('/a/renewed', 0, text('x'), { ttlSeconds: 1 });
      await store.write('/a/renewed', renewed, text('y'), { ttlSeconds: 3_600 });
      const kept = await store.write('/a/kept', 0, text('x'), { ttlSeconds: 1 });
      await store.write('/a/kept', kept, text('y'));
      await rig.pass(2_500);
      await seen.until(() => seen.changes.some((change) => change.key === '/a/short' && !change.value));
      const deletion = seen.changes.at(-1);
      expect([deletion?.key, deletion?.value, String(deletion?.previous)]).toEqual(['/a/short', undefined, 'x']);
      expect((await store.list('/a/')).entries.map((entry) => entry.key)).toEqual(['/a/kept', '/a/renewed']);
      expect(await store.get('/a/short')).toBeUndefined();
    }, 30_000);
  });

  describe(`${subject.name}: the whole`, () => {
    test('relaxed writes keep their place among the others', async () => {
      const seen = record(store, '/a/', base);
      const revisions = await Promise.all(
        Array.from({ length: 30 }, (_, i) => store.write(`/a/${i}`, 0, text('x'), i % 3 === 0 ? { relaxed: true } : {})),
      );
      await seen.until(() => seen.changes.length === 30);
      expect([...revisions].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => base + i + 1));
      expect(seen.changes.map((change) => change.revision)).toEqual(Array.from({ length: 30 }, (_, i) => base + i + 1));
    });

    test('a snapshot is a private file from which the same store starts', async () => {
      await put('/a/1', 'x');
      await put('/a/1', 'y');
      await put('/a/2', 'x');
      await remove('/a/2');
      const path = join(rig.dir, 'copy');
      await store.snapshot(path);
      await put('/a/3', 'later');
      const file = await stat(path);
      expect([file.mode & 0o777, file.size > 0]).toEqual([0o600, true]);
      if (!rig.restore) return;
      const copy = await rig.restore(path);
      try {
        expect(await copy.revision()).toBe(base + 4);
        expect((await copy.list('/')).entries).toEqual([{ key: '/a/1', value: text('y'), revision: base + 2, created: base + 1 }]);
        expect(await copy.write('/a/1', base + 2, text('z'))).toBe(base + 5);
      } finally {
        await copy.close();
      }
    });

    test('after close() everything is Unavailable and watches have ended', async () => {
      const seen = record(store, '/a/', base);
      await store.close();
      await store.close();
      expect(seen.ended).toBeInstanceOf(Unavailable);
      await expect(store.get('/a/1')).rejects.toThrow(Unavailable);
      await expect(store.list('/a/')).rejects.toThrow(Unavailable);
      await expect(store.write('/a/1', 0, text('x'))).rejects.toThrow(Unavailable);
      await expect(store.revision()).rejects.toThrow(Unavailable);
      expect(() => store.watch('/a/', 0, { changes: () => undefined, progress: () => undefined, ended: () => undefined })).toThrow(Unavailable);
    });
  });
}
