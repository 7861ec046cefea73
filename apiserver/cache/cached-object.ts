/** One object of a cache: its bytes with their resourceVersion, what selectors look at, and the parsed form on demand. */
import type { ApiObject, Kind } from '../../api/kind.ts';
import { deepFreeze, type DeepReadonly } from '../../std/deep.ts';
import type { CachedObject } from './cache.ts';
import { encodeJson, spliceRevision } from '../../api/codec/encode.ts';
import { parseExact } from '../../api/codec/json-text.ts';
import { isSound, shownAt } from '../written.ts';

/** What selectors look at. */
export interface Indexed {
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
  /** The object was brought into another form on the way in. */
  readonly changed?: boolean;
}

export interface Indexer {
  (object: ApiObject): Indexed;
  /** Never brings an object into another form. */
  readonly keepsForm?: boolean;
}

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

/** The indexer of a kind; the fields of one kind always have the same shape. */
export function kindIndexer(kind: Pick<Kind, 'selectableFields' | 'namespaced' | 'stored'>): Indexer {
  const extra = Object.entries(kind.selectableFields ?? {});
  // A constructor of its own: objects that it makes have exactly the room that their fields need.
  const Fields = function (this: Record<string, string>, object: ApiObject, name: string, namespace: string): void {
    this['metadata.name'] = name;
    if (kind.namespaced) this['metadata.namespace'] = namespace;
    for (const [path, read] of extra) this[path] = read(object);
  } as unknown as new (object: ApiObject, name: string, namespace: string) => Record<string, string>;
  const index = (object: ApiObject): Indexed => {
    const changed = kind.stored?.(object) ?? false;
    const { name = '', namespace = '', labels } = object.metadata;
    return { labels: labels ?? NO_LABELS, fields: new Fields(object, name, namespace), changed };
  };
  return Object.assign(index, { keepsForm: kind.stored === undefined });
}

export interface CachedParts extends Indexed {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly bytes: Buffer;
}

export class CachedEntry implements CachedObject {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly bytes: Buffer;
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
  /** Held weakly: bytes are the currency, and who needs the object for long holds it himself. */
  #parsed: WeakRef<DeepReadonly<ApiObject>> | undefined;

  constructor(parts: CachedParts, object?: DeepReadonly<ApiObject>) {
    if (object) this.#parsed = new WeakRef(object);
    this.key = parts.key;
    this.namespace = parts.namespace;
    this.name = parts.name;
    this.revision = parts.revision;
    this.bytes = parts.bytes;
    this.labels = parts.labels;
    this.fields = parts.fields;
  }

  get object(): DeepReadonly<ApiObject> {
    const known = this.#parsed?.deref();
    if (known) return known;
    const object = deepFreeze(JSON.parse(this.bytes.toString()) as ApiObject);
    this.#parsed = new WeakRef(object);
    return object;
  }
}

/** What another thread wrote: nobody has looked into it yet, and perhaps nobody will. */
class UnreadEntry implements CachedObject {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly bytes: Buffer;
  readonly #index: Indexer;
  #indexed: Indexed | undefined;
  #parsed: WeakRef<DeepReadonly<ApiObject>> | undefined;

  constructor({ key, namespace, name, revision, bytes }: Omit<CachedParts, keyof Indexed>, index: Indexer) {
    this.key = key;
    this.namespace = namespace;
    this.name = name;
    this.revision = revision;
    this.bytes = bytes;
    this.#index = index;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#read().labels;
  }

  get fields(): Readonly<Record<string, string>> {
    return this.#read().fields;
  }

  get object(): DeepReadonly<ApiObject> {
    const known = this.#parsed?.deref();
    if (known) return known;
    const object = deepFreeze(JSON.parse(this.bytes.toString()) as ApiObject);
    this.#parsed = new WeakRef(object);
    return object;
  }

  /** As it was when it was deleted. */
  deleted(revision: number, bytes: Buffer): UnreadEntry {
    return new UnreadEntry({ ...this, revision, bytes }, this.#index);
  }

  #read(): Indexed {
    return (this.#indexed ??= this.#index(this.object as ApiObject));
  }
}

export interface StoredValue {
  readonly key: string;
  readonly value: Buffer;
  readonly revision: number;
}

/** Takes a stored value in. Only here is a value parsed, for what selectors look at; the parsed form is dropped again. What this process wrote itself needs no parsing. */
export function ingest(stored: StoredValue, prefix: string, index: Indexer, allocate?: (size: number) => Buffer): CachedObject {
  const { key, value, revision } = stored;
  const rest = key.slice(prefix.length);
  const slash = rest.indexOf('/');
  const place = { key, namespace: slash < 0 ? '' : rest.slice(0, slash), name: rest.slice(slash + 1), revision };
  const shown = shownAt(value, revision);
  if (shown) {
    const { labels, fields } = index(shown.object as ApiObject);
    return new CachedEntry({ ...place, bytes: shown.bytes, labels, fields }, shown.object);
  }
  if (index.keepsForm && isSound(value)) return new UnreadEntry({ ...place, bytes: spliceRevision(value, revision, allocate) }, index);
  const object = JSON.parse(value.toString()) as ApiObject;
  const { labels, fields, changed } = index(object);
  return new CachedEntry({ ...place, bytes: spliceRevision(changed ? reformed(value, index) : value, revision, allocate), labels, fields });
}

/** With its numbers exactly as they were. */
function reformed(value: Buffer, index: Indexer): Buffer {
  const object = parseExact(value.toString()) as ApiObject;
  index(object);
  return encodeJson(object);
}

/** The last state of a deleted object, at the revision of its deletion; `bytes` where they are known. */
export function deletedAt(last: CachedObject, revision: number, bytes?: Buffer): CachedObject {
  if (bytes && last instanceof UnreadEntry) return last.deleted(revision, bytes);
  const { key, namespace, name, labels, fields } = last;
  return new CachedEntry({ key, namespace, name, labels, fields, revision, bytes: bytes ?? withRevision(last.bytes, revision) });
}

function withRevision(bytes: Buffer, revision: number): Buffer {
  const object = JSON.parse(bytes.toString()) as ApiObject;
  object.metadata.resourceVersion = String(revision);
  return Buffer.from(JSON.stringify(object));
}
