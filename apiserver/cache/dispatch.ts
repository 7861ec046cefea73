/** Who is to see an event: watchers by namespace and by the one field value they ask for, so that most are not even looked at. */
import type { CacheEvent, CachedObject, CacheWatchSink, FieldHint } from './cache.ts';

export interface Watcher {
  readonly namespace: string | undefined;
  readonly hint: FieldHint | undefined;
  readonly sink: CacheWatchSink;
  /** Events up to here are not for this watcher. It may lie in the future. */
  readonly after: number;
}

interface Group {
  readonly all: Set<Watcher>;
  /** field → value → watchers */
  readonly byField: Map<string, Map<string, Set<Watcher>>>;
}

/** The group of watchers over all namespaces. */
const EVERYWHERE = '*';

export class Dispatch {
  readonly #groups = new Map<string, Group>();
  readonly #watchers = new Set<Watcher>();

  get size(): number {
    return this.#watchers.size;
  }

  [Symbol.iterator](): IterableIterator<Watcher> {
    return this.#watchers.values();
  }

  has(watcher: Watcher): boolean {
    return this.#watchers.has(watcher);
  }

  add(watcher: Watcher): void {
    this.#watchers.add(watcher);
    const name = watcher.namespace ?? EVERYWHERE;
    let group = this.#groups.get(name);
    if (!group) this.#groups.set(name, (group = { all: new Set(), byField: new Map() }));
    if (!watcher.hint) {
      group.all.add(watcher);
      return;
    }
    const { field, value } = watcher.hint;
    let values = group.byField.get(field);
    if (!values) group.byField.set(field, (values = new Map()));
    const watchers = values.get(value);
    if (watchers) watchers.add(watcher);
    else values.set(value, new Set([watcher]));
  }

  delete(watcher: Watcher): boolean {
    if (!this.#watchers.delete(watcher)) return false;
    const name = watcher.namespace ?? EVERYWHERE;
    const group = this.#groups.get(name) as Group;
    if (watcher.hint) {
      const { field, value } = watcher.hint;
      const values = group.byField.get(field);
      const watchers = values?.get(value);
      watchers?.delete(watcher);
      if (watchers?.size === 0) values?.delete(value);
      if (values?.size === 0) group.byField.delete(field);
    } else {
      group.all.delete(watcher);
    }
    if (group.all.size === 0 && group.byField.size === 0) this.#groups.delete(name);
    return true;
  }

  /** Calls back once for each watcher that may care. Watchers may come and go meanwhile. */
  of(event: CacheEvent, visit: (watcher: Watcher) => void): void {
    this.#visit(this.#groups.get(EVERYWHERE), event, visit);
    if (event.object.namespace !== '') this.#visit(this.#groups.get(event.object.namespace), event, visit);
  }

  #visit(group: Group | undefined, event: CacheEvent, visit: (watcher: Watcher) => void): void {
    if (!group) return;
    for (const watcher of group.all) visit(watcher);
    for (const [field, values] of group.byField) {
      const now = event.object.fields[field];
      const before = event.previous?.fields[field];
      if (now !== undefined) values.get(now)?.forEach(visit);
      if (before !== undefined && before !== now) values.get(before)?.forEach(visit);
    }
  }
}

/** Whether a watcher is meant at all: what `Dispatch` decides by its index, for single events of a replay. */
export function concerns(watcher: Watcher, event: CacheEvent): boolean {
  if (watcher.namespace !== undefined && watcher.namespace !== event.object.namespace) return false;
  return !watcher.hint || asks(watcher.hint, event.object) || asks(watcher.hint, event.previous);
}

function asks(hint: FieldHint, object: CachedObject | undefined): boolean {
  return object !== undefined && object.fields[hint.field] === hint.value;
}
