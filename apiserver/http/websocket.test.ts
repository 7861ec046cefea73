import { Duplex } from 'node:stream';
import { encodeWatchFrame } from '../../api/codec/protobuf.ts';
import { openMemory } from '../storage/memory.ts';
import { openTestServer, type TestServer } from '../test-server.ts';
import { clientFrame, HANDSHAKE, openRaw, type RawOptions } from '../test-websocket.ts';
import { messageHead, WebSocket } from './websocket.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const WATCH = `${MAPS}?watch=true`;
/** The farewell: 1000. */
const FAREWELL = '8 03e8';
const configmaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' } as const;

let own: TestServer;
beforeAll(async () => {
  own = await openTestServer({ staticTokens: 'secret,jane,u1' });
  await make('a');
});
afterAll(() => own.close());

function make(name: string, text = ''): Promise<unknown> {
  return own.doors.direct.call({ ...configmaps, verb: 'create', body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { text } } });
}

const raw = (path: string, options?: RawOptions) => openRaw(own.port, path, options);

async function settled(sign: string): Promise<void> {
  while (!own.server.meter.text().includes(sign)) await new Promise((resolve) => setImmediate(resolve));
}
const lasting = (count: number): string => `apiserver_longrunning_requests{verb="WATCH",group="",version="v1",resource="configmaps",subresource="",scope="namespace",component="apiserver"} ${count}`;

describe('the handshake', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ['of a page', {}, 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
    ['in other letters', { Connection: 'keep-alive, upgrade', Upgrade: 'WebSocket' }, 'HTTP/1.1 101 '],
    ['with a protocol', { 'Sec-WebSocket-Protocol': 'any' }, 'Sec-WebSocket-Protocol: any'],
    ['with several protocols', { 'Sec-WebSocket-Protocol': 'one, two' }, 'HTTP/1.1 400 Bad Request'],
    ['of no page', { Origin: undefined }, 'HTTP/1.1 403 Forbidden'],
    ['of a page without a name', { Origin: 'null' }, 'HTTP/1.1 403 Forbidden'],
    ['without a key', { 'Sec-WebSocket-Key': undefined }, 'HTTP/1.1 400 Bad Request'],
    ['of another version', { 'Sec-WebSocket-Version': '8' }, 'HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13'],
    ['that also asks for something else', { Upgrade: 'websocket, h2c' }, 'Transfer-Encoding: chunked'],
  ])('%s', async (_what, headers, expected) => {
    const client = await raw(`${WATCH}&timeoutSeconds=1`, { headers: { ...HANDSHAKE, ...headers } });
    expect(await client.head()).toContain(expected);
    client.close();
  });

  test.each<[string, string, RawOptions, number, string]>([
    ['an unknown resource', '/api/v1/namespaces/default/nothings?watch=true', {}, 404, 'could not find the requested resource'],
    ['a selector that is none', `${WATCH}&labelSelector=%3D`, {}, 400, '"code":400'],
    ['somebody without the right', WATCH, { anonymous: true }, 403, 'cannot watch resource'],
    ['somebody whom a token names', WATCH, { anonymous: true, headers: { ...HANDSHAKE, 'Sec-WebSocket-Protocol': `base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}, any` } }, 403, 'User \\"jane\\" cannot watch'],
    ['a form that is not given', WATCH, { headers: { ...HANDSHAKE, Accept: 'application/yaml' } }, 406, 'code: 406'],
  ])('what is refused before it is refused in HTTP: %s', async (_what, path, options, code, text) => {
    const client = await raw(path, options);
    expect(await client.head()).toMatch(new RegExp(`^HTTP/1.1 ${code} [^]*\r\nAudit-Id: `));
    expect(await client.body()).toContain(text);
  });
});

