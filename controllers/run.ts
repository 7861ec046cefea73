/**
 * The runner: drives one controller. It turns changes into keys, keys into actions, and actions into calls.
 *
 * A key is not reconciled again before the caches have seen what was last written for it: a decision taken on a picture
 * without one's own last write would be taken twice.
 */
import { isReason } from '../api/status.ts';
import type { ResourceRef } from '../api/resources.ts';
import { keyText, reaches } from '../client/cache.ts';
import type { Cache, CacheEvent, Client, Informer, InformerOptions, Stored } from '../client/client.ts';
import { WorkQueue } from '../client/queue.ts';
import { queueSeries } from '../client/queue-series.ts';
import type { Clock } from '../std/clock.ts';
import type { Meter } from '../std/meter.ts';
import type { Random } from '../std/random.ts';
import type { Action, Controller, Key, Log, View, WatchSpec } from './controller.ts';
import { Refused, isNamespaceTerminating, performAll, type Performer, type Written } from './perform.ts';

export interface RunTools {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly informer: <T>(resource: ResourceRef<T>, options?: InformerOptions<T>) => Informer<T>;
  readonly event: Performer['event'];
  readonly workers?: number;
  /** How long changes of anything but the first resource are gathered. */
  readonly batchMs?: number;
  /** Another source of keys; what it returns ends it. */
  readonly alsoFollow?: (add: (key: Key) => void) => () => void;
  readonly meter?: Meter;
}

const DEFAULT_WORKERS = 5;
/** A controller works on complete pictures only; one that does not get them says so. */
const SYNC_WARNING_MS = 30_000;
/** How often a key that waits for its own writes is looked at, besides when they arrive. */
const RECHECK_MS = 1000;
/** After so long a write is taken to be seen: what a cache leaves out (a selection) would never arrive. */
const UNSEEN_LIMIT_MS = 30_000;

/** Runs until the signal is aborted and the last work has ended. */
export async function runController(controller: Controller, tools: RunTools, signal: AbortSignal): Promise<void> {
  const watches = controller.watches.map((spec) => open(spec as unknown as WatchSpec, tools));
  const view = viewOf(controller.name, watches);
  const own = new OwnWrites((resource) => find(watches, resource)?.informer.cache);
  const queue = new WorkQueue({
    clock: tools.clock,
    workers: tools.workers ?? controller.workers ?? DEFAULT_WORKERS,
    work: (key) => reconcile(key),
    ...(controller.rest && { rest: controller.rest }),
    ...(tools.meter && { series: queueSeries(tools.meter, tools.clock, controller.name) }),
    onError: (key, error, failures) => {
      if (!isReason((error as Error).cause, 'Conflict')) tools.log.warn({ controller: controller.name, key, error: String(error), failures }, 'will be tried again');
    },
  });
  const reconcile = async (key: Key): Promise<'again' | void> => {
    if (signal.aborted) return undefined;
    const moment = (): { now: number; random: Random } => ({ now: tools.clock.now(), random: tools.random });
    if (!own.seen(key, tools.clock.now())) {
      queue.addAfter(key, RECHECK_MS);
      return 'again';
    }
    const { actions, requeueAfterMs } = controller.reconcile(key, view, moment());
    if (requeueAfterMs !== undefined) queue.addAfter(key, Math.max(1, requeueAfterMs));
    const performer: Performer = { client: tools.client, event: tools.event, onWritten: (written) => own.add(key, written, tools.clock.now()) };
    try {
      await performAll(actions, performer);
    } catch (error) {
      if (!(error instanceof Refused) || !(error.cause instanceof Error)) throw error;
      const answerTo = ({ action, cause }: Refused): readonly Action[] => (isReason(cause, 'Conflict') ? [] : (controller.onRefused?.(key, action, cause as Error, view, moment()) ?? []));
      if (isNamespaceTerminating(error.cause)) {
        // Nothing can be made there any more, events neither; what else is to be done may be what the namespace waits for.
        await performAll(answerTo(error).filter((action) => action.do !== 'event'), performer);
        return undefined;
      }
      // Of those refused together each is said, and the first is also noted.
      const answer = [...error.also.flatMap(answerTo).filter((action) => action.do === 'event'), ...answerTo(error)];
      await performAll(answer, performer).catch((second: unknown) => tools.log.warn({ controller: controller.name, key, error: String(second) }, 'could not say what was refused'));
      throw error;
    }
    return undefined;
  };
  const overdue = tools.clock.after(SYNC_WARNING_MS, () => {
    const waiting = watches.filter(({ informer }) => !informer.cache.synced).map(({ spec }) => spec.resource.resource);
    tools.log.warn({ controller: controller.name, waiting }, 'still waits for its caches');
  });
  await Promise.race([Promise.all(watches.map(({ informer }) => informer.synced())), aborted(signal)]);
  overdue.cancel();
  const ends = watches.map(({ informer, spec }, at) =>
    informer.subscribe((event) => {
      for (const key of own.waitingFor(spec.resource, event.object)) queue.add(key);
      for (const key of keysOf(event, spec, view)) queue.addAfter(key, spec.batchMs ?? (at === 0 ? 0 : (tools.batchMs ?? 0)));
    }),
  );
  const endOther = tools.alsoFollow?.((key) => queue.add(key));
  await aborted(signal);
  endOther?.();
  for (const end of ends) end();
  await queue.stop();
}

