/** One object of a cache: its bytes with their resourceVersion, what selectors look at, and the parsed form on demand. */
import type { ApiObject, Kind } from '../../api/kind.ts';
import { deepFreeze, type DeepReadonly } from '../../std/deep.ts';
import type { CachedObject } from './cache.ts';
import { encodeJson, spliceRevision } from '../../api/codec/encode.ts';
import { parseExact } from '../../api/codec/json-text.ts';
import { shownAt } from '../written.ts';

/** What selectors look at. */
export interface Indexed {
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
  /** The object was brought into another form on the way in. */
  readonly changed?: boolean;
}

export type Indexer = (object: ApiObject) => Indexed;

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
  return (object) => {
    const changed = kind.stored?.(object) ?? false;
    const { name = '', namespace = '', labels } = object.metadata;
    return { labels: labels ?? NO_LABELS, fields: new Fields(object, name, namespace), changed };
  };
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
  const { key, namespace, name, labels, fields } = last;
  return new CachedEntry({ key, namespace, name, labels, fields, revision, bytes: bytes ?? withRevision(last.bytes, revision) });
}

function withRevision(bytes: Buffer, revision: number): Buffer {
  const object = JSON.parse(bytes.toString()) as ApiObject;
  object.metadata.resourceVersion = String(revision);
  return Buffer.from(JSON.stringify(object));
}
