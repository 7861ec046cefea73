import type { ApiObject } from '../../api/kind.ts';
import type { Door, WatchEvent } from '../../api/request.ts';
import { createApiServer, type ApiServer } from '../server.ts';
import { openMemory } from '../storage/memory.ts';
import type { Store } from '../storage/store.ts';
import { ADMIN, testPki } from '../test-server.ts';

const store = openMemory();
/** What happens between a pod's last state and its end. */
let between: (() => Promise<unknown>) | undefined;
const watched = new Proxy(store, {
  get(target, name) {
    const member: unknown = Reflect.get(target, name);
    if (name === 'write') return write;
    return typeof member === 'function' ? (member.bind(target) as unknown) : member;
  },
});

async function write(...args: Parameters<Store['write']>): Promise<number> {
  const [key, , value] = args;
  if (key.startsWith('/registry/pods/') && value === undefined) {
    const run = between;
    between = undefined;
    await run?.();
  }
  return store.write(...args);
}

let server: ApiServer;
let door: Door;
beforeAll(async () => {
  server = createApiServer({ store: watched, pki: await testPki() });
  await server.start();
  door = server.door(ADMIN);
  await door.call({ group: '', version: 'v1', resource: 'serviceaccounts', verb: 'create', namespace: 'default', body: { metadata: { name: 'default' } } }).catch(() => undefined);
});
afterAll(async () => {
  await server.close();
  await store.close();
});

const PODS = { group: '', version: 'v1', resource: 'pods', namespace: 'default' };

async function makePod(name: string): Promise<ApiObject> {
  const spec = { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }], nodeName: 'n' };
  return (await door.call({ ...PODS, verb: 'create', body: { metadata: { name }, spec } })) as ApiObject;
}

/** The events of a pod after it was made, up to its end. */
async function events({ metadata: { name = '', resourceVersion = '' } }: ApiObject): Promise<WatchEvent[]> {
  const seen: WatchEvent[] = [];
  const stop = new AbortController();
  for await (const event of door.watch({ ...PODS, verb: 'watch', query: { resourceVersion, fieldSelector: `metadata.name=${name}` }, signal: stop.signal })) {
    seen.push(event);
    if (event.type === 'DELETED') break;
  }
  stop.abort();
  return seen;
}

test('watches see a pod marked before it is deleted by force', async () => {
  const pod = await makePod('a');
  const deleted = (await door.call({ ...PODS, verb: 'delete', name: 'a', query: { gracePeriodSeconds: '0' } })) as ApiObject;
  const seen = await events(pod);
  expect(seen.map(({ type, object }) => [type, (object as ApiObject).metadata.deletionGracePeriodSeconds])).toEqual([['MODIFIED', 0], ['DELETED', 0]]);
  expect(seen[1]?.object).toMatchObject({ metadata: { resourceVersion: deleted.metadata.resourceVersion } });
});

const KEY = '/registry/pods/default/';

test('a pod that is written to once it is marked goes all the same', async () => {
  const pod = await makePod('b');
  between = async () => {
    const entry = await store.get(`${KEY}b`);
    return entry && store.write(entry.key, entry.revision, entry.value);
  };
  await door.call({ ...PODS, verb: 'delete', name: 'b', query: { gracePeriodSeconds: '0' } });
  expect((await events(pod)).map(({ type }) => type)).toEqual(['MODIFIED', 'MODIFIED', 'DELETED']);
});

test('an update that comes in between lets a pod go', async () => {
  const pod = await makePod('c');
  between = () => door.call({ ...PODS, verb: 'patch', subresource: 'status', name: 'c', patchType: 'application/merge-patch+json', body: { status: { phase: 'Failed' } } });
  expect(await door.call({ ...PODS, verb: 'delete', name: 'c', query: { gracePeriodSeconds: '0' } })).toMatchObject({ metadata: { name: 'c', deletionGracePeriodSeconds: 0 } });
  expect((await events(pod)).map(({ type }) => type)).toEqual(['MODIFIED', 'DELETED']);
});
