import { configmaps, leases, pods } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { WatchEvent } from '../api/request.ts';
import type { ConfigMap } from '../api/types/core.v1.ts';
import { systemClock } from '../std/clock.ts';
import { systemRandom } from '../std/random.ts';
import type { CacheEvent, Client, Stored } from './client.ts';
import { openClient } from './open-client.ts';
import { FakeDoor, type FakeDoorOptions } from './fake-door.ts';
import { serveDoor } from './fake-server.ts';
import { openHttpDoor } from './http.ts';
import { openInformer } from './informer.ts';

interface Setting {
  readonly fake: FakeDoor;
  readonly client: Client;
  close(): Promise<void>;
}

const transports: Record<string, (options?: FakeDoorOptions) => Promise<Setting>> = {
  async 'in-process'(options) {
    const fake = new FakeDoor(options);
    return { fake, client: openClient(fake, { userAgent: 'test/1' }), close: async () => undefined };
  },
  async http(options) {
    const fake = new FakeDoor(options);
    const server = await serveDoor(fake);
    const door = openHttpDoor({ server: server.url, clock: systemClock });
    const close = async (): Promise<void> => {
      await door.close();
      await server.close();
    };
    return { fake, client: openClient(door, { userAgent: 'test/1' }), close };
  },
};

const map = (name: string, data: Record<string, string> = {}): ConfigMap => ({ metadata: { name, namespace: 'a' }, data });

