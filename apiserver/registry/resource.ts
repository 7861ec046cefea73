/** A kind in one of its served versions: where it is stored, how it is converted, what its bytes look like. */
import type { ApiObject, Kind, KindVersion, Strategy, Subresource } from '../../api/kind.ts';

import { encodeJson, spliceRevision } from '../../api/codec/encode.ts';
import { parseExact } from '../../api/codec/json-text.ts';
import type { Subject } from '../../api/status.ts';
import type { Schema } from '../../api/schema.ts';
import { deepCopy, deepFreeze, type DeepReadonly } from '../../std/deep.ts';
import type { Expected } from './expected.ts';
import type { ResourceCache } from '../cache/cache.ts';

export class Resource {
  readonly kind: Kind;
  readonly version: KindVersion;
  readonly cache: ResourceCache;
  /** `/registry/pods/` */
  readonly prefix: string;
  /** `apps/v1`, or `v1`. */
  readonly apiVersion: string;
  readonly hubApiVersion: string;
  readonly hubGroup: string;
  readonly hubSchema: Schema | undefined;
  /** Stored bytes are served as they are. */
  readonly isHub: boolean;
  /** A webhook converts between it and what is stored. */
  readonly isView: boolean;
  readonly #subresources: ReadonlyMap<string, Subresource>;
  readonly #verbs: ReadonlySet<string>;

  /** `owner` is the kind that the store's objects are of: another where two kinds are views of one place. */
  constructor(kind: Kind, version: KindVersion, cache: ResourceCache, owner: Kind = kind) {
    this.kind = kind;
    this.version = version;
    this.cache = cache;
    this.prefix = storagePrefix(kind, version);
    this.apiVersion = groupVersion(kind.group, version.version);
    const viewed = version.place !== undefined;
    this.hubApiVersion = viewed ? this.apiVersion : groupVersion(owner.group, owner.hub);
    this.hubGroup = owner.group;
    this.hubSchema = viewed ? version.schema : owner.versions.find((one) => one.version === owner.hub)?.schema;
    this.isView = viewed && version.version !== kind.hub;
    this.isHub = viewed || (version.version === kind.hub && !version.fromHub);
    this.#subresources = new Map((version.own?.subresources ?? kind.subresources).map((sub) => [sub.name, sub]));
    this.#verbs = new Set(kind.verbs);
  }

  get plural(): string {
    return this.kind.plural;
  }

  /** What this version's writes are held to. */
  get strategy(): Strategy {
    return this.version.own?.strategy ?? this.kind.strategy;
  }

  get columns(): Kind['columns'] {
    return this.version.own?.columns ?? this.kind.columns;
  }

  get rowConditions(): Kind['rowConditions'] {
    return this.kind.rowConditions;
  }

  get selectableFields(): Kind['selectableFields'] {
    return this.version.own?.selectableFields ?? this.kind.selectableFields;
  }

  has(verb: string): boolean {
    return this.#verbs.has(verb);
  }

  subresource(name: string): Subresource | undefined {
    return this.#subresources.get(name);
  }

  key(namespace: string, name: string): string {
    return this.kind.namespaced ? `${this.prefix}${namespace}/${name}` : this.prefix + name;
  }

  subject(name: string): Subject {
    return { group: this.kind.group, resource: this.kind.plural, name };
  }

  /** What a body or a patch is to come to. */
  get expected(): Expected {
    const { schema, unreadable } = this.version;
    return { apiVersion: this.apiVersion, kind: this.kind.kind, schema, unreadable };
  }

  /** From this version to the hub; changes the object in place where it can. */
  toHub(object: ApiObject): ApiObject {
    const hub = this.version.toHub ? this.version.toHub(object) : object;
    hub.apiVersion = this.hubApiVersion;
    return hub;
  }

  /** A copy of a hub object in this version. */
  fromHub(object: DeepReadonly<ApiObject>): ApiObject {
    const copy = deepCopy(object) as ApiObject;
    const own = this.version.fromHub ? this.version.fromHub(copy) : copy;
    own.apiVersion = this.apiVersion;
    own.kind = this.kind.kind;
    return own;
  }

  /** A hub object with what this version has of it. */
  seen(object: DeepReadonly<ApiObject>): DeepReadonly<ApiObject> {
    if (!this.version.fromHub || this.kind.custom === undefined) return object;
    return deepFreeze(this.version.fromHub(deepCopy(object) as ApiObject));
  }

  /** What is kept of an object that this version speaks of: itself, or a copy. */
  narrowed(object: ApiObject): ApiObject {
    if (!this.version.narrow) return object;
    const copy = deepCopy(object) as ApiObject;
    this.version.narrow(copy);
    return copy;
  }

  /** The same as it will be read again. */
  formed(object: ApiObject): ApiObject {
    const copy = this.narrowed(object);
    if (copy !== object) this.kind.stored?.(copy);
    return copy;
  }

  splice(value: Buffer, revision: number): Buffer {
    return spliceRevision(this.version.place === undefined ? inForm(this.kind, value) : value, revision);
  }
}

/** What was stored under an earlier definition, as the present one has it. */
function inForm({ stored }: Pick<Kind, 'stored'>, value: Buffer): Buffer {
  if (!stored) return value;
  const object = parseExact(value.toString()) as ApiObject;
  return stored(object) ? encodeJson(object) : value;
}

export function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

export function storagePrefix(kind: Kind, version?: KindVersion): string {
  return `/registry/${version?.place ?? kind.storagePath}/`;
}