interface Watch {
  readonly spec: WatchSpec;
  readonly informer: Informer<unknown>;
}

function open(spec: WatchSpec, tools: RunTools): Watch {
  return { spec, informer: tools.informer(spec.resource, { ...spec.selection, ...(spec.indexes && { indexes: spec.indexes }) }) };
}

function find(watches: readonly Watch[], resource: ResourceRef<unknown>): Watch | undefined {
  return watches.find(({ spec }) => spec.resource.resource === resource.resource && spec.resource.group === resource.group);
}

function viewOf(name: string, watches: readonly Watch[]): View {
  return {
    of<T>(resource: ResourceRef<T>): Cache<T> {
      const found = find(watches, resource as ResourceRef<unknown>);
      if (!found) throw new Error(`${name} does not watch ${resource.resource}`);
      return found.informer.cache as Cache<T>;
    },
  };
}

function* keysOf(event: CacheEvent<unknown>, spec: WatchSpec, view: View): Generator<Key> {
  if (event.type === 'updated') {
    if (spec.matters && !spec.matters(event.previous, event.object)) return;
    yield* spec.keys(event.previous, view);
  }
  yield* spec.keys(event.object, view);
}

/** What was written for each key and has not been seen yet. */
class OwnWrites {
  readonly #cacheOf: (resource: ResourceRef<unknown>) => Cache<unknown> | undefined;
  readonly #unseen = new Map<Key, { readonly at: number; readonly written: Written }[]>();
  readonly #waiting = new Map<string, Set<Key>>();
  readonly #parked = new Set<Key>();

  constructor(cacheOf: (resource: ResourceRef<unknown>) => Cache<unknown> | undefined) {
    this.#cacheOf = cacheOf;
  }

  add(key: Key, written: Written, at: number): void {
    const cache = this.#cacheOf(written.resource);
    if (!cache || isSeen(written, cache)) return;
    const entries = this.#unseen.get(key);
    if (entries) entries.push({ at, written });
    else this.#unseen.set(key, [{ at, written }]);
    const object = objectText(written.resource, written.key);
    const keys = this.#waiting.get(object);
    if (keys) keys.add(key);
    else this.#waiting.set(object, new Set([key]));
  }

  /** Whether the caches show all that was written for the key. */
  seen(key: Key, now: number): boolean {
    const entries = this.#unseen.get(key);
    if (!entries) return true;
    const left = entries.filter(({ at, written }) => {
      const cache = this.#cacheOf(written.resource);
      const done = !cache || now - at >= UNSEEN_LIMIT_MS || isSeen(written, cache);
      if (done) this.#forget(key, written);
      return !done;
    });
    if (left.length > 0) {
      this.#unseen.set(key, left);
      this.#parked.add(key);
      return false;
    }
    this.#unseen.delete(key);
    this.#parked.delete(key);
    return true;
  }

  /** Keys that were to run and could not because of this object. */
  waitingFor(resource: ResourceRef<unknown>, object: Stored<unknown>): Iterable<Key> {
    if (this.#parked.size === 0) return [];
    return [...(this.#waiting.get(objectText(resource, object.metadata)) ?? [])].filter((key) => this.#parked.has(key));
  }

  #forget(key: Key, { resource, key: object }: Written): void {
    const text = objectText(resource, object);
    const keys = this.#waiting.get(text);
    keys?.delete(key);
    if (keys?.size === 0) this.#waiting.delete(text);
  }
}

function objectText(resource: ResourceRef<unknown>, key: { readonly namespace?: string; readonly name: string }): string {
  return `${resource.group}/${resource.resource}/${keyText(key)}`;
}

function isSeen(written: Written, cache: Cache<unknown>): boolean {
  const known = cache.get(written.key);
  if ('gone' in written) {
    if (!known || known.metadata.uid !== written.gone) return true;
    return (known.metadata as { readonly deletionTimestamp?: string }).deletionTimestamp !== undefined;
  }
  if (known && reaches(known.metadata.resourceVersion, written.resourceVersion)) return true;
  return reaches(cache.resourceVersion, written.resourceVersion);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
