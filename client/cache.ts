/** The picture behind an informer: one resource's objects by key, by namespace and by index. One writer, many readers. */
import type { Cache, CacheEvent, ObjectKey, Stored } from './client.ts';

export type Indexes<T> = Readonly<Record<string, (object: Stored<T>) => readonly string[]>>;

export class ResourceCache<T> implements Cache<T> {
  readonly #objects = new Map<string, Stored<T>>();
  /** Made when somebody asks by namespace: most do not. */
  #namespaces: Group<T> | undefined;
  readonly #indexes: { readonly name: string; readonly of: (object: Stored<T>) => readonly string[]; readonly group: Group<T> }[] = [];
  #all: readonly Stored<T>[] | undefined;
  #resourceVersion = '';
  #synced = false;

  constructor(indexes: Indexes<T> = {}) {
    for (const [name, of] of Object.entries(indexes)) this.addIndex(name, of);
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  get synced(): boolean {
    return this.#synced;
  }

  get(key: ObjectKey): Stored<T> | undefined {
    return this.#objects.get(keyText(key));
  }

  list(namespace?: string): readonly Stored<T>[] {
    if (namespace) return this.#byNamespace().at(namespace);
    return (this.#all ??= [...this.#objects.values()]);
  }

  by(index: string, value: string): readonly Stored<T>[] {
    const found = this.#indexes.find(({ name }) => name === index);
    if (!found) throw new Error(`no index ${index}`);
    return found.group.at(value);
  }

  /** Two parties may ask for one index if they mean the same function. */
  addIndex(name: string, of: (object: Stored<T>) => readonly string[]): void {
    const known = this.#indexes.find((index) => index.name === name);
    if (known?.of === of) return;
    if (known) throw new Error(`two different indexes are called ${name}`);
    const group = new Group<T>();
    for (const [key, object] of this.#objects) for (const value of of(object)) group.add(value, key, object);
    this.#indexes.push({ name, of, group });
  }

  put(object: Stored<T>): CacheEvent<T> {
    const key = keyText(object.metadata);
    const previous = this.#objects.get(key);
    if (previous) this.#unindex(key, previous);
    this.#objects.set(key, object);
    this.#index(key, object);
    return previous ? { type: 'updated', object, previous } : { type: 'added', object };
  }

  /** `last` is the object's final state, where the server told it. */
  remove(key: string, last?: Stored<T>): CacheEvent<T> | undefined {
    const previous = this.#objects.get(key);
    if (!previous) return undefined;
    this.#unindex(key, previous);
    this.#objects.delete(key);
    return { type: 'deleted', object: last ?? previous };
  }

  /** Makes this the whole picture, and says what that changed. A name with another uid is another object. */
  replace(objects: readonly Stored<T>[]): CacheEvent<T>[] {
    const changes: CacheEvent<T>[] = [];
    const gone = new Set(this.#objects.keys());
    for (const object of objects) {
      const key = keyText(object.metadata);
      gone.delete(key);
      const known = this.#objects.get(key);
      if (known?.metadata.resourceVersion === object.metadata.resourceVersion) continue;
      if (known && known.metadata.uid !== object.metadata.uid) changes.push(...toList(this.remove(key)));
      changes.push(this.put(object));
    }
    for (const key of gone) changes.push(...toList(this.remove(key)));
    return changes;
  }

  seen(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
  }

  markSynced(): void {
    this.#synced = true;
  }

  #byNamespace(): Group<T> {
    if (!this.#namespaces) {
      this.#namespaces = new Group();
      for (const [key, object] of this.#objects) if (object.metadata.namespace) this.#namespaces.add(object.metadata.namespace, key, object);
    }
    return this.#namespaces;
  }

  #index(key: string, object: Stored<T>): void {
    this.#all = undefined;
    if (object.metadata.namespace) this.#namespaces?.add(object.metadata.namespace, key, object);
    for (const { of, group } of this.#indexes) for (const value of of(object)) group.add(value, key, object);
  }

  #unindex(key: string, object: Stored<T>): void {
    this.#all = undefined;
    if (object.metadata.namespace) this.#namespaces?.remove(object.metadata.namespace, key);
    for (const { of, group } of this.#indexes) for (const value of of(object)) group.remove(value, key);
  }
}

/** `namespace/name`, or `name` for cluster-scoped kinds. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace ? `${namespace}/${name}` : name;
}

export function parseKey(key: string): { readonly namespace?: string; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Whether the first version is not older than the second. Versions are whole numbers that may exceed a double. */
export function reaches(resourceVersion: string, other: string): boolean {
  return resourceVersion.length === other.length ? resourceVersion >= other : resourceVersion.length > other.length;
}

/** Objects under a value, handed out as arrays that are made once per change. */
class Group<T> {
  readonly #values = new Map<string, { readonly members: Map<string, Stored<T>>; array: readonly Stored<T>[] | undefined }>();

  at(value: string): readonly Stored<T>[] {
    const entry = this.#values.get(value);
    return entry ? (entry.array ??= [...entry.members.values()]) : [];
  }

  add(value: string, key: string, object: Stored<T>): void {
    let entry = this.#values.get(value);
    if (!entry) this.#values.set(value, (entry = { members: new Map(), array: undefined }));
    entry.members.set(key, object);
    entry.array = undefined;
  }

  remove(value: string, key: string): void {
    const entry = this.#values.get(value);
    if (!entry?.members.delete(key)) return;
    entry.array = undefined;
    if (entry.members.size === 0) this.#values.delete(value);
  }
}

function toList<E>(item: E | undefined): E[] {
  return item === undefined ? [] : [item];
}
