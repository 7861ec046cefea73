/** Actions, typed by the kind they act on. */
import type { ResourceRef } from '../api/resources.ts';
import { apiVersionOf } from '../client/open-client.ts';
import type { Input, ObjectKey, Stored } from '../client/client.ts';
import type { Action, EventSubject } from './controller.ts';

type Of<D extends Action['do']> = Extract<Action, { do: D }>;

export function create<T>(resource: ResourceRef<T>, object: Input<T>, options: Pick<Of<'create'>, 'tolerateExisting' | 'announce'> = {}): Of<'create'> {
  return { do: 'create', resource: resource as ResourceRef<unknown>, object, ...options };
}

export function update<T>(resource: ResourceRef<T>, object: Input<T>, subresource?: 'status' | 'scale' | 'finalize'): Of<'update'> {
  return { do: 'update', resource: resource as ResourceRef<unknown>, object, ...(subresource && { subresource }) };
}

/** A strategic merge patch; `status` goes to that subresource. */
export function patch<T>(resource: ResourceRef<T>, key: ObjectKey, body: unknown, subresource?: 'status'): Of<'patch'> {
  const { namespace, name } = key;
  return {
    do: 'patch',
    resource: resource as ResourceRef<unknown>,
    key: { name, ...(namespace && { namespace }) },
    patch: { type: 'application/strategic-merge-patch+json', body },
    ...(subresource && { subresource }),
  };
}

/** Deletes this very object, not another that has taken its name. */
export function remove<T>(resource: ResourceRef<T>, object: Stored<unknown>, options: Pick<Of<'delete'>, 'gracePeriodSeconds' | 'propagationPolicy' | 'resourceVersion'> = {}): Of<'delete'> {
  const { namespace, name, uid } = object.metadata;
  return { do: 'delete', resource: resource as ResourceRef<unknown>, key: { name, ...(namespace && { namespace }) }, uid, ...options };
}

export function confirm<T>(resource: ResourceRef<T>, namespace: string, holds: (objects: readonly Stored<T>[]) => boolean, otherwise: string): Of<'confirm'> {
  return { do: 'confirm', resource: resource as ResourceRef<unknown>, namespace, holds: holds as Of<'confirm'>['holds'], otherwise };
}

export function together(sequences: readonly (readonly Action[])[]): Action[] {
  return sequences.length === 0 ? [] : [{ do: 'together', sequences }];
}

export function event(about: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string): Of<'event'> {
  return { do: 'event', about, type, reason, message };
}

/** Names an object as the subject of an event. */
export function subject<T>(resource: ResourceRef<T>, object: Stored<unknown>): EventSubject {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, name, ...(namespace && { namespace }), uid, resourceVersion };
}
