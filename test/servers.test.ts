/** Several API servers over one store: what one writes the others serve, and nothing is given out twice. */
import type { ApiObject } from '../api/kind.ts';
import type { Door, WatchEvent } from '../api/request.ts';
import { createApiServer, type ApiServer } from '../apiserver/server.ts';
import { openEtcd } from '../apiserver/storage/etcd.ts';
import { hasEtcd, startEtcd } from '../apiserver/storage/etcd-server.ts';
import { openMemory } from '../apiserver/storage/memory.ts';
import type { Store } from '../apiserver/storage/store.ts';
import { ADMIN, testPki } from '../apiserver/test-server.ts';
import { until } from './harness/until.ts';

type Service = ApiObject & { spec: { clusterIP: string; ports: { nodePort: number }[] } };

const configmaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' } as const;
const services = { ...configmaps, resource: 'services' } as const;

interface Backing {
  /** One store for each server. */
  readonly open: () => Promise<Store>;
  readonly close: () => Promise<void>;
}

async function memoryBacking(): Promise<Backing> {
  const store = openMemory();
  return { open: () => Promise.resolve({ ...sharing(store), close: () => Promise.resolve() }), close: () => store.close() };
}

function sharing(store: Store): Store {
  return {
    revision: () => store.revision(), get: (...parts) => store.get(...parts), list: (...parts) => store.list(...parts), write: (...parts) => store.write(...parts),
    watch: (...parts) => store.watch(...parts), compact: (revision) => store.compact(revision), snapshot: (path) => store.snapshot(path), close: () => store.close(),
  };
}

async function etcdBacking(): Promise<Backing> {
  const etcd = await startEtcd();
  return { open: () => openEtcd({ endpoints: [etcd.endpoint] }), close: () => etcd.stop() };
}

const backings: [string, () => Promise<Backing>][] = [['one memory store', memoryBacking]];
if (hasEtcd()) backings.push(['one etcd', etcdBacking]);

