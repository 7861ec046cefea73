/** The objects of one request in the versions that webhooks and policies want to see, and the way back. */
import { goQuote } from '../../../api/go-quote.ts';
import { normalize, strictProblem } from '../../../api/codec/json.ts';
import { kindFact } from '../../../api/facts/facts.ts';
import type { ApiObject, Kind, KindVersion, Metadata } from '../../../api/kind.ts';
import type { Schema } from '../../../api/schema.ts';
import { ApiError, badRequest, internalError } from '../../../api/status.ts';
import { deepCopy, deepEqual } from '../../../std/deep.ts';
import { dropDuplicateOwners } from '../../objects/owners.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { GroupVersionKind } from './subject.ts';

export interface Versioned {
  readonly kind: GroupVersionKind;
  /** Not to be changed. */
  readonly object: Readonly<ApiObject> | undefined;
  readonly old: Readonly<ApiObject> | undefined;
}

export class VersionedObjects {
  readonly #request: AdmissionRequest;
  readonly #kinds: () => readonly Kind[];
  readonly #made = new Map<string, Versioned>();

  /** `kinds`: all that is served, for those kinds that are views of each other. */
  constructor(request: AdmissionRequest, kinds: () => readonly Kind[]) {
    this.#request = request;
    this.#kinds = kinds;
  }

