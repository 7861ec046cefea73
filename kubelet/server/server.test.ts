import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { type Server, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import WebSocket from 'ws';
import { type Pki, openPki } from '../../apiserver/pki/pki.ts';
import { systemClock } from '../../std/clock.ts';
import { systemRandom } from '../../std/random.ts';
import type { Client } from '../../client/client.ts';
import { BackendRefusal, type KubeletBackend } from '../backend.ts';
import type { Session } from '../runtime/model.ts';
import { SpdyConnection } from '../spdy/connection.ts';
import { openAccess } from './access.ts';
import { type KubeletServer, startKubeletServer } from './server.ts';

const directory = mkdtempSync(join(tmpdir(), 'coracle-kubelet-'));
const resized: string[] = [];
let pki: Pki;
let server: KubeletServer;
let echo: Server;
let api: { key: string; cert: string };
let stranger: { key: string; cert: string };

/** A container whose processes run right here. */
const backend: KubeletBackend = {
  require(_namespace, pod) {
    if (pod !== 'web') throw new BackendRefusal(404, 'pod does not exist');
  },
  container(namespace, pod, container) {
    if (pod !== 'web' || container !== 'app') throw new BackendRefusal(404, `pod "${pod}" or container "${container}" not found in "${namespace}"`);
    return { id: 'c1', running: true, tty: false, stdin: true };
  },
  log: (_namespace, _pod, container) => ({ path: join(directory, `${container}.log`), isRunning: () => false, isSimulated: container === 'hollow' }),
  exec: async (_, [program = '', ...args]) => run(program, args),
  attach: async () => run('cat', []),
  portForward: async (_namespace, _pod, port) => {
    if (port !== 80) throw new Error(`connection refused by port ${port}`);
    return connect((echo.address() as { port: number }).port, '127.0.0.1');
  },
  page: async ({ page, parts }) => ({ code: 200, type: 'text/plain', body: [page, ...parts].join(' ') }),
  summary: async () => ({}),
};

/** What the API server is asked, and what it says: whose a token is, and who may what at this node. */
const reviews: string[] = [];
const MAY: Readonly<Record<string, RegExp>> = { 'kube-apiserver-kubelet-client': /./, prometheus: /^get (metrics|stats)$/, collector: /^get (metrics|stats)$/, watcher: /^get healthz$/, elder: /^get proxy$/ };
const client = {
  async create(resource: { resource: string }, { spec }: { spec: { token?: string; user?: string; groups?: string[]; resourceAttributes?: Record<string, string> } }) {
    if (resource.resource === 'tokenreviews') {
      reviews.push(`token ${spec.token}`);
      if (spec.token === 'broken') throw new Error('the API server is away');
      return { status: spec.token?.startsWith('of-') ? { authenticated: true, user: { username: spec.token.slice(3), groups: ['some'] } } : { authenticated: false } };
    }
    const { verb, resource: what, subresource, name, version } = spec.resourceAttributes ?? {};
    reviews.push(`${spec.user} [${spec.groups?.join(' ')}] ${verb} ${version}/${what}/${name}/${subresource}`);
    if (spec.user === 'unlucky') throw new Error('the API server is away');
    return { status: { allowed: MAY[spec.user ?? '']?.test(`${verb} ${subresource}`) ?? false } };
  },
} as unknown as Client;
const logged: string[] = [];
const log = { info: (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`), warn: (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`) };

function run(program: string, args: readonly string[]): Session {
  const child = spawn(program, args);
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    resize: (columns, rows) => void resized.push(`${columns}x${rows}`),
    exit: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve(code ?? 137));
    }),
    close: () => child.kill('SIGKILL'),
  };
}

beforeAll(async () => {
  writeFileSync(join(directory, 'app.log'), '2026-01-01T00:00:00Z stdout F hello\n2026-01-01T00:00:01Z stderr F trouble\n');
  pki = await openPki({ directory: undefined, clock: systemClock, random: systemRandom, addresses: [] });
  const pem = (pair: { keyPem: string; certPem: string }) => ({ key: pair.keyPem, cert: pair.certPem });
  api = pem(pki.kubeletClient);
  stranger = pem(await pki.clientCertificate({ commonName: 'eve', organizations: ['people'] }));
  const serving = await pki.servingCertificate({ names: ['node-a'], ips: ['127.0.0.1'] });
  server = await startKubeletServer({ address: '127.0.0.1', port: 0, tls: { ...pem(serving), ca: pki.caPem }, backend, clock: systemClock, access: openAccess({ client, nodeName: 'node-a', clock: systemClock, log }) });
  echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
});

