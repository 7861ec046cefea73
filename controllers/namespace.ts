/**
 * Namespace deletion: empties a namespace that is to go, pods first, and then lets it go.
 *
 * It is no reconcile function because it asks the server for objects of every kind, most of which nobody watches.
 */
import { apiservices, customresourcedefinitions, namespaces, pods } from '../api/resources.ts';
import { isReason } from '../api/status.ts';
import type { APIService } from '../api/types/apiregistration.v1.ts';
import type { Namespace } from '../api/types/core.v1.ts';
import type { Client, Informer, Stored } from '../client/client.ts';
import { WorkQueue } from '../client/queue.ts';
import { backoff } from '../std/backoff.ts';
import type { ControllerTools, FreeController } from './controller.ts';
import { deletionConditions, type Remains } from './namespace-conditions.ts';
import { isDeleting } from './owners.ts';
import { builtinResources, customResource, resourceText, type AnyRef } from './served.ts';

const WORKERS = 10;
/** Requests under way for one namespace. */
const PARALLEL = 8;
/** What was admitted just before the deletion is still being written: other servers and their caches need a moment. */
const SETTLE_MS = 250;
/** How soon to look again at a namespace in which something remains. */
const REMAINING = { baseMs: 250, limitMs: 4000 };
/** After errors: once a minute at the least. */
const REST = { baseMs: 5, limitMs: 60_000 };
const FINALIZER = 'kubernetes';
/** As remaining resources are named. */
const PODS = 'pods.';

export const namespaceController: FreeController = {
  name: 'namespace-controller',
  async run(tools, signal) {
    const { clock, log } = tools;
    const definitions = tools.informer(customresourcedefinitions);
    const services = tools.informer(apiservices);
    const informer = tools.informer(namespaces);
    const looks = new Map<string, number>();
    const queue = new WorkQueue({
      clock,
      workers: tools.workers ?? WORKERS,
      rest: REST,
      onError: (name, error, failures) => {
        if (!isReason(error, 'Conflict')) log.warn({ namespace: name, error: String(error), failures }, 'a namespace could not be emptied');
      },
      async work(name) {
        const remaining = await empty(name, { tools, definitions, services, informer, signal });
        if (!remaining) return void looks.delete(name);
        const count = looks.get(name) ?? 0;
        looks.set(name, count + 1);
        queue.addAfter(name, backoff(count, REMAINING));
      },
    });
    await Promise.race([Promise.all([definitions.synced(), services.synced(), informer.synced()]), ended(signal)]);
    const unsubscribe = informer.subscribe(({ object }) => {
      if (isDeleting(object)) queue.addAfter(object.metadata.name, SETTLE_MS);
    });
    await ended(signal);
    unsubscribe();
    await queue.stop();
  },
};

interface Context {
  readonly tools: ControllerTools;
  readonly definitions: Informer<Parameters<typeof customResource>[0]>;
  /** Groups that other servers answer for. */
  readonly services: Informer<APIService>;
  readonly informer: Informer<Namespace>;
  readonly signal: AbortSignal;
}

