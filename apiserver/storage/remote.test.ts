/** What is particular to a lent store; all else is in the conformance suite. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { openCache } from '../cache/resource-cache.ts';
import { kindIndexer } from '../cache/cached-object.ts';
import { encodeStored } from '../registry/stored-form.ts';
import { announce, withdraw } from '../written.ts';
import { systemClock } from '../../std/clock.ts';
import type { ApiObject, Kind } from '../../api/kind.ts';
import { openMemory } from './memory.ts';
import { hostStore, type StoreHost } from './remote-host.ts';
import { openRemote } from './remote.ts';
import { Overflow, Unavailable, type Store } from './store.ts';
import { record, text } from './store.conformance.ts';

let inner: Store;
let host: StoreHost;
let opened: Store[];
beforeEach(async () => {
  inner = openMemory();
  host = await hostStore(inner, { backlogLimit: 20 });
  opened = [];
});
afterEach(async () => {
  for (const store of opened) await store.close();
  host.close();
  await inner.close();
});

async function borrow(): Promise<{ readonly store: Store; readonly mine: MessagePort; readonly theirs: MessagePort }> {
  const { port1, port2 } = new MessageChannel();
  const { marks } = host.lend(port1);
  const store = await openRemote({ port: port2, marks });
  opened.push(store);
  return { store, mine: port2, theirs: port1 };
}

/** How many messages a port gets from now on. */
function counted(port: MessagePort): () => number {
  let count = 0;
  port.on('message', () => count++);
  return () => count;
}

test('what is written in one turn travels as one message, and so do its revisions with what changed', async () => {
  const [{ store, mine, theirs }, other] = [await borrow(), await borrow()];
  const seen = record(other.store, '/a/', await other.store.revision());
  const [asked, told, fed] = [counted(theirs), counted(mine), counted(other.mine)];
  const revisions = await Promise.all(Array.from({ length: 50 }, (_, i) => store.write(`/a/${i}`, 0, text('x'))));
  await seen.until(() => seen.changes.length === 50);
  expect(revisions).toEqual(seen.changes.map(({ revision }) => revision));
  expect([asked(), told(), fed()]).toEqual([1, 1, 1]);
});

test('an acknowledged write shows at once wherever somebody asks how far the store is', async () => {
  const [one, other] = [await borrow(), await borrow()];
  const revision = await one.store.write('/a/1', 0, text('x'));
  expect([await other.store.revision(), await one.store.revision()]).toEqual([revision, revision]);
  const own = await inner.write('/a/2', 0, text('x'));
  expect(await other.store.revision()).toBe(own);
});

test('watchers of a thread that falls behind are ended, and go on from where they were', async () => {
  const { store } = await borrow();
  const seen = record(store, '/a/', await store.revision());
  // More than it may be behind, before it can take any of them in.
  await Promise.all(Array.from({ length: 30 }, (_, i) => inner.write(`/a/${i}`, 0, text('x'))));
  await seen.until(() => seen.ended !== undefined);
  expect(seen.ended).toBeInstanceOf(Overflow);
  expect(seen.changes.length).toBeGreaterThan(0);
  const again = record(store, '/a/', seen.changes.at(-1)?.revision ?? 0);
  await inner.write('/a/last', 0, text('x'));
  await again.until(() => again.changes.at(-1)?.key === '/a/last');
  expect([...seen.changes, ...again.changes].map(({ revision }) => revision)).toEqual(Array.from({ length: 31 }, (_, i) => i + 1));
});

test('a host whose own watch is lost ends those of the threads, and feeds them again', async () => {
  const lost: ((error: Error) => void)[] = [];
  const breaking: Store = {
    ...bound(inner),
    watch(prefix, after, sink) {
      lost.push((error) => sink.ended(error));
      return inner.watch(prefix, after, sink);
    },
  };
  host = await hostStore(breaking);
  const { store } = await borrow();
  const seen = record(store, '/a/', await store.revision());
  lost[0]?.(new Overflow('too slow'));
  await seen.until(() => seen.ended !== undefined);
  const again = record(store, '/a/', 0);
  await store.write('/a/1', 0, text('x'));
  await again.until(() => again.changes.length === 1);
});

test('whoever waits when the store is taken back hears of it', async () => {
  const never: Store = { ...bound(inner), write: () => new Promise(() => undefined), get: () => new Promise(() => undefined) };
  host = await hostStore(never);
  const { store } = await borrow();
  const waiting = [store.write('/a/1', 0, text('x')), store.get('/a/1')];
  await new Promise((resolve) => setImmediate(resolve));
  host.close();
  for (const one of waiting) await expect(one).rejects.toThrow(Unavailable);
  await expect(store.write('/a/1', 0, text('x'))).rejects.toThrow(Unavailable);
});

test('the caches of its writer take what it was made of; others look into it when they are asked', async () => {
  const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', namespace: 'd', labels: { app: 'x' } }, data: { k: 'v' } } as ApiObject;
  const value = encodeStored(object);
  const index = kindIndexer({ namespaced: true, selectableFields: {} } as unknown as Kind);
  const [writer, other] = [await borrow(), await borrow()];
  const caches = [writer.store, other.store, inner].map((store) => openCache({ store, prefix: '/registry/configmaps/', index, clock: systemClock }));
  for (const cache of caches) await cache.ready();
  const parse = JSON.parse;
  let parsed = 0;
  JSON.parse = (...parts: Parameters<typeof parse>) => (parsed++, parse(...parts)) as unknown;
  try {
    announce(value, object);
    const revision = await writer.store.write('/registry/configmaps/d/a', 0, value);
    withdraw(value);
    for (const cache of caches) await cache.waitFor(revision, 5_000);
    expect(parsed).toBe(0);
    const [own, ...elsewhere] = caches.map((cache) => cache.get('/registry/configmaps/d/a'));
    expect((own as unknown as { object: { data?: object } }).object.data).toBe((object as { data?: object }).data);
    expect(parsed).toBe(0);
    for (const found of elsewhere) {
      expect([found?.labels, found?.fields, found?.object]).toEqual([{ app: 'x' }, { 'metadata.name': 'a', 'metadata.namespace': 'd' }, { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }]);
      expect(found?.bytes.equals(own?.bytes as Buffer)).toBe(true);
    }
  } finally {
    JSON.parse = parse;
    for (const cache of caches) cache.close();
  }
});

test('an object of another thread that goes without having been looked into shows its last state', async () => {
  const { store } = await borrow();
  const cache = openCache({ store, prefix: '/registry/configmaps/', index: kindIndexer({ namespaced: true }), clock: systemClock });
  await cache.ready();
  const events: string[] = [];
  cache.watch(cache.revision, undefined, { event: ({ type, object }) => void events.push(`${type} ${object.labels['app']} ${object.object.metadata.resourceVersion}`), bookmark: () => undefined, ended: () => undefined });
  const created = await inner.write('/registry/configmaps/d/a', 0, Buffer.from('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"d","labels":{"app":"x"}}}'));
  await inner.write('/registry/configmaps/d/a', created, undefined);
  await cache.waitFor(created + 1, 5_000);
  expect(events).toEqual([`ADDED x ${created}`, `DELETED x ${created + 1}`]);
  cache.close();
});

function bound(store: Store): Store {
  return {
    revision: () => store.revision(), get: (...parts) => store.get(...parts), list: (...parts) => store.list(...parts), write: (...parts) => store.write(...parts),
    watch: (...parts) => store.watch(...parts), compact: (revision) => store.compact(revision), snapshot: (path) => store.snapshot(path), close: () => store.close(),
  };
}
