/**
 * The garbage collector: what nobody owns any more goes, and what is deleted in the foreground waits for its dependents.
 *
 * It is no reconcile function because it watches every resource there is, and they come and go with definitions.
 */
import { customresourcedefinitions } from '../api/resources.ts';
import { isReason } from '../api/status.ts';
import type { CustomResourceDefinition } from '../api/types/apiextensions.v1.ts';
import type { CacheEvent, Informer, Stored } from '../client/client.ts';
import { WorkQueue } from '../client/queue.ts';
import { sleep } from '../std/clock.ts';
import type { FreeController } from './controller.ts';
import { collect, orphan, referenceText, type Collecting } from './garbage/collect.ts';
import { Graph, groupOf, type Owner } from './garbage/graph.ts';
import { builtinResources, builtinVersions, customResource, resourceText, type AnyRef } from './served.ts';

const WORKERS = 20;
/** References that are known to lead nowhere; the oldest are asked for again. */
const MAX_ABSENT = 500;
/** A resource that cannot be listed must not keep the others waiting: owners that are not in the graph are asked for one by one. */
const SYNC_LIMIT_MS = 30_000;
/** Said, not kept for long, and never owned: not worth watching. */
const IGNORED = new Set(['events']);

export const garbageCollector: FreeController = {
  name: 'garbage-collector-controller',
  account: 'generic-garbage-collector',
  component: 'garbage-collector-controller',
  async run(tools, signal) {
    const graph = new Graph();
    const followed = new Map<string, Followed>();
    const queue = new WorkQueue({
      clock: tools.clock,
      workers: tools.workers ?? WORKERS,
      work: (key) => (key.startsWith('orphan ') ? orphan(key.slice('orphan '.length), collecting) : collect(key, collecting)),
      onError: (key, error, failures) => {
        if (!isReason(error, 'Conflict')) tools.log.warn({ key, error: String(error), failures }, 'an object could not be looked at');
      },
    });
    const collecting: Collecting = {
      client: tools.client,
      graph,
      absent: bounded(),
      resourceOf: (owner) => [...followed.values()].find(({ resource }) => isKind(resource, owner))?.resource,
      isServed: (owner) => {
        const versions = [...followed.values()].find(({ resource }) => isKind(resource, owner))?.versions;
        return !versions || versions.includes(owner.apiVersion.slice(owner.apiVersion.indexOf('/') + 1));
      },
      lookAt: (uid) => queue.add(uid),
      warn: (about, reason, message) => tools.event({ do: 'event', about, type: 'Warning', reason, message }),
    };
    const follow = (resource: AnyRef, versions: readonly string[]): Informer<unknown> => {
      const informer = tools.informer(resource, { metadataOnly: true });
      followed.set(resourceText(resource), { resource, informer, versions });
      return informer;
    };
    const observe = (resource: AnyRef, event: CacheEvent<unknown>): void => {
      const { uid, name, namespace = '' } = event.object.metadata;
      // Its kind may be gone before its dependents are looked at, and nobody left to ask.
      if (event.type === 'deleted' && graph.dependents(uid).length > 0) collecting.absent.add(referenceText({ group: resource.group, kind: resource.kind, namespace, name, uid }));
      for (const { what, uid } of graph.observe(resource, event)) queue.add(what === 'orphan' ? `orphan ${uid}` : uid);
    };
    const subscribe = (entry: Followed): void => {
      entry.unsubscribe = entry.informer.subscribe((event) => observe(entry.resource, event));
    };
    const builtin = builtinResources.filter((resource) => !IGNORED.has(resourceText(resource))).map((resource) => follow(resource, builtinVersions(resource)));
    const definitions = tools.informer(customresourcedefinitions);
    const custom = definitions.synced().then(() => Promise.all(definitions.cache.list().map((definition) => {
      const resource = customResource(definition);
      return resource && follow(resource, servedVersions(definition)).synced();
    })));
    await Promise.race([Promise.all([custom, ...builtin.map((informer) => informer.synced())]), sleep(tools.clock, SYNC_LIMIT_MS, signal)]);
    // Subscribed together, so that most owners are in the graph before anything is looked at.
    for (const entry of followed.values()) subscribe(entry);
    const unsubscribe = definitions.subscribe(({ type, object }) => {
      const resource = type === 'deleted' ? undefined : customResource(object);
      const key = resourceText({ group: object.spec.group, resource: object.spec.names.plural });
      if (!resource) drop(key, followed, observe);
      else {
        const versions = servedVersions(object);
        const known = followed.get(key);
        if (known) known.versions = versions;
        else void followCustom(follow(resource, versions), key, followed, subscribe, signal);
      }
    });
    await ended(signal);
    unsubscribe();
    for (const { unsubscribe: end } of followed.values()) end?.();
    await queue.stop();
  },
};

function servedVersions({ spec }: Stored<CustomResourceDefinition>): string[] {
  return spec.versions.filter(({ served }) => served).map(({ name }) => name);
}

interface Followed {
  readonly resource: AnyRef;
  readonly informer: Informer<unknown>;
  versions: readonly string[];
  unsubscribe?: () => void;
}

async function followCustom(informer: Informer<unknown>, key: string, followed: Map<string, Followed>, subscribe: (entry: Followed) => void, signal: AbortSignal): Promise<void> {
  await Promise.race([informer.synced(), ended(signal)]);
  const entry = followed.get(key);
  if (entry?.informer === informer && !signal.aborted) subscribe(entry);
}

/** The objects of a definition that is gone are gone too, whether or not their own events have come. */
function drop(key: string, followed: Map<string, Followed>, observe: (resource: AnyRef, event: CacheEvent<unknown>) => void): void {
  const entry = followed.get(key);
  if (!entry) return;
  entry.unsubscribe?.();
  entry.informer.stop();
  followed.delete(key);
  for (const object of entry.informer.cache.list()) observe(entry.resource, { type: 'deleted', object });
}

/** Versions of one kind are one kind. */
function isKind(resource: AnyRef, { apiVersion, kind }: Owner): boolean {
  return resource.kind === kind && resource.group === groupOf(apiVersion);
}

function bounded(): Collecting['absent'] {
  const references = new Set<string>();
  return {
    has: (reference) => references.has(reference),
    add(reference) {
      references.add(reference);
      if (references.size <= MAX_ABSENT) return;
      for (const oldest of references) {
        references.delete(oldest);
        return;
      }
    },
  };
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