describe.each(Object.entries(transports))('over %s', (transport, open) => {
  let setting: Setting;
  const start = async (options?: FakeDoorOptions): Promise<Setting> => (setting = await open(options));
  afterEach(() => setting.close());

  test('objects are created, read, changed and deleted', async () => {
    const { client } = await start();
    const made = await client.create(configmaps, map('x', { k: 'v' }));
    expect(made).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'a' } });
    expect(Object.isFrozen(made.data)).toBe(true);
    expect(await client.get(configmaps, { namespace: 'a', name: 'x' })).toEqual(made);
    const updated = await client.update(configmaps, { ...made, data: { k: 'w' } });
    await expect(client.update(configmaps, { ...made, data: {} })).rejects.toMatchObject({ name: 'ApiError', reason: 'Conflict', code: 409 });
    const patched = await client.patch(configmaps, updated.metadata, { type: 'application/merge-patch+json', body: { data: { l: 'm' } } });
    expect(patched.data).toEqual({ k: 'w', l: 'm' });
    expect((await client.list(configmaps, { namespace: 'a' })).items).toEqual([patched]);
    expect((await client.list(configmaps, { namespace: 'b' })).items).toEqual([]);
    await expect(client.delete(configmaps, made.metadata, { preconditions: { uid: 'other' } })).rejects.toMatchObject({ reason: 'Conflict' });
    await client.delete(configmaps, made.metadata);
    await expect(client.get(configmaps, made.metadata)).rejects.toBeInstanceOf(ApiError);
    await expect(client.get(configmaps, made.metadata)).rejects.toMatchObject({ reason: 'NotFound', message: 'configmaps "x" not found' });
  });

  test('writes name their manager, and go where they belong', async () => {
    const { client, fake } = await start();
    await client.create(leases, { metadata: { name: 'l', namespace: 'a' }, spec: {} });
    await client.apply(configmaps, map('y'), { fieldManager: 'me', force: true });
    await client.post(pods, { namespace: 'a', name: 'p' }, 'binding', { target: { name: 'n' } });
    expect(fake.calls).toMatchObject([
      { verb: 'create', group: 'coordination.k8s.io', resource: 'leases', query: { fieldManager: 'test' } },
      { verb: 'patch', name: 'y', patchType: 'application/apply-patch+yaml', query: { fieldManager: 'me', force: 'true' } },
      { verb: 'create', name: 'p', subresource: 'binding', body: { target: { name: 'n' } } },
    ]);
  });

  test('a watch says what changes from a version on, until it is aborted', async () => {
    const { client } = await start();
    const first = await client.create(configmaps, map('x'));
    await client.create(configmaps, map('y'));
    await client.delete(configmaps, first.metadata);
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const event of client.watch(configmaps, { resourceVersion: first.metadata.resourceVersion, signal: stop.signal })) {
      seen.push(`${event.type} ${event.object.metadata.name}`);
      if (seen.length === 2) stop.abort();
    }
    expect(seen).toEqual(['ADDED y', 'DELETED x']);
  });

  test('the caches of informers leave out who set which field, and keep what is the same as one', async () => {
    const { client } = await start();
    await client.create(configmaps, { ...map('x', { k: 'v' }), metadata: { name: 'x', namespace: 'a', managedFields: [{ manager: 'm' }] } });
    const informers = [0, 1].map(() => openInformer(client, configmaps, { namespace: 'a' }, { clock: systemClock, random: systemRandom }));
    await Promise.all(informers.map((informer) => informer.synced()));
    const [one, other] = informers.map(({ cache }) => cache.get({ namespace: 'a', name: 'x' }));
    for (const informer of informers) informer.stop();
    const { managedFields, ...metadata } = (await client.get(configmaps, { namespace: 'a', name: 'x' })).metadata as Stored<ConfigMap>['metadata'] & { readonly managedFields?: unknown };
    expect(managedFields).toEqual([{ manager: 'm' }]);
    expect(one).toMatchObject({ data: { k: 'v' } });
    expect([one?.metadata, other?.metadata]).toEqual([metadata, metadata]);
    expect(Object.isFrozen(one?.metadata)).toBe(true);
    if (transport === 'in-process') expect(other).toBe(one);
  });

  test('a watch from a forgotten version is refused with 410', async () => {
    const { client, fake } = await start();
    const first = await client.create(configmaps, map('x'));
    await client.create(configmaps, map('y'));
    fake.compact();
    const read = async (): Promise<WatchEvent[]> => {
      const events = [];
      for await (const event of client.watch(configmaps, { resourceVersion: first.metadata.resourceVersion })) events.push(event);
      return events;
    };
    await expect(read()).rejects.toMatchObject({ code: 410, reason: 'Expired' });
  });

  test.each([{ listOnly: false }, { listOnly: true }])('an informer keeps a picture through disconnections and forgotten versions (%p)', async (options) => {
    const { client, fake } = await start(options);
    await client.create(configmaps, map('x', { color: 'red' }));
    const indexes = { color: (object: Stored<ConfigMap>) => [object.data?.['color'] ?? ''] };
    const informer = openInformer(client, configmaps, { namespace: 'a', indexes }, { clock: systemClock, random: systemRandom });
    const seen: string[] = [];
    const until = follow(informer.subscribe, seen);
    await informer.synced();
    expect(informer.cache.by('color', 'red')).toHaveLength(1);
    await client.create(configmaps, map('y', { color: 'red' }));
    await until('added y');
    fake.disconnect();
    const x = await client.update(configmaps, map('x', { color: 'blue' }));
    await until('updated x');
    expect(informer.cache.by('color', 'red').map(({ metadata }) => metadata.name)).toEqual(['y']);
    expect(informer.cache.get({ namespace: 'a', name: 'x' })).toEqual(x);
    expect(Object.isFrozen(informer.cache.get({ namespace: 'a', name: 'x' }))).toBe(true);
    // While nobody watches, one goes, one comes again under its name, and history is forgotten.
    await client.delete(configmaps, { namespace: 'a', name: 'y' });
    await client.delete(configmaps, { namespace: 'a', name: 'x' });
    await client.create(configmaps, map('x'));
    fake.compact();
    fake.disconnect();
    await client.create(configmaps, map('z'));
    await until('added z');
    expect(seen.filter((line) => line.endsWith(' x'))).toEqual(['added x', 'updated x', 'deleted x', 'added x']);
    expect(informer.cache.list().map(({ metadata }) => metadata.name).sort()).toEqual(['x', 'z']);
    expect(informer.cache.list('b')).toEqual([]);
    informer.stop();
  });
});

/** Collects what is told, and waits for a line of it. */
function follow(subscribe: (listener: (event: CacheEvent<ConfigMap>) => void) => unknown, seen: string[]): (line: string) => Promise<void> {
  const waiting: { line: string; resolve: () => void }[] = [];
  subscribe((event) => {
    seen.push(`${event.type} ${event.object.metadata.name}`);
    for (const { line, resolve } of waiting) if (seen.includes(line)) resolve();
  });
  return (line) => (seen.includes(line) ? Promise.resolve() : new Promise((resolve) => waiting.push({ line, resolve })));
}
