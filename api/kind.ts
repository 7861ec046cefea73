/**
 * The kind waist: one row per kind, built-in (a file under `api/kinds/` exports it) or compiled from a CustomResourceDefinition.
 * Routes, discovery, OpenAPI, Table output, RBAC names, garbage collection and typed clients are derived from rows. The **hub**
 * is the version that is stored: strategy, validation and admission see objects in that version only; others convert to and from it.
 */
import type { Column, RowCondition } from './column.ts';
import type { FieldError } from './field-error.ts';
import type { ApiObject } from './object.ts';
import type { Schema } from './schema.ts';

export type { Column, RowCondition };
export type { ApiObject, Metadata, OwnerReference } from './object.ts';

export type CrudVerb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export interface KindVersion {
  readonly version: string;
  readonly schema: Schema;
  /** Fills in what the author left out, in this version. Runs on what clients send and on what was stored by older servers. */
  readonly defaults?: (object: ApiObject, options?: { readonly keepNulls: boolean }) => void;
  /** To and from the hub. Absent on the hub itself, or where only `apiVersion` differs. They may change the object in place. `narrow` takes away what the hub does not keep. */
  readonly toHub?: (object: ApiObject) => ApiObject;
  readonly fromHub?: (object: ApiObject) => ApiObject;
  readonly narrow?: (object: ApiObject) => void;
  /** Why an object that has its schema's form cannot become one of the hub, as upstream's conversion says it. */
  readonly unreadable?: (object: ApiObject) => string | undefined;
  readonly deprecated?: { readonly warning: string };
  readonly storageVersionHash: string;
  /** Where a webhook converts, a version has a place of its own in the store, `example.com/widgets@v2`: there it is what is stored, in its form. */
  readonly place?: string;
  /** Where versions of a custom kind differ from each other in more than their schema. */
  readonly own?: Partial<Pick<Kind, 'strategy' | 'columns' | 'subresources' | 'selectableFields'>>;
}

export interface Subresource {
  readonly name: string;
  readonly verbs: readonly CrudVerb[];
  /** What it speaks, when that is not the kind itself: Scale, Eviction, Binding, TokenRequest, PodExecOptions. */
  readonly speaks?: { readonly group: string; readonly version: string; readonly kind: string };
  /** Where a custom kind keeps what its Scale shows: names of fields, one inside the other. */
  readonly scale?: { readonly spec: readonly string[]; readonly status: readonly string[]; readonly selector?: readonly string[] };
}

/** Facts about the request that rules may depend on. Nothing in a row reads a clock or draws a random number. */
export interface RuleContext {
  readonly now: number;
  readonly dryRun: boolean;
  /** '' for the main resource, else `status`, `scale`, `ephemeralcontainers`, `resize`, `finalize`, … */
  readonly subresource: string;
  readonly user: string;
  /** Of the object's namespace; only where the strategy asks for them, of new objects and in subresources. */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
}

/** What create and update may touch and what must hold. Every function works on the hub version. */
export interface Strategy {
  /** Clears what clients may not set (status) and derives what they may leave out. `generation` 1 is set by the server. */
  readonly prepareForCreate?: (object: ApiObject, context: RuleContext) => void;
  /** Carries over what this verb may not touch. The server moves `generation` when `movesGeneration` says so. */
  readonly prepareForUpdate?: (object: ApiObject, old: ApiObject, context: RuleContext) => void;
  readonly validate?: (object: ApiObject, context: RuleContext) => FieldError[];
  readonly validateUpdate?: (object: ApiObject, old: ApiObject, context: RuleContext) => FieldError[];
  readonly warnings?: (object: ApiObject, old: ApiObject | undefined) => string[];
  /** What is told of an object that is refused as well. */
  readonly warningsAnyway?: (object: ApiObject) => readonly string[];
  /** Brings what was found valid into the form in which it will be read from the store, in place. */
  readonly finish?: (object: ApiObject) => void;
  /** The field that many new objects have in common, as pods of one template their `spec`. */
  readonly alike?: string;
  /** Whether a change means a new generation. Absent: the kind has no generation. */
  readonly movesGeneration?: (object: ApiObject, old: ApiObject, context?: RuleContext) => boolean;
  /** How `metadata.name` must look; default: DNS subdomain. Returns the reasons why not. */
  readonly validateName?: (name: string, prefix: boolean) => string[];
  readonly needsNamespaceLabels?: true; // Rules depend on the labels of the namespace.
  readonly createOnUpdate?: boolean; // PUT of a missing object creates it.
  /** Updates may leave out `resourceVersion`. Default true. */
  readonly unconditionalUpdate?: boolean;
  /** How long a deletion gives it, for kinds that are given time at all: pods. 0: gone at once. */
  readonly gracePeriodSeconds?: (object: ApiObject, asked: number | undefined) => number;
  /** Deleted without options, dependents are orphaned (ReplicationController) instead of collected in the background. */
  readonly orphansByDefault?: boolean;
  /** Nothing depends on it, so that it goes at once whatever is to become of dependents (Events). */
  readonly hasNoDependents?: true;
  /** Marks the object when its deletion is first asked for, in place of the usual marks: something of it must go first. */
  readonly holdDeletion?: (object: ApiObject, now: number) => void;
}

export interface Kind {
  readonly group: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Served versions, the preferred first. Exactly one is the hub. */
  readonly versions: readonly KindVersion[];
  readonly hub: string;
  /** Verbs in discovery's order. Without `get`, `list` and so on the kind is only spoken to (reviews, Binding). */
  readonly verbs: readonly CrudVerb[];
  readonly subresources: readonly Subresource[];
  readonly strategy: Strategy;
  /** Absent: name and creation time. */
  readonly columns?: readonly Column[];
  readonly rowConditions?: (object: ApiObject) => readonly RowCondition[] | undefined;
  /** Values that field selectors may ask for besides metadata.name and metadata.namespace. */
  readonly selectableFields?: Readonly<Record<string, (object: ApiObject) => string>>;
  /** Registry path without slashes at the ends; two kinds that share one are views of one store (Events). */
  readonly storagePath: string;
  /** What an object in which nothing stands says beyond what its type always has: bookmarks are such objects. */
  readonly blank?: Readonly<Record<string, unknown>>;
  /** How long an object lives when nobody deletes it: Events. */
  readonly ttlSeconds?: number;
  /** Writes may be acknowledged before they are durable: Leases and Events. */
  readonly relaxedDurability?: boolean;
  /** The CustomResourceDefinition's name where the row was compiled from one. */
  readonly custom?: string;
  /** The revision of that definition: before it nobody can have seen such an object as it is now. */
  readonly definedAt?: number;
  /** Of a custom kind: all that its definition names, served or not, with its group. */
  readonly namedVersions?: readonly string[];
  /** Of a custom kind whose versions a webhook converts: objects into another version, in their order. Throws `ApiError`. */
  readonly convert?: (objects: readonly ApiObject[], apiVersion: string) => Promise<ApiObject[]>;
  /** Of such a kind: an object as it would come back in this version if it were stored. */
  readonly throughStore?: (object: ApiObject, apiVersion: string) => Promise<ApiObject>;
  /** What discovery says can be done for now, where that is less than `verbs`. */
  readonly listedVerbs?: () => readonly string[];
  /** Brings what was stored under an earlier definition into form, in place; returns whether anything changed. */
  readonly stored?: (object: ApiObject) => boolean;
}
