/** One object of a cache: its bytes with their resourceVersion, what selectors look at, and the parsed form on demand. */
import type { ApiObject, Kind } from '../../api/kind.ts';
import type { Arena } from './arena.ts';
import type { CachedObject } from './cache.ts';
import { Interned } from './interned.ts';
import { PackedObject, type Around, type PackedParts } from './packed-object.ts';
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
  /** The same text for the same namespace as the last time. */
  namespace(name: string): string;
}

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

/** The indexer of a kind; the fields of one kind always have the same shape. */
export function kindIndexer(kind: Pick<Kind, 'selectableFields' | 'namespaced' | 'stored'>): Indexer {
  const extra = Object.entries(kind.selectableFields ?? {});
  const interned = new Interned();
  let lastNamespace = '';
  // A constructor of its own: objects that it makes have exactly the room that their fields need.
  const Fields = function (this: Record<string, string>, object: ApiObject, name: string, namespace: string): void {
    this['metadata.name'] = name;
    if (kind.namespaced) this['metadata.namespace'] = interned.text(namespace);
    for (const [path, read] of extra) this[path] = interned.text(read(object));
  } as unknown as new (object: ApiObject, name: string, namespace: string) => Record<string, string>;
  const index = (object: ApiObject): Indexed => {
    const changed = kind.stored?.(object) ?? false;
    const { name = '', namespace = '', labels } = object.metadata;
    return { labels: labels ? interned.labels(labels) : NO_LABELS, fields: new Fields(object, name, namespace), changed };
  };
  return Object.assign(index, { keepsForm: kind.stored === undefined, namespace: (name: string) => (lastNamespace = name === lastNamespace ? lastNamespace : name) });
}

export interface CachedParts extends Indexed, PackedParts {
  readonly namespace: string;
}

/** What a cache holds. */
export type PackedCached = PackedObject & CachedObject;

export class CachedEntry extends PackedObject implements CachedObject {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;

  constructor(parts: CachedParts, around?: Around) {
    super(parts, around);
    this.namespace = parts.namespace;
    this.labels = parts.labels;
    this.fields = parts.fields;
  }

  /** The same text as in `fields`: who remembers it needs no room for it. */
  override get name(): string {
    return this.fields['metadata.name'] ?? super.name;
  }
}

/** What another thread wrote: nobody has looked into it yet, and perhaps nobody will. */
class UnreadEntry extends PackedObject implements CachedObject {
  readonly namespace: string;
  readonly #index: Indexer;
  #indexed: Indexed | undefined;

  constructor(parts: Omit<CachedParts, keyof Indexed>, index: Indexer, arena?: Arena) {
    super(parts, { arena });
    this.namespace = parts.namespace;
    this.#index = index;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#read().labels;
  }

  get fields(): Readonly<Record<string, string>> {
    return this.#read().fields;
  }

  /** As it was when it was deleted. */
  deleted(revision: number, bytes: Buffer): UnreadEntry {
    return new UnreadEntry({ key: this.key, namespace: this.namespace, revision, bytes }, this.#index);
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
export function ingest(stored: StoredValue, prefix: string, index: Indexer, arena?: Arena): PackedCached {
  const { key, value, revision } = stored;
  const place = { key, namespace: index.namespace(namespaceOf(key, prefix)), revision };
  const shown = shownAt(value, revision, arena?.allocate);
  if (shown) {
    const { labels, fields } = index(shown.object as ApiObject);
    return new CachedEntry({ ...place, bytes: shown.bytes, labels, fields }, { arena, object: shown.object });
  }
  if (index.keepsForm && isSound(value)) return new UnreadEntry({ ...place, bytes: spliceRevision(value, revision, arena?.allocate) }, index, arena);
  const object = parseExact(value.toString()) as ApiObject;
  const { labels, fields, changed } = index(object);
  return new CachedEntry({ ...place, bytes: spliceRevision(changed ? encodeJson(object) : value, revision, arena?.allocate), labels, fields }, { arena });
}

function namespaceOf(key: string, prefix: string): string {
  const slash = key.indexOf('/', prefix.length);
  return slash < 0 ? '' : key.slice(prefix.length, slash);
}

/** The last state of a deleted object, at the revision of its deletion; `bytes` where they are known. */
export function deletedAt(last: CachedObject, revision: number, bytes?: Buffer): PackedCached {
  if (bytes && last instanceof UnreadEntry) return last.deleted(revision, bytes);
  const { key, namespace, labels, fields } = last;
  return new CachedEntry({ key, namespace, labels, fields, revision, bytes: bytes ?? withRevision(last.bytes, revision) });
}

function withRevision(bytes: Buffer, revision: number): Buffer {
  return spliceRevision(encodeJson(parseExact(bytes.toString()) as ApiObject), revision);
}
