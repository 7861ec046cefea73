import { VirtualClock } from '../std/clock.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { ServerThreads, type ThreadsOptions } from './server-threads.ts';
import type { Bounds } from './thread-balance.ts';

/** A thread that does as it is told and counts what it hears. */
const USUAL = `
  let lasting = 0;
  let shares = [];
  parentPort.on('message', (order) => {
    if (order.type === 'stop' || (order.type === 'retire' && lasting === 0)) process.exit(0);
    if (order.type === 'retire') { lasting = 0; say({ type: 'stays' }); }
    if (order.type === 'shed') shares.push(order.share);
    if (order.type === 'count') say({ type: 'counted', id: order.id, text: 'pid ' + threadId + ' ' + JSON.stringify(shares) });
  });
  say({ type: 'ready' });
`;

function script(body: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(`import { parentPort, threadId } from 'node:worker_threads'; const say = (word) => parentPort.postMessage(word); ${body}`)}`);
}

class Scene {
  readonly clock = new VirtualClock();
  readonly threads = new ServerThreads();
  readonly shed: number[] = [];
  readonly errors: string[] = [];
  busy: readonly number[] = [0];
  #requests = 0;

  start(bounds: Bounds, body = USUAL): Promise<void> {
    return this.threads.start({
      bounds, script: script(body), clock: this.clock, log: { error: (fields: object, text: string) => void this.errors.push(`${text} ${JSON.stringify(fields)}`) },
      flags: {}, dataDir: '', host: '', port: 0, audit: [], checks: [], store: undefined,
      pki: { ca: { certPem: '' }, onRenewed: () => ({ close: () => undefined }) } as unknown as Pki,
      server: { statistics: { own: new Map(), onProvided: () => undefined }, meter: { text: () => 'first' } } as unknown as ApiServer,
      listener: { load: () => ({ connections: 2, requests: (this.#requests += 10), lasting: 0 }), shed: (share) => void this.shed.push(share) },
      busy: () => this.busy,
    } satisfies ThreadsOptions);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await this.clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => scene.threads.close());

test('a thread is started when the first one is busy, gets connections of it, and ends when it is quiet', async () => {
  await scene.start({ least: 0, most: 1 });
  expect(scene.threads.count).toBe(0);
  scene.busy = [1];
  await scene.until(() => scene.threads.count === 1);
  scene.busy = [1, 0];
  await scene.until(() => scene.shed.length > 0);
  expect(scene.shed[0]).toBe(1);
  scene.busy = [0.3, 1];
  const told = async (): Promise<string> => (await scene.threads.counted()).join();
  while (!/\[0.7/.test(await told())) await scene.clock.advance(1_000);
  scene.busy = [0, 0];
  await scene.until(() => scene.threads.count === 0);
  expect(scene.errors).toEqual([]);
});

test('one in which something lasts is left alone until it is over', async () => {
  scene.busy = [0, 0];
  await scene.start({ least: 0, most: 1 }, USUAL.replace('let lasting = 0', 'let lasting = 1').replace("say({ type: 'stays' })", "say({ type: 'stays' }); say({ type: 'audit', event: {} })"));
  scene.busy = [1];
  await scene.until(() => scene.threads.count === 1);
  scene.busy = [0, 0];
  const before = scene.clock.now();
  await scene.until(() => scene.threads.count === 0);
  // Asked after five minutes, and again after five more.
  expect(scene.clock.now() - before).toBeGreaterThanOrEqual(600_000);
});

test('one that fails is replaced', async () => {
  await scene.start({ least: 1, most: 1 }, `${USUAL} parentPort.on('message', (order) => { if (order.type === 'shed') throw new Error('a fault'); });`);
  const [first] = await scene.threads.counted();
  expect(first).toMatch(/^pid \d+ \[\]$/);
  scene.busy = [0, 1];
  await scene.until(() => scene.errors.length > 0);
  scene.busy = [0, 0];
  expect(scene.errors[0]).toMatch(/^a server thread has failed .*a fault/);
  let second: string | undefined;
  // Who is not there in time is left out.
  const told = (): Promise<unknown> => scene.threads.counted().then(([text]) => (second = text));
  await scene.until(() => (void told(), second !== undefined && second !== first));
  expect(second).toMatch(/^pid \d+ \[\]$/);
});

test.each<[string, string]>([
  ['says why it cannot', "say({ type: 'failed', why: 'no room' }); setInterval(() => undefined, 1_000);"],
  ['ends before it is ready', 'process.exit(3);'],
  ['cannot even be read', '(((;'],
])('one that %s fails the start', async (_how, body) => {
  await expect(scene.start({ least: 1, most: 1 }, body)).rejects.toThrow();
  expect(scene.threads.count).toBe(0);
});
