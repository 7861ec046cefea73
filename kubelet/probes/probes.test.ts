import { type Server, createServer } from 'node:http';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { VirtualClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import { NOW, podOf, runtimeOf } from '../fixtures.ts';
import type { ProbeResult } from '../situation.ts';
import { type Runtime, RuntimeRefused } from '../runtime/runtime.ts';
import { probeExec } from './exec.ts';
import { probeGrpc } from './grpc.ts';
import { probeHttp } from './http.ts';
import { Prober } from './prober.ts';
import { portNumber } from './target.ts';
import { probeTcp } from './tcp.ts';

let server: Server;
let port: number;
const seen: Record<string, unknown>[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request.headers);
    if (request.url === '/hang') return;
    if (request.url === '/around') return void response.writeHead(302, { Location: '/fine' }).end();
    if (request.url === '/away') return void response.writeHead(302, { Location: 'http://elsewhere.example/' }).end();
    if (request.url === '/loop') return void response.writeHead(302, { Location: '/loop' }).end();
    response.writeHead(request.url === '/broken' ? 500 : 200).end(request.url === '/large' ? 'x'.repeat(100_000) : 'well');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as { port: number }).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const closedPort = async (): Promise<number> => {
  const taken = createTcpServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port: number } = taken.address() as { port: number };
  taken.close();
  await once(taken, 'close');
  return number;
};

describe('probeHttp()', () => {
  test('takes an answer whose lines end as a script writes them', async () => {
    const script = createTcpServer((socket) => socket.once('data', () => socket.end('HTTP/1.0 200 OK\nContent-Type: text/plain\n\nwell'))).listen(0, '127.0.0.1');
    await once(script, 'listening');
    const { port: own } = script.address() as { port: number };
    expect(await probeHttp({ scheme: 'http', host: '127.0.0.1', port: own, path: '/', headers: [], timeoutMs: 10_000 })).toEqual({ result: 'success', output: 'well' });
    script.close();
  });

  const get = (path: string, more: object = {}) => probeHttp({ scheme: 'http', host: '127.0.0.1', port, path, headers: [], timeoutMs: 5000, ...more });

  test('2xx is success, others are not', async () => {
    expect(await get('/fine')).toEqual({ result: 'success', output: 'well' });
    expect(await get('/broken')).toEqual({ result: 'failure', output: 'HTTP probe failed with statuscode: 500' });
    expect((await get('/large')).output.length).toBe(10 * 1024);
  });

  test('redirects are followed at home only', async () => {
    expect(await get('/around')).toEqual({ result: 'success', output: 'well' });
    expect(await get('/away')).toMatchObject({ result: 'warning' });
    expect(await get('/loop')).toMatchObject({ result: 'failure', output: expect.stringContaining('stopped after 10 redirects') });
  });

  test('who does not listen or answer is told in the words of Go', async () => {
    const closed = await closedPort();
    expect((await get('/', { port: closed })).output).toBe(`Get "http://127.0.0.1:${closed}/": dial tcp 127.0.0.1:${closed}: connect: connection refused`);
    expect((await get('/hang', { timeoutMs: 50 })).output).toBe(`Get "http://127.0.0.1:${port}/hang": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`);
  });

  test('headers are sent, and may replace our own', async () => {
    seen.length = 0;
    await get('/fine', { headers: [{ name: 'X-One', value: '1' }, { name: 'user-agent', value: 'me' }, { name: 'Host', value: 'shop.example' }] });
    await get('/fine');
    expect(seen).toMatchObject([{ 'x-one': '1', 'user-agent': 'me', host: 'shop.example', accept: '*/*' }, { 'user-agent': 'kube-probe/1.36' }]);
  });
});

test('probeTcp() asks whether somebody listens', async () => {
  const closed = await closedPort();
  expect(await probeTcp('127.0.0.1', port, 5000)).toEqual({ result: 'success', output: '' });
  expect(await probeTcp('127.0.0.1', closed, 5000)).toEqual({ result: 'failure', output: `dial tcp 127.0.0.1:${closed}: connect: connection refused` });
});

test('probeExec() goes by the exit code and by the time', async () => {
  const runtime = (exitCode: number): Runtime => ({ execSync: async () => ({ exitCode, stdout: Buffer.from('out '), stderr: Buffer.from('err') }) }) as unknown as Runtime;
  const late = { execSync: () => Promise.reject(new RuntimeRefused('DeadlineExceeded', 'too late')) } as unknown as Runtime;
  expect(await probeExec(runtime(0), 'c', ['a'], 1)).toEqual({ result: 'success', output: 'out err' });
  expect(await probeExec(runtime(1), 'c', ['a'], 1)).toEqual({ result: 'failure', output: 'out err' });
  expect(await probeExec(late, 'c', ['a', 'b'], 1)).toEqual({ result: 'failure', output: 'command timed out: "a b" timed out after 1s' });
});

