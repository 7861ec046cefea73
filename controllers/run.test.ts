import { configmaps, secrets } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { ApiCall, Door } from '../api/request.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import { confirm, create, event, remove, subject, together, update } from './actions.ts';
import { watch, type Action, type Controller } from './controller.ts';
import { SharedInformers } from './informers.ts';
import { runController } from './run.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const key = ({ metadata }: { metadata: { namespace: string; name: string } }): string[] => [`${metadata.namespace}/${metadata.name}`];

/** Makes a Secret for each ConfigMap: `count` of them, together. */
function copier(reconcile: Controller['reconcile'], more: Partial<Controller> = {}): Controller {
  return { name: 'copier', watches: [watch({ resource: configmaps, keys: key }), watch({ resource: secrets, keys: () => [] })], reconcile, ...more };
}

function open(controller: Controller, options: { before?: (call: ApiCall) => void; informerDoor?: (door: FakeDoor) => Door; batchMs?: number } = {}) {
  const clock = new VirtualClock();
  const fake = new FakeDoor({ now: () => clock.now(), ...(options.before && { before: options.before }) });
  const client = openClient(fake, { userAgent: 'test' });
  const random = seededRandom(1);
  const watching = openClient(options.informerDoor?.(fake) ?? fake, { userAgent: 'test' });
  const informers = new SharedInformers(watching, { clock, random });
  const stop = new AbortController();
  const events: string[] = [];
  const said: string[] = [];
  const tools = { client, clock, random, log, informer: informers.of.bind(informers), event: (action: { reason: string; message: string }) => void (events.push(action.reason), said.push(action.message)), ...(options.batchMs && { batchMs: options.batchMs }) };
  const ended = runController(controller, tools, stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await ended;
    informers.stop();
  };
  return { clock, fake, client, events, said, end };
}

const map = (name: string) => ({ metadata: { name, namespace: 'a' } });

test('a key waits until the caches have seen its own last writes, and only that key', async () => {
  let held: (() => void)[] | undefined = [];
  /** Secrets arrive in the cache only when the test lets them. */
  const slow = (door: FakeDoor): Door => ({
    call: (call) => door.call(call),
    async *watch(call) {
      for await (const item of door.watch(call)) {
        if (call.resource === 'secrets' && held && item.type !== 'BOOKMARK') await new Promise<void>((resolve) => held?.push(resolve));
        yield item;
      }
    },
  });
  const runs: string[] = [];
  const controller = copier((k, view) => {
    runs.push(k);
    const name = k.slice(2);
    return { actions: view.of(secrets).get({ namespace: 'a', name }) ? [] : [create(secrets, map(name))] };
  });
  const { clock, client, fake, end } = open(controller, { informerDoor: slow });
  const x = await client.create(configmaps, map('x'));
  await clock.advance(100);
  await client.update(configmaps, { ...x, data: { a: 'b' } });
  await client.create(configmaps, map('y'));
  await clock.advance(5000);
  expect(runs).toEqual(['a/x', 'a/y']);
  for (const resolve of held.splice(0)) resolve();
  held = undefined;
  await clock.advance(100);
  expect(runs.toSorted()).toEqual(['a/x', 'a/x', 'a/y']);
  expect(fake.objects('secrets')).toHaveLength(2);
  await end();
});

test('of those that are refused together each is told of, and the first is noted', async () => {
  let told: string[] | undefined;
  const controller = copier(() => ({ actions: told ? [] : together(['one', 'bad-1', 'bad-2'].map((name) => [create(secrets, map(name))])) }), {
    onRefused: (_, action) => {
      const { name } = (action as { object: { metadata: { name: string } } }).object.metadata;
      (told ??= []).push(name);
      return [event({ apiVersion: 'v1', kind: 'X', name, uid: '' }, 'Warning', name, ''), create(secrets, map(`note-${name}`))];
    },
  });
  const before = (call: ApiCall): void => {
    const name = (call.body as { metadata?: { name?: string } } | undefined)?.metadata?.name ?? '';
    if (call.resource === 'secrets' && name.startsWith('bad')) throw new ApiError({ code: 403, reason: 'Forbidden', message: name });
  };
  const { clock, client, fake, events, end } = open(controller, { before });
  await client.create(configmaps, map('x'));
  await clock.advance(1000);
  expect(events).toEqual(['bad-2', 'bad-1']);
  expect(fake.objects('secrets').map(({ metadata }) => metadata.name)).toEqual(['one', 'note-bad-1']);
  await end();
});

