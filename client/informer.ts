/**
 * The informer: keeps a cache of one resource in step with the server, and tells its subscribers of each change.
 *
 * It is always in one of three phases. `step` is the only place that moves it between them; the loop around it waits,
 * opens streams and feeds what they say.
 */
import type { WatchEvent } from '../api/request.ts';
import type { ResourceRef } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import { backoff } from '../std/backoff.ts';
import { sleep, type Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import { ResourceCache, keyText } from './cache.ts';
import type { CacheEvent, Client, Informer, InformerOptions, Selection, Stored } from './client.ts';
import { trimmed } from './trimmed.ts';

export interface InformerTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: { warn(fields: object, message: string): void };
}

export function openInformer<T>(client: Client, resource: ResourceRef<T>, options: InformerOptions<T>, tools: InformerTools): Informer<T> {
  const { indexes, ...selection } = options;
  const cache = new ResourceCache<T>(indexes);
  const listeners = new Set<(event: CacheEvent<T>) => void>();
  const aborted = new AbortController();
  const first = Promise.withResolvers<void>();
  const publish = (outcome: Step<T>): void => {
    if (outcome.picture) outcome.changes.push(...cache.replace(outcome.picture));
    if (outcome.event) outcome.changes.push(...applied(cache, outcome.event));
    if (outcome.state.phase === 'following') {
      cache.seen(outcome.state.resourceVersion);
      cache.markSynced();
      first.resolve();
    }
    const present = [...listeners];
    for (const change of outcome.changes) for (const listener of present) tell(listener, change);
  };
  const tell = (listener: (event: CacheEvent<T>) => void, change: CacheEvent<T>): void => {
    try {
      listener(change);
    } catch (error) {
      tools.log?.warn({ resource: resource.resource, error: error instanceof Error ? error.stack : String(error) }, 'a subscriber failed');
    }
  };
  void follow({ client, resource, selection, tools, publish, signal: aborted.signal });
  return {
    cache,
    subscribe(listener) {
      for (const object of cache.list()) listener({ type: 'added', object });
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    addIndexes(added) {
      for (const [name, of] of Object.entries(added)) cache.addIndex(name, of);
    },
    synced: () => first.promise,
    stop: () => aborted.abort(),
  };
}

/** `empty`: nothing is known. `filling`: the initial events arrive. `following`: all up to this version is known. */
export type State<T> =
  | { readonly phase: 'empty' }
  | { readonly phase: 'filling'; readonly objects: Map<string, Stored<T>> }
  | { readonly phase: 'following'; readonly resourceVersion: string };

export type Input<T> =
  | { readonly type: 'opened' }
  | { readonly type: 'listed'; readonly items: readonly Stored<T>[]; readonly resourceVersion: string }
  | { readonly type: 'event'; readonly event: WatchEvent<Stored<T>> }
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly error: unknown };

export interface Step<T> {
  readonly state: State<T>;
  /** Replaces all that was known. */
  readonly picture?: readonly Stored<T>[];
  /** Changes one object. */
  readonly event?: WatchEvent<Stored<T>>;
  readonly changes: CacheEvent<T>[];
}

export function step<T>(state: State<T>, input: Input<T>): Step<T> {
  switch (input.type) {
    case 'opened':
      return { state: state.phase === 'following' ? state : { phase: 'filling', objects: new Map() }, changes: [] };
    case 'listed':
      return { state: { phase: 'following', resourceVersion: input.resourceVersion }, picture: input.items, changes: [] };
    case 'event':
      return state.phase === 'filling' ? fill(state.objects, input.event) : observe(input.event);
    case 'ended':
      return { state: state.phase === 'following' ? state : { phase: 'empty' }, changes: [] };
    case 'failed':
      return { state: state.phase === 'following' && !isGone(input.error) ? state : { phase: 'empty' }, changes: [] };
  }
}

