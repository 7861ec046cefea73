import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiError } from '../api/status.ts';
import { VirtualClock, systemClock } from '../std/clock.ts';
import { FakeDoor } from './fake-door.ts';
import { serveDoor } from './fake-server.ts';
import { openHttpDoor, type HttpDoor } from './http.ts';
import { readKubeconfig } from './kubeconfig.ts';

const get = { verb: 'list', group: '', version: 'v1', resource: 'pods' } as const;

describe('openHttpDoor()', () => {
  const closing: (() => Promise<unknown>)[] = [];
  const folder = mkdtemp(join(tmpdir(), 'coracle-http-'));
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  afterAll(async () => rm(await folder, { recursive: true }));

  function opened(door: HttpDoor): HttpDoor {
    closing.unshift(() => door.close());
    return door;
  }

  async function raw(listener: Parameters<typeof createServer>[1]): Promise<string> {
    const server: Server = createServer(listener as never);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('reads its token again when the file has changed', async () => {
    const server = await serveDoor(new FakeDoor());
    closing.push(() => server.close());
    const tokenFile = join(await folder, 'token');
    const clock = new VirtualClock();
    const door = opened(openHttpDoor({ server: server.url, tokenFile, clock }));
    await writeFile(tokenFile, 'one\n');
    await door.call(get);
    await writeFile(tokenFile, 'two\n');
    await door.call(get);
    await clock.advance(10_000);
    await door.call(get);
    await rm(tokenFile);
    await clock.advance(10_000);
    await door.call(get);
    expect(server.seen.map(({ authorization }) => authorization)).toEqual(['Bearer one', 'Bearer one', 'Bearer two', 'Bearer two']);
  });

  test('asks for metadata alone where the caller wants no more', async () => {
    const server = await serveDoor(new FakeDoor());
    closing.push(() => server.close());
    const door = opened(openHttpDoor({ server: server.url, clock: systemClock }));
    await door.call({ ...get, metadataOnly: true });
    expect(server.seen[0]?.accept).toBe('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1');
  });

  test('waits as long as the server says, then asks again', async () => {
    let answers = 0;
    const url = await raw((_, response) => {
      if (answers++ < 2) response.writeHead(429, { 'retry-after': '0' }).end('{"kind":"Status","reason":"TooManyRequests","code":429}');
      else response.end('{"items":[]}');
    });
    expect(await opened(openHttpDoor({ server: url, clock: systemClock })).call(get)).toEqual({ items: [] });
    expect(answers).toBe(3);
  });

  test.each([
    ['a page', (r: { writeHead: (c: number) => { end: (t: string) => void } }) => r.writeHead(502).end('<html>'), { code: 502, reason: 'InternalError' }],
    ['half an answer', (r: { write: (t: string) => void; destroy: () => void }) => (r.write('{"a'), r.destroy()), { code: 503, reason: 'ServiceUnavailable' }],
    ['no JSON', (r: { end: (t: string) => void }) => r.end('hello'), { code: 503, reason: 'ServiceUnavailable' }],
  ])('%s becomes an ApiError', async (_, answer, expected) => {
    const url = await raw((__, response) => answer(response as never));
    const error: unknown = await opened(openHttpDoor({ server: url, clock: systemClock })).call(get).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject(expected);
  });

  test('a server that is not there becomes an ApiError too', async () => {
    const url = await raw(() => undefined);
    for (const close of closing.splice(0)) await close();
    await expect(opened(openHttpDoor({ server: url, clock: systemClock })).call(get)).rejects.toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
  });

  test('readKubeconfig() takes data and files, and refuses what it cannot do by name', async () => {
    const file = join(await folder, 'config');
    await writeFile(join(await folder, 'key.pem'), 'KEY');
    await writeFile(file, config(`client-certificate-data: ${Buffer.from('CERT').toString('base64')}, client-key: key.pem`));
    expect(await readKubeconfig(file)).toEqual({ server: 'https://127.0.0.1:1', ca: 'CA', cert: 'CERT', key: 'KEY' });
    await writeFile(file, config('exec: {command: aws}'));
    await expect(readKubeconfig(file)).rejects.toThrow('exec is not supported');
    await expect(readKubeconfig(file, { context: 'other' })).rejects.toThrow('no context "other"');
  });
});

function config(user: string): string {
  return `
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://127.0.0.1:1", certificate-authority-data: ${Buffer.from('CA').toString('base64')}}}]
users: [{name: u, user: {${user}}}]`;
}