afterAll(async () => {
  echo.close();
  pki.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

interface Asking {
  readonly as?: { key: string; cert: string } | undefined;
  readonly headers?: Record<string, string>;
}

function options(path: string, { as, headers }: Asking) {
  return { host: '127.0.0.1', port: server.port, path, ca: pki.caPem, ...as, ...(headers && { headers }) };
}

async function get(path: string, as?: { key: string; cert: string }, more: { headers?: Record<string, string>; method?: string } = {}): Promise<string> {
  const outgoing = request({ ...options(path, { as, ...more }), method: more.method ?? 'GET', agent: false }).end();
  const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
  return `${response.statusCode} ${await collect(response)}`;
}

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  const out: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => out.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(out).toString();
}

async function spdy(path: string, protocol: string): Promise<SpdyConnection> {
  const headers = { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': protocol };
  const outgoing = request({ ...options(path, { as: api, headers }), method: 'POST' }).end();
  const [response, socket, head] = (await once(outgoing, 'upgrade')) as [import('node:http').IncomingMessage, Duplex, Buffer];
  expect(response.headers['x-stream-protocol-version']).toBe(protocol);
  return new SpdyConnection(socket, { side: 'client', head });
}

async function webSocket(path: string, ...protocols: string[]): Promise<{ socket: WebSocket; messages: Buffer[] }> {
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, protocols, { ca: pki.caPem, ...api });
  const messages: Buffer[] = [];
  socket.on('message', (data: Buffer) => messages.push(data));
  await once(socket, 'open');
  return { socket, messages };
}

const channel = (messages: readonly Buffer[], number: number): string => Buffer.concat(messages.filter((m) => m[0] === number).map((m) => m.subarray(1))).toString();

describe('who may ask', () => {
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

  test.each([
    ['nobody', '/pods', () => undefined, {}, '401 Unauthorized'],
    ['somebody whom nothing was granted', '/pods', () => stranger, {}, '403 Forbidden (user=eve, verb=get, resource=nodes, subresource(s)=[pods proxy])\n'],
    ['the same, with another method', '/stats/summary', () => stranger, { method: 'POST' }, '403 Forbidden (user=eve, verb=create, resource=nodes, subresource(s)=[stats])\n'],
    ['the API server', '/pods', () => api, {}, '200 pods'],
    ['a token of who may see figures', '/metrics/cadvisor', () => undefined, bearer('of-prometheus'), '200 cadvisor'],
    ['the same token elsewhere', '/pods', () => undefined, bearer('of-prometheus'), '403 Forbidden (user=prometheus, verb=get, resource=nodes, subresource(s)=[pods proxy])\n'],
    ['a token of who may see health alone', '/healthz/ping', () => undefined, bearer('of-watcher'), '200 healthz ping'],
    ['a token of who may do everything', '/configz', () => undefined, bearer('of-elder'), '200 configz'],
    ['a token that nobody knows', '/metrics', () => undefined, bearer('nonsense'), '401 Unauthorized'],
    ['a token while the API server is away', '/metrics', () => undefined, bearer('broken'), '401 Unauthorized'],
    ['somebody of whom nobody can be asked', '/metrics', () => undefined, bearer('of-unlucky'), '500 Authorization error (user=unlucky, verb=get, resource=nodes, subresource=metrics)'],
    ['nobody, for what is not there', '/nothing', () => undefined, {}, '404 404 page not found\n'],
    ['nobody, for a name that is not tidy', '/stats/../pods', () => undefined, {}, '307 <a href="/pods">Temporary Redirect</a>.\n\n'],
    ['the API server, by another method', '/pods', () => api, { method: 'PUT' }, '405 405: Method Not Allowed'],
    ['a path whose slashes are encoded', '/stats%2Fsummary', () => stranger, {}, '403 Forbidden (user=eve, verb=get, resource=nodes, subresource(s)=[stats])\n'],
  ])('%s', async (_, path, who, more, expected) => {
    expect(await get(path, who(), more)).toBe(expected);
  });

  test('is asked of the API server once, for everybody who is somebody', async () => {
    reviews.length = 0;
    for (const path of ['/metrics', '/metrics', '/stats/summary']) await get(path, undefined, bearer('of-collector'));
    for (const path of ['/metrics', '/metrics/probes']) await get(path, undefined, bearer('of-novice'));
    expect(reviews).toEqual([
      'token of-collector',
      'collector [some system:authenticated] get v1/nodes/node-a/metrics',
      'collector [some system:authenticated] get v1/nodes/node-a/stats',
      'token of-novice',
      'novice [some system:authenticated] get v1/nodes/node-a/metrics',
    ]);
    expect(logged.join('\n')).not.toContain('nonsense');
  });

  test('holds of streams as well', async () => {
    const outgoing = request(options('/exec/d/web/app?command=true&output=1', { headers: { Connection: 'Upgrade', Upgrade: 'SPDY/3.1' } })).end();
    const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(401);
  });

  test('is told of browsers by the protocol of their WebSocket', async () => {
    const protocols = ['v5.channel.k8s.io', `base64url.bearer.authorization.k8s.io.${Buffer.from('of-kube-apiserver-kubelet-client').toString('base64url')}`];
    const socket = new WebSocket(`wss://127.0.0.1:${server.port}/exec/d/web/app?command=true&stdout=true`, protocols, { ca: pki.caPem });
    await once(socket, 'close');
    expect(socket.protocol).toBe('v5.channel.k8s.io');
  });
});

test('logs are sent with their options', async () => {
  expect(await get('/containerLogs/d/web/app?tailLines=1', api)).toBe('200 trouble\n');
  expect(await get('/containerLogs/d/web/app?stream=Stdout&timestamps=true', api)).toBe('200 2026-01-01T00:00:00Z hello\n');
  expect(await get('/containerLogs/d/web/lost', api)).toContain(`400 failed to try resolving symlinks in path "${join(directory, 'lost.log')}"`);
  expect(await get('/containerLogs/d/web/hollow', api)).toBe('200 ');
});

describe('exec over SPDY', () => {
  test('carries stdin to its end, both outputs and the exit code', async () => {
    const connection = await spdy(`/exec/d/web/app?command=sh&command=-c&command=${encodeURIComponent('cat; echo oops >&2; exit 3')}&input=1&output=1&error=1`, 'v4.channel.k8s.io');
    const open = (streamtype: string) => connection.open({ streamtype });
    const [error, stdin, stdout, stderr] = [await open('error'), await open('stdin'), await open('stdout'), await open('stderr')];
    stdin.end('some input');
    const [status, out, err] = await Promise.all([collect(error), collect(stdout), collect(stderr)]);
    expect([out, err]).toEqual(['some input', 'oops\n']);
    expect(JSON.parse(status)).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '3' }] } });
    connection.close();
  });

  test('says what went wrong before the process began', async () => {
    const connection = await spdy('/exec/d/web/app?command=/no/such/program&output=1', 'v4.channel.k8s.io');
    const error = await connection.open({ streamtype: 'error' });
    await connection.open({ streamtype: 'stdout' });
    expect(JSON.parse(await collect(error))).toMatchObject({ status: 'Failure', message: expect.stringContaining('ENOENT') });
    connection.close();
  });
});

