import type { ApiObject } from '../../api/kind.ts';
import type { WatchEvent } from '../../api/request.ts';
import { openTestServer, type TestServer } from '../test-server.ts';

const configmaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };
const STORED = 300;
const LATER = 50;

let own: TestServer;
beforeAll(async () => {
  own = await openTestServer();
});
afterAll(() => own.close());

test('a reader that pauses in the middle of much gets all of it, once and in order', async () => {
  const { direct, socket } = own.doors;
  const create = (i: number): Promise<unknown> => direct.call({ ...configmaps, verb: 'create', body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `map-${String(i).padStart(3, '0')}` }, data: { text: 'x'.repeat(20_000) } } });
  for (let i = 0; i < STORED; i++) await create(i);
  const controller = new AbortController();
  const events = socket.watch({ ...configmaps, verb: 'watch', query: {}, signal: controller.signal })[Symbol.asyncIterator]();
  const names: string[] = [];
  const read = async (): Promise<void> => {
    const { value } = (await events.next()) as { value: WatchEvent<ApiObject> };
    names.push(`${value.type} ${(value.object as ApiObject).metadata.name}`);
  };
  await read();
  for (let i = STORED; i < STORED + LATER; i++) await create(i);
  while (names.length < STORED + LATER) await read();
  controller.abort();
  expect(names).toEqual(Array.from({ length: STORED + LATER }, (_, i) => `ADDED map-${String(i).padStart(3, '0')}`));
});