  get(kind: GroupVersionKind): Versioned {
    let made = this.#made.get(versionOf(kind));
    if (!made) {
      const { object, old } = this.#request;
      made = { kind, object: object && this.#show(object, kind), old: old && this.#show(old, kind) };
      this.#made.set(versionOf(kind), made);
    }
    return made;
  }

  /** Before `get`, and again after `set`: some versions are made by somebody who must be waited for. Throws ApiError. */
  async prepare(kind: GroupVersionKind): Promise<void> {
    const { object, old } = this.#request;
    const row = this.#row(kind);
    const there = object ?? old;
    if (!row?.convert || !there || this.#made.has(versionOf(kind)) || there.apiVersion === versionOf(kind)) return;
    const both = [object, old].filter((one) => one !== undefined);
    const shown = await row.convert(both, versionOf(kind));
    this.#made.set(versionOf(kind), { kind, object: object && shown[0], old: old && shown[object ? 1 : 0] });
  }

  /** Takes a changed object of that version back into the request, in its form and with its defaults. Returns whether that changes it. Throws 500. */
  async set(kind: GroupVersionKind, changed: unknown, { strict = false }: { readonly strict?: boolean } = {}): Promise<boolean> {
    const { object } = this.#request;
    if (!object) throw new Error('there is no object to change');
    const row = this.#row(kind);
    const version = row && versionIn(row, kind);
    const shown = this.get(kind).object as ApiObject;
    const schema = this.schema(kind);
    const isLoose = row?.custom !== undefined && !row.convert;
    const next = inForm(isLoose ? ANYTHING : schema, changed, strict);
    // What says nothing of its kind is of the one that was shown.
    next.kind ||= shown.kind;
    next.apiVersion ||= shown.apiVersion;
    if (next.kind !== shown.kind || next.apiVersion !== shown.apiVersion) {
      throw row?.custom !== undefined && next.apiVersion !== shown.apiVersion ? this.#otherVersion(next, row, strict) : this.#otherKind(next, kind, { changed, strict });
    }
    if (shown.metadata) keepNamespace((next.metadata ??= {}), this.#request);
    const differs = !deepEqual(next, shown);
    version?.defaults?.(next);
    const hub = row?.convert && next.apiVersion !== object.apiVersion ? await convertBack(row, next, object.apiVersion) : version?.toHub ? version.toHub(next) : next;
    hub.apiVersion = object.apiVersion;
    hub.kind = object.kind;
    replaceContents(object, isLoose ? this.#kept(row, hub) : hub);
    if (object.metadata) dropDuplicateOwners(object.metadata, this.#request.warnings, { mutated: true });
    this.#made.clear();
    return differs;
  }

  /** What is stored of a custom object, where nobody else sees to it. */
  #kept(row: Kind, object: ApiObject): ApiObject {
    const own = row.versions.find(({ version }) => version === this.#request.version);
    return own && !own.narrow ? inForm(own.schema, object, false) : object;
  }

  /** Of what `get` shows. */
  schema(kind: GroupVersionKind): Schema | undefined {
    const row = this.#row(kind);
    return row ? versionIn(row, kind)?.schema : schemaOf(kind);
  }

  /** Policies, which are strict, are told of it as of a fault of the server. */
  #otherVersion({ apiVersion, kind }: ApiObject, { group }: Kind, strict: boolean): ApiError {
    const { version } = this.#request;
    const message = `${apiVersion}, Kind=${kind} is unstructured and is not suitable for converting to ${goQuote(versionOf({ group, version, kind }))}`;
    return strict ? internalError(`failed to convert object: ${message}`) : new ApiError({ code: 500, message });
  }

  /** Upstream names its own package in place of the version that it was to become. */
  #otherKind(next: ApiObject, { group, version, kind }: GroupVersionKind, { changed, strict }: { readonly changed: unknown; readonly strict: boolean }): ApiError {
    const fact = next.apiVersion === versionOf({ group, version, kind }) ? kindFact(group, version, next.kind) : undefined;
    if (!fact) return internalError(`no kind ${goQuote(next.kind)} is registered for version ${goQuote(next.apiVersion)} in scheme "pkg/runtime/scheme.go:111"`);
    // It is read before it is asked what it is.
    inForm({ type: fact.type }, changed, strict);
    const into = group === '' ? 'core' : group.replace(/\..*$/, '');
    return new ApiError({ code: 500, message: `converting (${version}.${next.kind}) to (${into}.${kind}): unknown conversion` });
  }

  #show(object: Readonly<ApiObject>, kind: GroupVersionKind): Readonly<ApiObject> {
    const apiVersion = versionOf(kind);
    if (object.kind === kind.kind && object.apiVersion === apiVersion) return object;
    const row = this.#row(kind);
    if (!row) return { ...object, apiVersion, kind: kind.kind };
    const version = versionIn(row, kind);
    if (!version) throw internalError(`unable to convert to ${kind.group}/${kind.version}, Kind=${kind.kind}: unknown kind`);
    const copy = deepCopy(object) as ApiObject;
    // Of a custom object everything is shown: what the version does not have goes when it is stored.
    const shown = version.fromHub && row.custom === undefined ? version.fromHub(copy) : copy;
    shown.apiVersion = apiVersion;
    shown.kind = kind.kind;
    return shown;
  }

  /** Undefined: a subresource speaks this kind, which has one version. */
  #row({ group, kind }: GroupVersionKind): Kind | undefined {
    const own = this.#request.kind;
    if (own.group === group && own.kind === kind) return own;
    return this.#kinds().find((row) => row.storagePath === own.storagePath && row.group === group && row.kind === kind);
  }
}

function versionOf({ group, version }: GroupVersionKind): string {
  return group === '' ? version : `${group}/${version}`;
}

async function convertBack(row: Kind, object: ApiObject, apiVersion: string): Promise<ApiObject> {
  const [back] = (await row.convert?.([object], apiVersion)) ?? [];
  const version = row.versions.find((one) => versionOf({ ...one, group: row.group, kind: row.kind }) === apiVersion);
  const own = inForm(version?.schema, back, false);
  version?.defaults?.(own);
  return own;
}

function versionIn(row: Kind, { version }: GroupVersionKind): KindVersion | undefined {
  return row.versions.find((one) => one.version === version);
}

function schemaOf({ group, version, kind }: GroupVersionKind): Schema | undefined {
  const fact = kindFact(group, version, kind);
  return fact && { type: fact.type };
}

/** Only metadata is known. */
const ANYTHING: Schema = { structural: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };

/** What the schema does not know goes, or is refused. */
function inForm(schema: Schema | undefined, value: unknown, strict: boolean): ApiObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw internalError('json: cannot unmarshal value into an object');
  if (!schema) return deepCopy(value) as ApiObject;
  try {
    const decoded = normalize(schema, value);
    if (strict && decoded.strict.length > 0) throw internalError(strictProblem(decoded.strict));
    return decoded.object;
  } catch (error) {
    throw error instanceof ApiError && error.code === 400 ? new Misshapen(error.message) : error;
  }
}

/** An object stays in the namespace of the request. Throws 400. */
function keepNamespace(metadata: Metadata, { kind, namespace }: AdmissionRequest): void {
  if (!kind.namespaced || namespace === '') return;
  metadata.namespace ||= namespace;
  if (metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** Others hold on to the object, and to its metadata, which options of connections lack. */
function replaceContents(object: ApiObject, next: ApiObject): void {
  const { metadata } = object;
  if (metadata) overwrite(metadata, next.metadata);
  overwrite(object, metadata ? { ...next, metadata } : next);
}

function overwrite(target: object, source: object): void {
  for (const key of Object.keys(target)) if (!(key in source)) delete (target as Record<string, unknown>)[key];
  Object.assign(target, source);
}

/** A changed object that its type cannot hold. */
export class Misshapen extends ApiError {
  readonly why: string;

  constructor(why: string) {
    super(internalError(why).status);
    this.why = why;
  }
}