describe('exec over a WebSocket', () => {
  test('closes stdin when the client says so, and reports success', async () => {
    const { socket, messages } = await webSocket('/exec/d/web/app?command=cat&stdin=true&stdout=true&stderr=true', 'v5.channel.k8s.io', 'v4.channel.k8s.io');
    expect(socket.protocol).toBe('v5.channel.k8s.io');
    socket.send(Buffer.from('\0hello'));
    socket.send(Buffer.from([255, 0]));
    await once(socket, 'close');
    expect(channel(messages, 1)).toBe('hello');
    expect(JSON.parse(channel(messages, 3))).toMatchObject({ status: 'Success' });
  });

  test('passes the size of the terminal on', async () => {
    const { socket } = await webSocket('/exec/d/web/app?command=cat&stdin=true&stdout=true&tty=true', 'v4.channel.k8s.io');
    socket.send(Buffer.concat([Buffer.from([4]), Buffer.from('{"Width":100,"Height":30}')]));
    socket.send(Buffer.from('\0x'));
    await once(socket, 'message');
    while (resized.length === 0) await once(socket, 'message');
    expect(resized).toEqual(['100x30']);
    socket.close();
    await once(socket, 'close');
  });

  test('a container that is not there is refused before the upgrade', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${server.port}/exec/d/nope/app?command=cat&stdout=true`, ['v5.channel.k8s.io'], { ca: pki.caPem, ...api });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('404');
  });
});

describe('port-forward', () => {
  async function pair(connection: SpdyConnection, port: number, requestid: string) {
    const error = await connection.open({ streamtype: 'error', port: String(port), requestid });
    const data = await connection.open({ streamtype: 'data', port: String(port), requestid });
    return { error, data };
  }

  test('over SPDY joins each pair of streams to the port, several at once', async () => {
    const connection = await spdy('/portForward/d/web', 'portforward.k8s.io');
    const pairs = [await pair(connection, 80, '0'), await pair(connection, 80, '1')];
    pairs.forEach(({ data, error }, i) => {
      error.end();
      data.end(`request ${i}`);
    });
    expect(await Promise.all(pairs.map(({ data }) => collect(data)))).toEqual(['request 0', 'request 1']);
    const refused = await pair(connection, 81, '2');
    expect(await collect(refused.error)).toBe('connection refused by port 81');
    connection.close();
  });
});