test('probeGrpc() asks for health', async () => {
  const definition = loadSync(join(import.meta.dirname, 'health.proto'), { enums: String, defaults: true });
  const own = new grpc.Server();
  own.addService(definition['grpc.health.v1.Health'] as grpc.ServiceDefinition, {
    Check: (call: { request: { service: string } }, done: (error: null, answer: object) => void) => done(null, { status: call.request.service === 'ill' ? 'NOT_SERVING' : 'SERVING' }),
  });
  const number = await new Promise<number>((resolve, reject) => own.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))));
  try {
    const ask = (service: string, to = number) => probeGrpc({ host: '127.0.0.1', port: to, service, timeoutMs: 5000, now: Date.now() });
    expect(await ask('')).toEqual({ result: 'success', output: 'service healthy' });
    expect(await ask('ill')).toEqual({ result: 'failure', output: 'service unhealthy (responded with "NOT_SERVING")' });
    const closed = await closedPort();
    expect(await ask('', closed)).toEqual({ result: 'failure', output: `timeout: failed to connect service "127.0.0.1:${closed}" within 5s: context deadline exceeded` });
  } finally {
    own.forceShutdown();
  }
});

test('portNumber() knows names', () => {
  const spec = { name: 'app', ports: [{ name: 'http', containerPort: 8080 }] } as never;
  expect([portNumber('http', spec), portNumber(81, spec), portNumber('82', spec)]).toEqual([8080, 81, 82]);
  expect(() => portNumber('none', spec)).toThrow('invalid port number: none');
});

describe('Prober', () => {
  /** Runs an exec probe whose successive outcomes are given: `+` well, `-` not. Returns the result after each second. */
  async function results(probes: object, outcomes: string, seconds: number, status: object = {}, endsAfter = Infinity): Promise<string> {
    const clock = new VirtualClock(NOW);
    let calls = 0;
    const runtime = { execSync: async () => ({ exitCode: outcomes[Math.min(calls++, outcomes.length - 1)] === '+' ? 0 : 1, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }) } as unknown as Runtime;
    const prober = new Prober({ runtime, clock, random: seededRandom(1), isSimulated: false, record: () => undefined, onChange: () => undefined });
    const pod = podOf({ containers: [{ name: 'app', image: 'app:1', ...probes }] });
    const follow = (isEnding: boolean): void => prober.follow({ pod, runtime: runtimeOf([{ started: 0 }]), ip: '', status: status as never, isEnding });
    follow(false);
    const text = (kind: string): string => ({ success: '+', failure: '-', unknown: '?' })[prober.results.get(`app-0/${kind}`) as ProbeResult] ?? '.';
    const kinds = ['startup', 'liveness', 'readiness'].filter((kind) => `${kind}Probe` in probes);
    let out = '';
    for (let second = 0; second < seconds; second++) {
      await clock.advance(1000);
      out += kinds.map(text).join('');
      if (second + 1 === endsAfter) follow(true);
    }
    prober.stop();
    return out;
  }
  const probe = (more: object = {}): object => ({ exec: { command: ['x'] }, periodSeconds: 1, failureThreshold: 1, ...more });

  test('begins after the initial delay and goes on in its rhythm', async () => {
    expect(await results({ readinessProbe: probe({ initialDelaySeconds: 3 }) }, '-+-', 7)).toBe('..-+---');
    expect(await results({ readinessProbe: probe({ periodSeconds: 3 }) }, '-+', 7)).toBe('--+++++');
  });

  test('needs as many outcomes in a row as the thresholds say', async () => {
    expect(await results({ readinessProbe: probe({ failureThreshold: 2, successThreshold: 3 }) }, '--+-+++--', 9)).toBe('-----++--');
  });

  test('a liveness probe that failed is left alone until the container is another', async () => {
    expect(await results({ livenessProbe: probe() }, '-+', 4)).toBe('----');
  });

  test('others wait for the startup probe, which then has done its work', async () => {
    expect(await results({ startupProbe: probe({ failureThreshold: 9 }), livenessProbe: probe() }, '--+-', 3)).toBe('..+-+-');
  });

  test('a pod that ends is only asked whether it is ready', async () => {
    const all = { startupProbe: probe(), livenessProbe: probe(), readinessProbe: probe() };
    // All goes well up to the end; the failures that follow are all of readiness.
    expect(await results(all, '+++++-', 3, {}, 1)).toBe('+++++-++-');
  });

  test('who had started before our restart is not asked again', async () => {
    const status = { containerStatuses: [{ name: 'app', started: true, containerID: 'containerd://app-0' }] };
    expect(await results({ startupProbe: probe() }, '-', 2, status)).toBe('++');
  });
});
