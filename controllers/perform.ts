/** Carries out one action, and says what of it the caches will show when they have caught up. */
import { pods, type ResourceRef } from '../api/resources.ts';
import { ApiError, isReason } from '../api/status.ts';
import type { Client, ObjectKey, Stored } from '../client/client.ts';
import type { Action } from './controller.ts';

/** A write by its trace: a version that a cache must reach for an object, or an object that must go. */
export type Written =
  | { readonly resource: ResourceRef<unknown>; readonly key: ObjectKey; readonly resourceVersion: string }
  | { readonly resource: ResourceRef<unknown>; readonly key: ObjectKey; readonly gone: string };

export interface Performer {
  readonly client: Client;
  readonly event: (action: Extract<Action, { do: 'event' }>) => void;
  readonly onWritten: (written: Written) => void;
}

/** An action that failed, and why. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly action: Action;
  /** Others that were refused at the same time. */
  readonly also: readonly Refused[];
  constructor(action: Action, cause: Error, also: readonly Refused[] = []) {
    super(cause.message, { cause });
    this.action = action;
    this.also = also;
  }
}

export async function performAll(actions: readonly Action[], performer: Performer): Promise<void> {
  for (const action of actions) await perform(action, performer);
}

/** At most so many sequences at the same time, however large the batches have grown. */
const MAX_TOGETHER = 64;

async function perform(action: Action, performer: Performer): Promise<void> {
  if (action.do === 'together') return performTogether(action.sequences, performer);
  if (action.do === 'event') return performer.event(action);
  try {
    const written = await write(action, performer);
    if (written) performer.onWritten(written);
  } catch (error) {
    throw new Refused(action, error instanceof Error ? error : new Error(String(error)));
  }
}

async function performTogether(sequences: readonly (readonly Action[])[], performer: Performer): Promise<void> {
  for (let done = 0, size = 1; done < sequences.length; size = Math.min(2 * size, MAX_TOGETHER)) {
    const batch = sequences.slice(done, done + size);
    const outcomes = await Promise.allSettled(batch.map((sequence) => performAll(sequence, performer)));
    const [first, ...also] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    if (first instanceof Refused) throw new Refused(first.action, first.cause as Error, also.filter((one) => one instanceof Refused));
    if (first) throw first;
    done += batch.length;
  }
}

type Write = Exclude<Action, { do: 'together' } | { do: 'event' }>;

async function write(action: Write, { client, event }: Performer): Promise<Written | undefined> {
  switch (action.do) {
    case 'create':
      try {
        const made = await client.create(action.resource, action.object);
        if (action.announce) event({ ...action.announce, message: action.announce.message + made.metadata.name });
        return written(action.resource, made);
      } catch (error) {
        if (action.tolerateExisting && isReason(error, 'AlreadyExists')) return undefined;
        throw error;
      }
    case 'update':
      return written(action.resource, await client.update(action.resource, action.object, options(action)));
    case 'patch':
      try {
        return written(action.resource, await client.patch(action.resource, action.key, action.patch, options(action)));
      } catch (error) {
        if (action.tolerateMissing && isReason(error, 'NotFound')) return undefined;
        throw error;
      }
    case 'apply': {
      const { force, fieldManager = FIELD_MANAGER } = action;
      const parameters = { ...options(action), fieldManager, ...(force !== undefined && { force }) };
      return written(action.resource, await client.apply(action.resource, action.object, parameters));
    }
    case 'delete':
      return remove(action, client);
    case 'confirm': {
      const { items } = await client.list(action.resource, { namespace: action.namespace });
      if (!action.holds(items)) throw new Error(action.otherwise);
      return undefined;
    }
    case 'evict': {
      const { key, uid } = action;
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: key, ...(uid && { deleteOptions: { preconditions: { uid } } }) };
      await client.post(pods, key, 'eviction', body);
      return uid ? { resource: pods as ResourceRef<unknown>, key, gone: uid } : undefined;
    }
  }
}

/** What upstream's controllers are called in managed fields. */
export const FIELD_MANAGER = 'kube-controller-manager';

async function remove(action: Extract<Action, { do: 'delete' }>, client: Client): Promise<Written | undefined> {
  const { resource, key, uid, resourceVersion, gracePeriodSeconds, propagationPolicy } = action;
  try {
    await client.delete(resource, key, {
      ...((uid || resourceVersion) && { preconditions: { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) } }),
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...(propagationPolicy && { propagationPolicy }),
    });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
  return uid ? { resource, key, gone: uid } : undefined;
}

function options<S extends string>({ subresource }: { readonly subresource?: S }): { subresource?: S } {
  return subresource ? { subresource } : {};
}

function written(resource: ResourceRef<unknown>, object: Stored<unknown>): Written | undefined {
  const metadata = object.metadata as Stored<unknown>['metadata'] | undefined;
  return metadata?.resourceVersion ? { resource, key: metadata, resourceVersion: metadata.resourceVersion } : undefined;
}

/** In a namespace that is going away nothing can be created, and nothing need be. */
export function isNamespaceTerminating(error: unknown): boolean {
  return error instanceof ApiError && (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating');
}