function fill<T>(objects: Map<string, Stored<T>>, event: WatchEvent<Stored<T>>): Step<T> {
  const { object } = event;
  if (event.type === 'BOOKMARK') {
    if (annotations(object)?.[INITIAL_EVENTS_END] !== 'true') return { state: { phase: 'filling', objects }, changes: [] };
    return { state: { phase: 'following', resourceVersion: object.metadata.resourceVersion }, picture: [...objects.values()], changes: [] };
  }
  if (event.type === 'DELETED') objects.delete(keyText(object.metadata));
  else objects.set(keyText(object.metadata), object);
  return { state: { phase: 'filling', objects }, changes: [] };
}

function observe<T>(event: WatchEvent<Stored<T>>): Step<T> {
  const state: State<T> = { phase: 'following', resourceVersion: event.object.metadata.resourceVersion };
  return event.type === 'BOOKMARK' ? { state, changes: [] } : { state, event, changes: [] };
}

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';
/** A server ends each watch after a while; asking for a random length keeps all clients from returning at once. */
const WATCH_SECONDS = 300;
const RETRY = { baseMs: 100, limitMs: 30_000, jitter: 0.5 };
/** A watch that ends sooner than this and brought nothing counts as a failure. */
const SHORT_WATCH_MS = 1000;

interface Following<T> {
  readonly client: Client;
  readonly resource: ResourceRef<T>;
  readonly selection: Selection;
  readonly tools: InformerTools;
  readonly publish: (outcome: Step<T>) => void;
  readonly signal: AbortSignal;
}

async function follow<T>({ client, resource, selection, tools, publish, signal }: Following<T>): Promise<void> {
  const { clock, random, log } = tools;
  let current: State<T> = { phase: 'empty' };
  const feed = (input: Input<T>): void => {
    const outcome = step(current, input);
    current = outcome.state;
    publish(outcome);
  };
  let failures = 0;
  /** Whether the server streams the initial events. One that refuses is asked for lists from then on. */
  let streams = true;
  for (let state: State<T> = current; !signal.aborted; state = current) {
    const since = clock.monotonic();
    let fruitful = false;
    try {
      if (state.phase === 'empty' && !streams) {
        const { items, resourceVersion } = await client.list(resource, selection);
        feed({ type: 'listed', items: items.map(trimmed), resourceVersion });
        state = { phase: 'following', resourceVersion };
      }
      const from = state.phase === 'following' ? { resourceVersion: state.resourceVersion } : { sendInitialEvents: true };
      const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + random.next()));
      const stream = client.watch(resource, { ...selection, ...from, timeoutSeconds, signal });
      feed({ type: 'opened' });
      for await (const event of stream) {
        if (signal.aborted) return;
        fruitful = true;
        failures = 0;
        feed({ type: 'event', event: { type: event.type, object: trimmed(event.object) } });
      }
      feed({ type: 'ended' });
      if (fruitful || clock.monotonic() - since >= SHORT_WATCH_MS) continue;
    } catch (error) {
      if (signal.aborted) return;
      feed({ type: 'failed', error });
      if (streams && state.phase === 'empty' && refusesStreaming(error)) {
        streams = false;
        continue;
      }
      if (failures > 0 || !isGone(error)) log?.warn({ resource: resource.resource, error: String(error), failures }, 'watch failed');
    }
    await sleep(clock, backoff(failures++, RETRY, random), signal);
  }
}

function applied<T>(cache: ResourceCache<T>, { type, object }: WatchEvent<Stored<T>>): CacheEvent<T>[] {
  const key = keyText(object.metadata);
  const known = cache.get(object.metadata);
  if (type === 'DELETED') {
    const change = cache.remove(key, object);
    return change ? [change] : [];
  }
  const gone = known && known.metadata.uid !== object.metadata.uid ? cache.remove(key) : undefined;
  return [...(gone ? [gone] : []), cache.put(object)];
}

function annotations(object: Stored<unknown>): Readonly<Record<string, string>> | undefined {
  return (object.metadata as { readonly annotations?: Readonly<Record<string, string>> }).annotations;
}

function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

function refusesStreaming(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 400 || error.code === 422);
}