describe.each(backings)('two servers over %s', (_name, makeBacking) => {
  let backing: Backing;
  let stores: Store[];
  let servers: ApiServer[];
  let doors: Door[];
  const at = (index: number): Door => doors[index] as Door;
  beforeAll(async () => {
    backing = await makeBacking();
    stores = [await backing.open(), await backing.open()];
    const pki = await testPki();
    servers = stores.map((store, at) => createApiServer({ store, pki, identity: `machine-${at}`, serviceRange: '10.96.0.0/24', nodePortRange: { from: 30_000, to: 30_127 } }));
    await Promise.all(servers.map((server) => server.start()));
    doors = servers.map((server) => server.door(ADMIN));
  }, 30_000);
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await Promise.all(stores.map((store) => store.close()));
    await backing.close();
  });

  test('both start at once and make each thing once', async () => {
    const roles = ((await at(0).call({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles', verb: 'list' })) as { items: ApiObject[] }).items.map(({ metadata }) => metadata.name);
    expect([new Set(roles).size, roles.includes('cluster-admin')]).toEqual([roles.length, true]);
    const leases = (await at(0).call({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace: 'kube-system', verb: 'list', query: { labelSelector: 'apiserver.kubernetes.io/identity=kube-apiserver' } })) as { items: ApiObject[] };
    expect(leases.items.map(({ metadata }) => metadata.labels?.['kubernetes.io/hostname']).sort()).toEqual(['machine-0', 'machine-1']);
    expect(leases.items[0]).toMatchObject({ metadata: { name: expect.stringMatching(/^apiserver-[a-z2-7]{26}$/) }, spec: { leaseDurationSeconds: 3600, holderIdentity: expect.stringMatching(/^apiserver-/) } });
  });

  test('what one has acknowledged the other serves: to lists, and to reads after it', async () => {
    for (let round = 0; round < 20; round++) {
      const [writer, other] = round % 2 === 0 ? [at(0), at(1)] : [at(1), at(0)];
      await writer.call({ ...configmaps, verb: 'create', body: { metadata: { name: `read-${round}` } } });
      expect(await other.call({ ...configmaps, verb: 'get', name: `read-${round}` })).toMatchObject({ metadata: { name: `read-${round}` } });
      const list = (await other.call({ ...configmaps, verb: 'list' })) as { items: ApiObject[] };
      expect(list.items.map(({ metadata }) => metadata.name)).toContain(`read-${round}`);
    }
  });

  test('a watch at one tells what was written through the other, in order', async () => {
    const stop = new AbortController();
    const list = (await at(0).call({ ...configmaps, verb: 'list' })) as { metadata: { resourceVersion: string } };
    const names: string[] = [];
    const watching = (async () => {
      for await (const { object } of at(0).watch({ ...configmaps, verb: 'watch', query: { resourceVersion: list.metadata.resourceVersion }, signal: stop.signal }) as AsyncIterable<WatchEvent>) {
        names.push((object as ApiObject).metadata.name ?? '');
        if (names.length === 10) stop.abort();
      }
    })();
    for (let round = 0; round < 10; round++) await at((round + 1) % 2).call({ ...configmaps, verb: 'create', body: { metadata: { name: `watched-${round}` } } });
    await watching;
    expect(names).toEqual(Array.from({ length: 10 }, (_, at) => `watched-${at}`));
  });

  test('of writers at both to one object each sees the other\'s write or a conflict', async () => {
    await at(0).call({ ...configmaps, verb: 'create', body: { metadata: { name: 'counter' }, data: { count: '0' } } });
    const add = async (door: Door): Promise<void> => {
      for (;;) {
        const current = (await door.call({ ...configmaps, verb: 'get', name: 'counter' })) as ApiObject & { data: { count: string } };
        try {
          return void (await door.call({ ...configmaps, verb: 'update', name: 'counter', body: { ...current, data: { count: String(Number(current.data.count) + 1) } } }));
        } catch (error) {
          if ((error as { code?: number }).code !== 409) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, round) => add(at(round % 2))));
    expect(await at(0).call({ ...configmaps, verb: 'get', name: 'counter' })).toMatchObject({ data: { count: '20' } });
  });

  test('Service addresses and ports are never given out twice', async () => {
    const made = await Promise.all(
      Array.from({ length: 60 }, async (_, round) => (await at(round % 2).call({ ...services, verb: 'create', body: { metadata: { name: `s-${round}` }, spec: { type: 'NodePort', ports: [{ port: 80 }] } } })) as Service),
    );
    expect(new Set(made.map(({ spec }) => spec.clusterIP)).size).toBe(60);
    expect(new Set(made.map(({ spec }) => spec.ports[0]?.nodePort)).size).toBe(60);
  }, 20_000);

  test('the kubernetes Service has both servers as endpoints', async () => {
    await servers[0]?.advertise('192.0.2.1', 6443);
    await servers[1]?.advertise('192.0.2.2', 6443);
    const slices = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: 'default', name: 'kubernetes', verb: 'get' } as const;
    expect(await at(0).call(slices)).toMatchObject({ addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'] }, { addresses: ['192.0.2.2'] }] });
  });

  test('a definition that one takes is served by the other', async () => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.example.com' },
      spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] },
    };
    await at(0).call({ group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions', verb: 'create', body: definition });
    const boats = { group: 'example.com', version: 'v1', resource: 'boats', namespace: 'default' };
    // Until the other has heard of it, its path is not there.
    await until('the other serves it', () => at(1).call({ ...boats, verb: 'create', body: { apiVersion: 'example.com/v1', kind: 'Boat', metadata: { name: 'a' } } }) as Promise<object>);
    expect(await at(0).call({ ...boats, verb: 'get', name: 'a' })).toMatchObject({ kind: 'Boat' });
  });

  test('a server that stops takes its address out of the kubernetes Service', async () => {
    await servers[1]?.close();
    const slices = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: 'default', name: 'kubernetes', verb: 'get' } as const;
    const slice = (await at(0).call({ ...slices, query: {} })) as { endpoints: unknown[] };
    expect(slice.endpoints).toEqual([expect.objectContaining({ addresses: ['192.0.2.1'] })]);
  });
});