test('what was made is announced under the name that it got', async () => {
  const controller = copier((_, view) => ({ actions: view.of(secrets).list('a').length > 0 ? [] : [create(secrets, { metadata: { generateName: 'x-', namespace: 'a' } } as never, { announce: event({ apiVersion: 'v1', kind: 'X', name: 'x', uid: '' }, 'Normal', 'Made', 'Created: ') })] }));
  const { clock, client, fake, said, end } = open(controller);
  await client.create(configmaps, map('x'));
  await clock.advance(1000);
  expect(said).toEqual([`Created: ${fake.objects('secrets')[0]?.metadata.name}`]);
  await end();
});

test('actions run in order up to the first that fails; then again, later and later', async () => {
  const failing: Action[] = [];
  const controller = copier((k, view) => {
    const source = view.of(configmaps).get({ namespace: 'a', name: 'x' });
    if (!source) return { actions: [] };
    return { actions: [create(secrets, map('first'), { tolerateExisting: true }), event(subject(configmaps, source), 'Normal', 'Between', ''), create(secrets, map('bad')), create(secrets, map('never'))] };
  }, {
    onRefused(_, action, error) {
      failing.push(action);
      return [event({ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: '' }, 'Warning', error.message, '')];
    },
  });
  const { clock, client, fake, events, end } = open(controller, { before: refuseBad });
  await client.create(configmaps, map('x'));
  await clock.advance(4);
  expect(events).toEqual(['Between', 'bad']);
  expect(failing).toMatchObject([{ do: 'create', object: { metadata: { name: 'bad' } } }]);
  await clock.advance(6);
  expect(events).toEqual(['Between', 'bad', 'Between', 'bad']);
  await clock.advance(10_000);
  const attempts = events.length / 2;
  expect(attempts).toBeGreaterThan(10);
  expect(attempts).toBeLessThan(14);
  expect(fake.objects('secrets').map(({ metadata }) => metadata.name)).toEqual(['first']);
  await end();
});

test('what goes together grows from one at a time, and ends with the first batch that fails', async () => {
  let limit = 5;
  const running: number[] = [];
  let now = 0;
  const controller = copier((_, view) => {
    const missing = 20 - view.of(secrets).list().length;
    return { actions: together(Array.from({ length: missing }, (__, i) => [create(secrets, map(`s${view.of(secrets).list().length + i}`))])) };
  });
  const before = (call: ApiCall): void => {
    if (call.resource !== 'secrets' || call.verb !== 'create') return;
    running.push(++now);
    queueMicrotask(() => now--);
    if (limit-- <= 0) throw new ApiError({ code: 403, reason: 'Forbidden', message: 'quota' });
  };
  const { clock, client, fake, end } = open(controller, { before });
  await client.create(configmaps, map('x'));
  await clock.advance(1);
  // 1, then 2, then 4 of which two are refused.
  expect(running.length).toBe(7);
  expect(fake.objects('secrets')).toHaveLength(5);
  limit = 1000;
  await clock.advance(10_000);
  expect(fake.objects('secrets')).toHaveLength(20);
  await end();
});

test('what must be confirmed is asked of the server, and tried again until it holds', async () => {
  const asked: number[] = [];
  const controller = copier((k) => ({ actions: k === 'a/x' ? [confirm(secrets, 'a', (all) => asked.push(all.length) > 2, 'not yet'), create(secrets, map('s'))] : [] }));
  const { clock, client, fake, end } = open(controller);
  await client.create(secrets, map('other'));
  await client.create(configmaps, map('x'));
  await clock.advance(10_000);
  expect(asked).toEqual([1, 1, 1]);
  expect(fake.objects('secrets')).toHaveLength(2);
  await end();
});

