/** Whether an object is the one that the URL names. */
import type { ApiObject } from '../../api/kind.ts';
import { ApiError, badRequest, conflict } from '../../api/status.ts';
import type { Route } from '../request/route.ts';
import type { Resource } from '../registry/resource.ts';

/** A namespace left out is the URL's. Throws 400. */
export function checkNamespace(object: ApiObject, route: Route, resource: Resource): void {
  const { metadata } = object;
  if (!resource.kind.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (!metadata.namespace) metadata.namespace = route.namespace;
  else if (metadata.namespace !== route.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** Drops what only the server says of an object. */
export function dropGiven({ metadata }: ApiObject): void {
  for (const field of GIVEN_BY_SERVER) if (metadata[field] !== undefined) delete metadata[field];
}

const GIVEN_BY_SERVER = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink'] as const;

/** For objects with a name in the URL. Throws 400. */
export function checkName(object: ApiObject, name: string): void {
  const own = object.metadata.name ?? '';
  if (own === '') throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (own !== name) throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
}

export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface Target {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly dryRun: boolean;
}

/** Throws 409. */
export function checkPreconditions(preconditions: Preconditions | undefined, object: Readonly<ApiObject>, target: Target): void {
  if (!preconditions) return;
  const { uid, resourceVersion } = preconditions;
  const { metadata } = object;
  if (uid !== undefined && uid !== metadata.uid) throw preconditionFailed(target, `UID in precondition: ${uid}, UID in object meta: ${metadata.uid ?? ''}`);
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw preconditionFailed(target, `ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion ?? ''}`);
  }
}

/** Upstream tells it with the key in its store, of which dry runs know less. */
export function preconditionFailed({ resource, namespace, name, dryRun }: Target, why: string): ApiError {
  const key = resource.key(namespace, name);
  const shown = dryRun ? key.replace(/^\/registry/, '') : key;
  return conflict(resource.subject(name), `StorageError: invalid object, Code: 4, Key: ${shown}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ${why}`);
}

/** The same for a deletion, which tells it of the kind and in other words. Throws 409. */
export function checkDeletePreconditions(preconditions: Preconditions | undefined, object: Readonly<ApiObject>, { kind }: Resource, name: string): void {
  if (!preconditions) return;
  const { uid, resourceVersion } = preconditions;
  const subject = { group: kind.group, resource: kind.kind, name };
  const { metadata } = object;
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(subject, `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ''}). The object might have been deleted and then recreated`);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      subject,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion ?? ''}). The object might have been modified`,
    );
  }
}

export function createdWithVersion(): ApiError {
  return new ApiError({ code: 500, message: 'resourceVersion should not be set on objects to be created' });
}
