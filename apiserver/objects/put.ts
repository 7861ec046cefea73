/** The last step of every write: bytes into the store, compare-and-swap, and what refused it as a Status. */
import { withStoredLists } from '../../api/codec/stored-lists.ts';
import type { ApiObject } from '../../api/kind.ts';
import { alreadyExists, ApiError, conflict } from '../../api/status.ts';
import type { Core, Settle } from '../core.ts';
import type { StoredForm } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';
import { Conflict, Unavailable, VALUE_LIMIT_BYTES, type WriteOptions } from '../storage/store.ts';
import { encodeStored, LooseObject, StoredObject } from '../registry/stored-form.ts';
import { announce, withdraw } from '../written.ts';

/** etcd's default limit on a request, which clients of upstream know; larger objects are refused everywhere alike. */
export const OBJECT_LIMIT_BYTES = Math.min(1.5 * 1024 * 1024, VALUE_LIMIT_BYTES);

export interface Put {
  readonly resource: Resource;
  readonly key: string;
  readonly name: string;
  /** The revision that is replaced; 0 when the object is new. */
  readonly expected: number;
  readonly object: ApiObject;
  readonly old: Readonly<ApiObject> | undefined;
  readonly dryRun: boolean;
  /** What goes along with the write. */
  readonly settle?: Settle | undefined;
}

/** Throws the store's `Conflict` when something else stands there. */
export async function put(core: Core, request: Put): Promise<StoredForm> {
  const { resource, key, expected, object, old, dryRun, settle } = request;
  let value: Buffer | undefined;
  try {
    if (dryRun) {
      return loose(resource.formed((resource.isView && (await resource.kind.throughStore?.(object, resource.apiVersion))) || object), old);
    }
    value = encodeStored(resource.narrowed(object));
    if (value.length > OBJECT_LIMIT_BYTES) throw objectTooLarge();
    // What is brought into another form, or holds numbers that JavaScript rounds, is read back from its bytes.
    if (!resource.kind.stored && !resource.kind.custom) announce(value, withStoredLists(object) as ApiObject);
    const revision = await core.store.write(key, expected, value, writeOptions(resource));
    if (settle) await settle.commit();
    if (resource.isView) return await reread(core, request, revision);
    return resource.version.narrow ? new StoredObject(resource.splice(value, revision)) : StoredObject.at(value, revision, object);
  } catch (error) {
    if (settle) await settle.rollback();
    throw storeFailure(error);
  } finally {
    if (value) withdraw(value);
  }
}

/** What was converted on the way in is told as it comes back. */
async function reread(core: Core, { resource, key, object }: Put, revision: number): Promise<StoredForm> {
  const entry = await core.store.get(key, { revision });
  return entry ? new StoredObject(resource.splice(entry.value, revision)) : new LooseObject(object);
}

export interface Remove {
  readonly resource: Resource;
  readonly key: string;
  readonly expected: number;
  readonly old: Readonly<ApiObject>;
  readonly dryRun: boolean;
}

export async function remove(core: Core, request: Remove): Promise<number> {
  const { resource, key, expected, old, dryRun } = request;
  if (dryRun) return expected;
  try {
    const revision = await core.store.write(key, expected, undefined);
    await core.hooks.ended({ resource: resource.kind.plural, group: resource.kind.group, object: undefined, old, dryRun });
    return revision;
  } catch (error) {
    throw storeFailure(error);
  }
}

/** `there` is what stands in the way, where that is known; `asked` is what was to be made. */
export function existsError(resource: Resource, name: string, there: Readonly<ApiObject> | undefined, asked: Readonly<ApiObject>): ApiError {
  const error = asked.metadata.generateName ? noUniqueName(alreadyExists(resource.subject(name))) : alreadyExists(resource.subject(name));
  if (there?.metadata.deletionTimestamp === undefined) return error;
  return new ApiError({ ...error.status, message: `object is being deleted: ${error.message}` });
}

function noUniqueName({ status }: ApiError): ApiError {
  return new ApiError({ ...status, message: `${status.message}, the server was not able to generate a unique name for the object`, details: { ...status.details, retryAfterSeconds: 1 } });
}

export function modifiedError(resource: Resource, name: string): ApiError {
  return conflict(resource.subject(name), 'the object has been modified; please apply your changes to the latest version and try again');
}

function loose(object: ApiObject, old: Readonly<ApiObject> | undefined): StoredForm {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const kept = (old ?? object).metadata.resourceVersion;
  const shown = { ...object, metadata: { ...metadata, ...(kept !== undefined && { resourceVersion: kept }) } };
  return new LooseObject(withStoredLists(shown) as ApiObject);
}

function writeOptions({ kind: { ttlSeconds, relaxedDurability } }: Resource): WriteOptions | undefined {
  if (ttlSeconds === undefined && !relaxedDurability) return undefined;
  return { ...(ttlSeconds !== undefined && { ttlSeconds }), ...(relaxedDurability && { relaxed: true }) };
}

/** In the words that clients look for. */
function objectTooLarge(): ApiError {
  return new ApiError({ code: 500, message: 'etcdserver: request is too large' });
}

/** A store that cannot be used is the server's fault, not the client's: clients try again. */
export function storeFailure(error: unknown): unknown {
  if (error instanceof Conflict || error instanceof ApiError) return error;
  if (error instanceof Unavailable) {
    return new ApiError({ code: 503, reason: 'ServiceUnavailable', message: error.message, details: { retryAfterSeconds: 1 } }, { cause: error });
  }
  return error;
}