test('a conflict is no refusal', async () => {
  let refusals = 0;
  const onRefused = (): Action[] => {
    refusals++;
    return [];
  };
  const { clock, client, fake, end } = open(copier(() => ({ actions: [update(configmaps, { metadata: { ...map('x').metadata, resourceVersion: '1' }, data: {} })] }), { onRefused }));
  await client.create(configmaps, map('x'));
  await clock.advance(10_000);
  expect(refusals).toBe(0);
  expect(fake.calls.filter(({ verb }) => verb === 'update').length).toBeGreaterThan(5);
  await end();
});

test('in a namespace that goes away nothing is tried again; what else is to be done is done, without a word', async () => {
  const onRefused = (): Action[] => [event(subject(configmaps, { metadata: { ...map('y').metadata, uid: 'y' } } as never), 'Warning', 'FailedCreate', ''), create(configmaps, map('rest'))];
  const controller = copier((k) => ({ actions: k === 'a/y' ? [create(secrets, map('s'))] : [] }), { onRefused });
  const causes = [{ reason: 'NamespaceTerminating', message: '', field: 'metadata.namespace' }];
  let creates = 0;
  const before = (call: ApiCall): void => {
    if (call.resource !== 'secrets' || call.verb !== 'create') return;
    creates++;
    throw new ApiError({ code: 403, reason: 'Forbidden', message: '', details: { causes } });
  };
  const { clock, client, fake, events, end } = open(controller, { before });
  await client.create(configmaps, map('y'));
  await clock.advance(10_000);
  expect(creates).toBe(1);
  expect(events).toEqual([]);
  expect(fake.objects('configmaps')).toHaveLength(2);
  await end();
});

test('a delete is seen when the object is gone or going', async () => {
  const runs: number[] = [];
  const controller = copier((_, view, { now }) => {
    runs.push(now);
    const doomed = view.of(secrets).list().filter(({ metadata }) => !('deletionTimestamp' in metadata));
    return { actions: doomed.map((secret) => remove(secrets, secret)) };
  });
  const { clock, client, fake, end } = open(controller);
  await client.create(secrets, { metadata: { name: 'held', namespace: 'a', finalizers: ['x/y'] } });
  await client.create(secrets, map('free'));
  const x = await client.create(configmaps, map('x'));
  await clock.advance(100);
  await client.update(configmaps, { ...x, data: { a: 'b' } });
  await clock.advance(100);
  expect(runs).toHaveLength(2);
  expect(fake.calls.filter(({ verb }) => verb === 'delete')).toHaveLength(2);
  await end();
});

test('requeueAfterMs brings a key back without any change', async () => {
  const runs: number[] = [];
  const controller = copier((_, __, { now }) => (runs.push(now), { actions: [], ...(runs.length < 3 && { requeueAfterMs: 1000 }) }));
  const { clock, client, end } = open(controller);
  await client.create(configmaps, map('x'));
  await clock.advance(10_000);
  expect(runs.map((at) => at - (runs[0] ?? 0))).toEqual([0, 1000, 2000]);
  await end();
});

function refuseBad(call: ApiCall): void {
  if (call.verb === 'create' && (call.body as { metadata: { name: string } }).metadata.name === 'bad') throw new ApiError({ code: 422, reason: 'Invalid', message: 'bad' });
}

test('changes of what a controller only looks at are gathered where that is asked for', async () => {
  let looks = 0;
  const controller: Controller = { name: 'x', watches: [watch({ resource: configmaps, keys: () => ['a/k'] }), watch({ resource: secrets, keys: () => ['a/k'] })], reconcile: () => (looks++, { actions: [] }) };
  const { clock, client, end } = open(controller, { batchMs: 1000 });
  await clock.advance(10);
  for (const name of ['s', 't', 'u']) await client.create(secrets, map(name));
  await clock.advance(990);
  expect(looks).toBe(0);
  await clock.advance(100);
  expect(looks).toBe(1);
  await client.create(configmaps, map('m'));
  await clock.advance(10);
  expect(looks).toBe(2);
  await end();
});