describe('a watch', () => {
  test('tells each event as one message, and ends when its time is up', async () => {
    const { metadata } = (await own.doors.direct.call({ ...configmaps, verb: 'list' })) as { metadata: { resourceVersion: string } };
    const client = await raw(`${WATCH}&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=1`);
    await client.head();
    await make('b', 'x'.repeat(70_000));
    await own.doors.direct.call({ ...configmaps, verb: 'delete', name: 'b' });
    const all = await client.rest();
    expect(all.pop()).toBe(FAREWELL);
    expect(all.every((text) => text.endsWith('}\n'))).toBe(true);
    expect(all.map((text) => JSON.parse(text) as { type: string; object: { metadata: { name: string } } }).map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED b', 'DELETED b']);
  });

  test('in protobuf is of binary messages without a length of their own', async () => {
    const client = await raw(WATCH, { headers: { ...HANDSHAKE, Accept: 'application/vnd.kubernetes.protobuf' } });
    const { opcode, data } = (await client.next()) ?? { opcode: 0, data: Buffer.alloc(0) };
    const at = data.indexOf('k8s\0');
    expect([opcode, data.toString('latin1')]).toEqual([2, encodeWatchFrame('ADDED', data.subarray(at)).subarray(4).toString('latin1')]);
    client.close();
  });

  test.each([
    ['a Table', { Accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' }, '"kind":"Table"'],
    ['metadata alone', { Accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' }, '"kind":"PartialObjectMetadata"'],
  ])('can be of %s', async (_what, headers, text) => {
    const client = await raw(WATCH, { headers: { ...HANDSHAKE, ...headers } });
    expect((await client.next())?.data.toString()).toContain(text);
    client.close();
  });

  test('marks the end of what is there', async () => {
    const client = await raw(`${WATCH}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`);
    const shown = [(await client.next())?.data.toString(), (await client.next())?.data.toString()];
    expect(shown).toEqual([expect.stringContaining('"ADDED"'), expect.stringContaining('"k8s.io/initial-events-end":"true"')]);
    client.close();
  });

  test('from a revision that is no more says so, and ends', async () => {
    const store = openMemory();
    await (await openTestServer({ store })).close();
    await store.compact(await store.revision());
    const later = await openTestServer({ store });
    const client = await openRaw(later.port, '/api/v1/namespaces?watch=true&resourceVersion=1');
    expect(await client.rest()).toEqual([expect.stringMatching(/^{"type":"ERROR",.*"code":410}}\n$/), FAREWELL]);
    await later.close();
    await store.close();
  });

  test.each<[string, Buffer, string[]]>([
    ['a ping', Buffer.concat([clientFrame(9, 'there?'), clientFrame(8)]), ['10 74686572653f', FAREWELL]],
    ['a message, which nobody reads, and a farewell', Buffer.concat([clientFrame(1, 'hello'), clientFrame(8)]), [FAREWELL]],
    ['a frame without a mask', clientFrame(1, 'hello', { masked: false }), ['8 03ea']],
  ])('hears %s', async (_what, said, expected) => {
    const client = await raw(WATCH);
    await client.next();
    client.say(said);
    expect(await client.rest()).toEqual(expected);
    await settled(lasting(0));
  });

  test('hears what comes with the handshake', async () => {
    const client = await raw(WATCH, { body: clientFrame(9, 'early') });
    const seen = [(await client.next())?.opcode, (await client.next())?.opcode];
    expect(seen.toSorted()).toEqual([1, 10]);
    client.close();
  });

  test('is counted while it lasts, and gone with its client', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => raw(WATCH)));
    await settled(lasting(20));
    for (const [at, client] of clients.entries()) {
      await client.next();
      if (at % 2 === 0) client.close();
      else client.socket.end();
    }
    await settled(lasting(0));
    expect(own.server.meter.text()).toContain('apiserver_watch_events_total{group="",version="v1",resource="configmaps"}');
  });

  test('whose reader pauses in the middle of much tells all of it, once and in order', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `map-${String(i).padStart(3, '0')}`);
    for (const name of names.slice(0, 250)) await make(name, 'x'.repeat(20_000));
    const client = await raw(WATCH);
    await client.next();
    client.socket.pause();
    for (const name of names.slice(250)) await make(name, 'x'.repeat(20_000));
    client.socket.resume();
    const seen: string[] = [];
    while (seen.length < names.length) seen.push((JSON.parse((await client.next())?.data.toString() ?? '') as { object: { metadata: { name: string } } }).object.metadata.name);
    expect(seen).toEqual(names);
    client.close();
  });
});

test('a watch ends with a farewell when the server does', async () => {
  const server = await openTestServer();
  const client = await openRaw(server.port, '/api/v1/namespaces?watch=true');
  await client.next();
  const closing = server.close();
  expect((await client.rest()).at(-1)).toBe(FAREWELL);
  await closing;
});

describe('where nothing leaves HTTP, asking to is as if nothing had been asked', () => {
  test.each([
    ['h2c', 'GET', '/version', '', 200],
    ['websocket', 'GET', MAPS, '', 200],
    ['foo/2', 'GET', `${MAPS}/none`, '', 404],
    ['websocket', 'POST', MAPS, '{"metadata":{"name":"posted"}}', 201],
    ['h2c', 'DELETE', `${MAPS}/posted`, '', 200],
    ['websocket', 'POST', WATCH, '{}', 422],
    ['h2c', 'GET', `${WATCH}&timeoutSeconds=1`, '', 200],
  ])('%s: %s %s', async (protocol, method, path, body, code) => {
    const headers = { ...(protocol === 'websocket' ? HANDSHAKE : {}), Connection: 'Upgrade', Upgrade: protocol, ...(body !== '' && { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }) };
    const client = await raw(path, { method, headers, body });
    expect(await client.head()).toContain(`HTTP/1.1 ${code} `);
    client.close();
  });

  test('and the connection ends after it: a request that came in the same packet is not lost without a word', async () => {
    const client = await raw('/healthz', { headers: { Connection: 'Upgrade', Upgrade: 'h2c' }, body: 'GET /version HTTP/1.1\r\nHost: x\r\n\r\n' });
    expect(await client.head()).toContain('Connection: close');
    expect(await client.body()).toBe('ok');
  });
});

test('who pings without reading is listened to again when there is room', () => {
  const taken: (() => void)[] = [];
  const socket = new Duplex({ writableHighWaterMark: 1, read() {}, write: (_chunk, _encoding, done) => void taken.push(done) });
  const spoken = new WebSocket({ socket, head: Buffer.alloc(0) });
  socket.emit('data', Buffer.concat(Array.from({ length: 100 }, () => clientFrame(9, 'hi'))));
  expect([socket.isPaused(), socket.listenerCount('drain')]).toEqual([true, 1]);
  for (let done = taken.shift(); done; done = taken.shift()) done();
  return spoken.drained().then(() => expect([socket.isPaused(), socket.listenerCount('drain')]).toEqual([false, 0]));
});

test.each([
  [0, '8100'],
  [125, '817d'],
  [126, '817e007e'],
  [65_535, '817effff'],
  [65_536, '817f0000000000010000'],
])('messageHead() of %i bytes', (size, hex) => {
  expect(messageHead(1, size).toString('hex')).toBe(hex);
});