/** Whether something remains. */
async function empty(name: string, { tools: { client, clock }, definitions, services, signal }: Context): Promise<boolean> {
  const namespace = await client.get(namespaces, { name }).catch((error: unknown) => {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  });
  if (!namespace || !isDeleting(namespace) || !namespace.spec?.finalizers?.includes(FINALIZER) || signal.aborted) return false;
  const custom = definitions.cache.list().flatMap((definition) => customResource(definition) ?? []);
  const remote = await remoteResources(services.cache.list(), client);
  const others = [...builtinResources, ...custom, ...remote.resources].filter((resource) => resource.namespaced && resource !== (pods as AnyRef));
  const remains: Remains = { counts: new Map(), finalizers: new Map(), errors: [], undiscovered: remote.failing };
  await emptyOf(pods as AnyRef, name, client, remains);
  // Nothing that a running pod may need goes before the last pod.
  if (remains.counts.size === 0 && remains.errors.length === 0) {
    for (let i = 0; i < others.length; i += PARALLEL) await Promise.all(others.slice(i, i + PARALLEL).map((resource) => emptyOf(resource, name, client, remains)));
  }
  // What remains is only told of when the pods have gone, as upstream.
  const told = remains.counts.has(PODS) ? { ...remains, counts: new Map(), finalizers: new Map() } : remains;
  const conditions = deletionConditions(namespace.status?.conditions ?? [], told, clock.now());
  const noted = conditions ? await client.update(namespaces, { ...namespace, status: { ...namespace.status, conditions } } as Stored<Namespace>, { subresource: 'status' }) : namespace;
  if (remains.errors.length > 0) throw remains.errors[0] as Error;
  // What cannot be looked into may hold something.
  if (remains.undiscovered.length > 0) return true;
  if (remains.counts.size > 0) return true;
  const finalizers = (noted.spec?.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
  await client.update(namespaces, { ...noted, spec: { ...noted.spec, finalizers } } as Stored<Namespace>, { subresource: 'finalize' });
  return false;
}

/** What other servers keep in namespaces; `failing`: versions of groups whose servers do not say. */
async function remoteResources(services: readonly Stored<APIService>[], client: Client): Promise<{ readonly resources: readonly AnyRef[]; readonly failing: readonly string[] }> {
  const resources: AnyRef[] = [];
  const failing: string[] = [];
  for (const { spec, status } of services) {
    const { group = '', version = '', service } = spec ?? {};
    if (!service) continue;
    const available = status?.conditions?.some(({ type, status: value }) => type === 'Available' && value === 'True');
    const found = available ? await discover(client, group, version) : undefined;
    if (found) resources.push(...found);
    else failing.push(`${group}/${version}`);
  }
  return { resources, failing: failing.sort() };
}

interface ResourceList {
  readonly resources?: readonly { readonly name: string; readonly namespaced?: boolean; readonly kind: string; readonly verbs?: readonly string[] }[];
}

async function discover(client: Client, group: string, version: string): Promise<AnyRef[] | undefined> {
  try {
    const { resources = [] } = (await client.call({ verb: 'get', group, version, resource: '' })) as ResourceList;
    return resources
      .filter(({ name, verbs }) => !name.includes('/') && verbs?.includes('delete'))
      .map(({ name, kind, namespaced = false }) => ({ group, version, resource: name, kind, namespaced }));
  } catch {
    return undefined;
  }
}

/** Deletes all there is of a resource, and notes what stays. */
async function emptyOf(resource: AnyRef, namespace: string, client: Client, remains: Remains): Promise<void> {
  const list = async (): Promise<readonly Stored<unknown>[]> => (await client.list(resource, { namespace, metadataOnly: true })).items;
  try {
    if ((await list()).length === 0) return;
    try {
      await client.deleteCollection(resource, { namespace }, { propagationPolicy: 'Background' });
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      for (const { metadata } of await list()) await client.delete(resource, { namespace, name: metadata.name }, { propagationPolicy: 'Background' });
    }
    const left = await list();
    if (left.length === 0) return;
    const text = `${resource.resource}.${resource.group}`;
    remains.counts.set(text, left.length);
    for (const { metadata } of left) {
      for (const finalizer of (metadata as { readonly finalizers?: readonly string[] }).finalizers ?? []) remains.finalizers.set(finalizer, (remains.finalizers.get(finalizer) ?? 0) + 1);
    }
  } catch (error) {
    if (isUnsupported(error)) return;
    remains.errors.push(error instanceof Error ? error : new Error(`${resourceText(resource)}: ${String(error)}`));
  }
}

function isUnsupported(error: unknown): boolean {
  return isReason(error, 'NotFound') || isReason(error, 'MethodNotAllowed');
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
