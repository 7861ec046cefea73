/** A Reader and Writer over plain objects in memory, for tests of what stands on them. */
import type { ApiObject } from '../../api/kind.ts';
import type { ResourceRef } from '../../api/resources.ts';
import { alreadyExists, conflict, notFound } from '../../api/status.ts';
import { deepCopy, deepFreeze } from '../../std/deep.ts';
import type { ObjectChange, Reader, Stored, Writer } from './reader.ts';

export class FakeReader implements Reader, Writer {
  readonly #objects = new Map<string, Map<string, ApiObject>>();
  readonly #listeners = new Map<string, Set<(change: ObjectChange<ApiObject>) => void>>();
  #revision = 0;
  writes = 0;

  /** Objects by resource, as `set` takes them. */
  set<T>(resource: ResourceRef<T>, ...objects: (T | ApiObject)[]): this {
    for (const object of objects) this.#put(resource, object as ApiObject);
    return this;
  }

  delete<T>(resource: ResourceRef<T>, namespace: string, name: string): void {
    const object = this.#of(resource).get(`${namespace}/${name}`);
    if (!object) return;
    this.#of(resource).delete(`${namespace}/${name}`);
    this.#tell(resource, 'deleted', object, object);
  }

  get<T>(resource: ResourceRef<T>, namespace: string, name: string): Stored<T> | undefined {
    return this.#of(resource).get(`${namespace}/${name}`) as Stored<T> | undefined;
  }

  list<T>(resource: ResourceRef<T>, namespace?: string): readonly Stored<T>[] {
    return [...this.#of(resource).values()].filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace) as unknown as Stored<T>[];
  }

  onChange<T>(resource: ResourceRef<T>, listener: (change: ObjectChange<T>) => void): { close(): void } {
    const key = keyOf(resource);
    const all = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, all.add(listener as unknown as (change: ObjectChange<ApiObject>) => void));
    for (const object of this.#of(resource).values()) listener(change('set', object, undefined) as unknown as ObjectChange<T>);
    return { close: () => void all.delete(listener as unknown as (change: ObjectChange<ApiObject>) => void) };
  }

  /** There is nothing behind it. */
  async upToDate(): Promise<void> {}

  async getFresh<T>(resource: ResourceRef<T>, namespace: string, name: string): Promise<Stored<T> | undefined> {
    return this.get(resource, namespace, name);
  }

  async create<T>(resource: ResourceRef<T>, object: T | ApiObject): Promise<Stored<T>> {
    const { namespace = '', name = '' } = (object as ApiObject).metadata;
    if (this.get(resource, namespace, name)) throw alreadyExists({ group: resource.group, resource: resource.resource, name });
    this.writes++;
    return this.#put(resource, object as ApiObject) as unknown as Stored<T>;
  }

  async update<T>(resource: ResourceRef<T>, object: T | ApiObject, subresource?: 'status'): Promise<Stored<T>> {
    const { namespace = '', name = '', resourceVersion } = (object as ApiObject).metadata;
    const subject = { group: resource.group, resource: resource.resource, name };
    const current = this.#of(resource).get(`${namespace}/${name}`);
    if (!current) throw notFound(subject);
    if (current.metadata.resourceVersion !== resourceVersion) throw conflict(subject, 'the object has been modified');
    this.writes++;
    const next = subresource === 'status' ? { ...current, status: (object as ApiObject)['status'] } : (object as ApiObject);
    return this.#put(resource, next) as unknown as Stored<T>;
  }

  /** Status as a whole: there are no owners here. */
  async applyStatus<T>(resource: ResourceRef<T>, applied: ApiObject): Promise<Stored<T>> {
    const current = this.get(resource, applied.metadata.namespace ?? '', applied.metadata.name ?? '') as ApiObject | undefined;
    return this.update(resource, { ...applied, metadata: { ...current?.metadata } }, 'status');
  }

  async remove<T>(resource: ResourceRef<T>, { metadata: { namespace = '', name } }: Stored<T>): Promise<void> {
    this.writes++;
    this.delete(resource, namespace, name);
  }

  #put(resource: ResourceRef<unknown>, object: ApiObject): ApiObject {
    const copy = deepCopy(object) as ApiObject;
    copy.apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version;
    copy.kind = resource.kind;
    copy.metadata.uid ??= `uid-of-${resource.resource}-${copy.metadata.name}`;
    copy.metadata.resourceVersion = String(++this.#revision);
    const key = `${copy.metadata.namespace ?? ''}/${copy.metadata.name}`;
    const previous = this.#of(resource).get(key);
    this.#of(resource).set(key, deepFreeze(copy) as ApiObject);
    this.#tell(resource, 'set', copy, previous);
    return copy;
  }

  #of(resource: ResourceRef<unknown>): Map<string, ApiObject> {
    const key = keyOf(resource);
    const objects = this.#objects.get(key) ?? new Map<string, ApiObject>();
    this.#objects.set(key, objects);
    return objects;
  }

  #tell(resource: ResourceRef<unknown>, type: 'set' | 'deleted', object: ApiObject, previous: ApiObject | undefined): void {
    for (const listener of this.#listeners.get(keyOf(resource)) ?? []) listener(change(type, object, previous));
  }
}

function keyOf({ group, resource }: ResourceRef<unknown>): string {
  return `${group}/${resource}`;
}

function change(type: 'set' | 'deleted', object: ApiObject, previous: ApiObject | undefined): ObjectChange<ApiObject> {
  const spec = object['spec'] as { nodeName?: string } | undefined;
  const { namespace = '', name = '' } = object.metadata;
  return { type, namespace, name, fields: { 'spec.nodeName': spec?.nodeName ?? '' }, object: object as unknown as Stored<ApiObject>, previous: previous as unknown as Stored<ApiObject> | undefined };
}
