/** What people and machines get wrong: each is told so clearly, and nothing is lost or half-written. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { until } from './harness/until.ts';

const CLI = join(import.meta.dirname, '../cli/coracle.ts');
const directories: string[] = [];
const running = new Set<() => Promise<void>>();

afterAll(async () => {
  for (const stop of running) await stop();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function fresh(): string {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-bad-'));
  directories.push(directory);
  return directory;
}

interface Api {
  readonly pid: number;
  call(method: string, path: string, body?: string | Buffer, headers?: Record<string, string>): Promise<{ code: number; body: Status }>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

interface Status {
  readonly kind: string;
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly metadata: { readonly resourceVersion?: string; readonly name?: string };
  readonly data?: Record<string, string>;
  readonly items?: readonly { readonly metadata: { readonly name: string } }[];
}

/** An API server with controllers on loopback, without any node: nothing here touches a network. */
async function start(directory: string, ...flags: string[]): Promise<Api> {
  const kubeconfig = join(directory, 'kubeconfig');
  rmSync(kubeconfig, { force: true });
  const child = spawn(process.execPath, [CLI, 'up', '--data-dir', join(directory, 'data'), '--port', '0', '--bind-address', '127.0.0.1', '--runtime', 'none', '--kubeconfig', kubeconfig, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  await Promise.race([
    until('the API is ready', () => statSync(kubeconfig, { throwIfNoEntry: false }) !== undefined, 60_000),
    ended.then((code) => {
      throw new Error(`it ended with ${String(code)}:\n${output}`);
    }),
  ]);
  const { server, ca, cert, key } = await readKubeconfig(kubeconfig);
  const withCertificate = new Agent({ connect: { ca: ca as string, cert: cert as string, key: key as string } });
  const withoutCertificate = new Agent({ connect: { ca: ca as string } });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    running.delete(stopQuietly);
    await Promise.all([withCertificate.destroy(), withoutCertificate.destroy()]);
    child.kill(signal);
    return ended;
  };
  const stopQuietly = async (): Promise<void> => void (await stop('SIGKILL'));
  running.add(stopQuietly);
  return {
    pid: child.pid as number,
    stop,
    async call(method, path, body, headers = {}) {
      const dispatcher = headers.authorization === undefined ? withCertificate : withoutCertificate;
      const response = await request(`${server}${path}`, { method: method as 'GET', dispatcher, headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers }, ...(body !== undefined && { body }) });
      const text = await response.body.text();
      return { code: response.statusCode, body: (text.startsWith('{') ? JSON.parse(text) : { kind: '', message: text, metadata: {} }) as Status };
    },
  };
}

/** `coracle` with words that it must refuse. */
function refused(...words: string[]): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('exit', (code) => resolve({ code, text }));
  });
}

const configMap = (name: string, data: Record<string, string> = {}): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
const MAPS = '/api/v1/namespaces/default/configmaps';

describe('a request', () => {
  let api: Api;
  beforeAll(async () => {
    api = await start(fresh());
  }, 60_000);

  const rows: [string, string, string, string | Buffer | undefined, Record<string, string>, number, string | undefined][] = [
    ['with a malformed body', 'POST', MAPS, '{"kind": "ConfigMap", ', {}, 400, 'BadRequest'],
    ['with a body of another kind', 'POST', MAPS, '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}', {}, 400, 'BadRequest'],
    ['with a wrong type in its body', 'POST', MAPS, '{"metadata":{"name":"a"},"data":{"a":1}}', {}, 400, 'BadRequest'],
    ['with an oversized body', 'POST', MAPS, Buffer.alloc(4 * 1024 * 1024, ' '), {}, 413, 'RequestEntityTooLarge'],
    ['with a media type that nobody knows', 'POST', MAPS, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'UnsupportedMediaType'],
    ['for a kind that is not there', 'GET', '/api/v1/namespaces/default/boats', undefined, {}, 404, 'NotFound'],
    ['for a group that is not there', 'GET', '/apis/example.com/v1/boats', undefined, {}, 404, undefined],
    ['for an object that is not there', 'GET', `${MAPS}/nope`, undefined, {}, 404, 'NotFound'],
    ['with a method that the path has not', 'POST', `${MAPS}/nope`, '{}', {}, 405, 'MethodNotAllowed'],
    ['in a namespace that is not there', 'POST', '/api/v1/namespaces/nowhere/configmaps', configMap('a'), {}, 404, 'NotFound'],
    ['with an invalid name', 'POST', MAPS, configMap('Not_Valid'), {}, 422, 'Invalid'],
    ['with an unknown field selector', 'GET', `${MAPS}?fieldSelector=spec.color%3Dred`, undefined, {}, 400, 'BadRequest'],
    ['with a malformed label selector', 'GET', `${MAPS}?labelSelector=a%20b`, undefined, {}, 400, 'BadRequest'],
    ['with a bad token', 'GET', MAPS, undefined, { authorization: 'Bearer nonsense' }, 401, 'Unauthorized'],
    ['without credentials', 'GET', MAPS, undefined, { authorization: '' }, 403, 'Forbidden'],
  ];
  test.each(rows)('%s', async (_, method, path, body, headers, code, reason) => {
    const answer = await api.call(method, path, body, headers);
    expect([answer.code, answer.body.reason]).toEqual([code, reason]);
    if (reason) expect(answer.body).toMatchObject({ kind: 'Status', code, message: expect.stringMatching(/\S/) });
  });

  test('with a stale version changes nothing', async () => {
    const made = (await api.call('POST', MAPS, configMap('stale', { a: '1' }))).body;
    const next = JSON.stringify({ ...made, data: { a: '2' } });
    expect((await api.call('PUT', `${MAPS}/stale`, next)).code).toBe(200);
    const late = await api.call('PUT', `${MAPS}/stale`, JSON.stringify({ ...made, data: { a: '3' } }));
    expect([late.code, late.body.reason]).toEqual([409, 'Conflict']);
    expect(late.body.message).toContain('the object has been modified; please apply your changes to the latest version and try again');
    expect((await api.call('GET', `${MAPS}/stale`)).body.data).toEqual({ a: '2' });
  });

  test('that was refused left nothing behind', async () => {
    const names = (await api.call('GET', MAPS)).body.items?.map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(['stale']));
    expect(names).not.toContain('a');
  });
});

describe('the command refuses', () => {
  test.each([
    [['up', '--colour'], /unknown option '--colour'/],
    [['up', '--runtime', 'docker'], /Allowed choices are auto, cri, hollow, none/],
    [['up', '--port', 'http'], /a port is a number from 0 to 65535/],
    [['up', '--components', 'apiserver,sheduler'], /there is no component "sheduler"/],
    [['fly'], /unknown command 'fly'/],
  ])('%j', async (words, expected) => {
    const { code, text } = await refused(...words);
    expect(code).not.toBe(0);
    expect(text).toMatch(expected);
  });

  test('a data directory and a port that somebody holds, and says who', async () => {
    const directory = fresh();
    const api = await start(directory);
    const sameData = await refused('up', '--data-dir', join(directory, 'data'), '--port', '0', '--runtime', 'none');
    expect(sameData.code).toBe(1);
    expect(sameData.text).toMatch(new RegExp(`in use by process ${api.pid} `));
    const port = new URL((await readKubeconfig(join(directory, 'kubeconfig'))).server).port;
    const samePort = await refused('up', '--data-dir', join(fresh(), 'data'), '--port', port, '--bind-address', '127.0.0.1', '--runtime', 'none');
    expect(samePort.code).toBe(1);
    expect(samePort.text).toContain(`port ${port} of 127.0.0.1 is in use by process ${api.pid} `);
    expect(await api.stop()).toBe(0);
  }, 60_000);

  test('an etcd that does not answer', async () => {
    const { code, text } = await refused('up', '--data-dir', join(fresh(), 'data'), '--port', '0', '--runtime', 'none', '--etcd-servers', 'http://127.0.0.1:9');
    expect(code).toBe(1);
    expect(text).toMatch(/etcd.*127\.0\.0\.1:9/);
  }, 60_000);

  test('a data file that is damaged', async () => {
    const directory = fresh();
    mkdirSync(join(directory, 'data'));
    writeFileSync(join(directory, 'data', 'state.db'), Buffer.alloc(8192, 'not a database'));
    const { code, text } = await refused('up', '--data-dir', join(directory, 'data'), '--port', '0', '--runtime', 'none');
    expect(code).toBe(1);
    expect(text).toMatch(/state\.db/);
    expect(text).not.toMatch(/\n\s+at /);
  });
});

const disk = process.getuid?.() === 0 || process.env.CI === 'true' ? test : test.skip;

disk('a full disk refuses writes, goes on reading, and loses nothing that was acknowledged (needs root)', async () => {
  const directory = fresh();
  mkdirSync(join(directory, 'data'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', join(directory, 'data')]);
  try {
    const api = await start(directory);
    const acknowledged: string[] = [];
    let refusal: { code: number; body: Status } | undefined;
    for (let i = 0; i < 200 && !refusal; i++) {
      const answer = await api.call('POST', MAPS, configMap(`full-${i}`, { text: 'x'.repeat(200_000) }));
      if (answer.code === 201) acknowledged.push(`full-${i}`);
      else refusal = answer;
    }
    expect(refusal?.code).toBeGreaterThanOrEqual(500);
    expect(refusal?.body).toMatchObject({ kind: 'Status', message: expect.stringMatching(/disk|full|space/i) });
    expect((await api.call('GET', `${MAPS}/${acknowledged[0]}`)).code).toBe(200);
    await api.stop('SIGKILL');
    execFileSync('mount', ['-o', 'remount,size=64m', join(directory, 'data')]);
    const again = await start(directory);
    const kept = (await again.call('GET', MAPS)).body.items?.map(({ metadata }) => metadata.name);
    expect(kept).toEqual(expect.arrayContaining(acknowledged));
    expect((await again.call('POST', MAPS, configMap('room-again'))).code).toBe(201);
    expect(await again.stop()).toBe(0);
  } finally {
    execFileSync('umount', ['--lazy', join(directory, 'data')]);
  }
}, 120_000);

test('files with secrets are for their owner alone', async () => {
  const directory = fresh();
  const api = await start(directory);
  for (const file of ['kubeconfig', 'data/state.db', 'data/pki/ca.key', 'data/pki/sa.key']) expect([file, statSync(join(directory, file)).mode & 0o777]).toEqual([file, 0o600]);
  expect(statSync(join(directory, 'data')).mode & 0o077).toBe(0);
  expect(readFileSync(join(directory, 'kubeconfig'), 'utf8')).toContain('client-key-data');
  expect(await api.stop()).toBe(0);
}, 60_000);
