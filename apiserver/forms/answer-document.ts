/** An answer as one value, in the form that was asked for: what YAML, protobuf, Table and in-process callers get. */
import type { ApiObject } from '../../api/kind.ts';
import { ApiError } from '../../api/status.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { DocumentAnswer, ListAnswer, ObjectAnswer, Query } from '../exchange.ts';
import type { Accepted } from '../request/negotiate.ts';
import type { Resource } from '../registry/resource.ts';
import { partialMetadata, partialMetadataList } from './partial.ts';
import { includeOption, table } from './table.ts';

export interface FormContext {
  readonly accepted: Pick<Accepted, 'as' | 'asVersion'>;
  readonly query: Query;
  readonly now: number;
  /** Items of built-in lists go without kind and apiVersion, as in JSON. */
  readonly bareItems?: boolean;
}

export function answerDocument(answer: ObjectAnswer | ListAnswer | DocumentAnswer, context: FormContext): object {
  if (answer.type === 'document') return documentForm(answer.object, context);
  if (answer.type === 'object') return objectDocument(answer.object.object, answer.resource, context);
  return listDocument(answer, context);
}

/** Objects that are stored nowhere have metadata as well. A Status stays one, whatever was asked for. */
function documentForm(object: object, { accepted: { as, asVersion } }: FormContext): object {
  const { kind, apiVersion, items } = object as { readonly kind?: string; readonly apiVersion?: string; readonly items?: readonly ApiObject[] };
  if (as === undefined || as === 'Table' || kind === undefined || kind === 'Status') return object;
  const group = apiVersion?.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const { metadata } = object as ApiObject;
  if (items) {
    if (as === 'PartialObjectMetadata') throw notThatForm(as, goType(group, kind));
    return partialMetadataList(items, metadata, asVersion);
  }
  if (as === 'PartialObjectMetadataList') throw notThatForm(as, goType(group, kind));
  return partialMetadata({ metadata: metadata ?? {} }, asVersion);
}

/** Told when all is done, as upstream's: what was asked to be written has been. */
function notThatForm(as: 'PartialObjectMetadata' | 'PartialObjectMetadataList', type: string): ApiError {
  const what = as === 'PartialObjectMetadata' ? 'a list' : 'not a list';
  return new ApiError({ code: 406, reason: 'NotAcceptable', message: `you requested ${as}, but the requested object is ${what} (${type})` });
}

/** As upstream's messages name its types. */
function goType(group: string, kind: string): string {
  const first = group === '' || group === 'events.k8s.io' ? 'core' : group.split('.', 1)[0];
  return `*${first}.${kind}`;
}

export function objectDocument(object: DeepReadonly<ApiObject>, resource: Resource, { accepted, query, now }: FormContext): object {
  const { as, asVersion } = accepted;
  if (as === 'Table') {
    const { resourceVersion } = object.metadata;
    return tableOf([object], { ...(resourceVersion !== undefined && { resourceVersion }) }, resource, { accepted, query, now }, true);
  }
  if (as === 'PartialObjectMetadataList') {
    if (resource.kind.custom !== undefined) throw new ApiError({ code: 500, message: 'content is not a list' });
    throw notThatForm(as, goType(resource.kind.group, resource.kind.kind));
  }
  if (as !== undefined) return partialMetadata(object, asVersion);
  return resource.isHub ? object : resource.fromHub(object);
}

/** One event's object; a Table has its columns in the first one only. */
export function eventDocument(object: DeepReadonly<ApiObject>, resource: Resource, context: FormContext, first: boolean): object {
  if (context.accepted.as !== 'Table') return objectDocument(object, resource, context);
  const { resourceVersion } = object.metadata;
  return tableOf([object], { ...(resourceVersion !== undefined && { resourceVersion }) }, resource, context, first);
}

function tableOf(objects: readonly DeepReadonly<ApiObject>[], metadata: object, resource: Resource, { accepted, query, now }: FormContext, columns: boolean): object {
  const ordered = ROW_ORDER[resource.plural] ? [...objects].sort(ROW_ORDER[resource.plural]) : objects;
  const show = (object: DeepReadonly<ApiObject>): object => (resource.isHub ? object : resource.fromHub(object));
  return table(ordered, metadata, { kind: resource, version: accepted.asVersion, include: includeOption(query.get('includeObject')), now, columns, show });
}

type Compare = (a: DeepReadonly<ApiObject>, b: DeepReadonly<ApiObject>) => number;

/** Rows that come in another order than that of names. */
const ROW_ORDER: Readonly<Record<string, Compare>> = {
  flowschemas: (a, b) => precedence(a) - precedence(b),
};

function precedence(object: DeepReadonly<ApiObject>): number {
  return (object['spec'] as { readonly matchingPrecedence?: number } | undefined)?.matchingPrecedence ?? 0;
}

export function listMetadata({ revision, continueToken, remaining }: Pick<ListAnswer, 'revision' | 'continueToken' | 'remaining'>): Record<string, unknown> {
  return {
    resourceVersion: String(revision),
    ...(continueToken !== undefined && { continue: continueToken }),
    ...(remaining !== undefined && { remainingItemCount: remaining }),
  };
}

function listDocument(answer: ListAnswer, context: FormContext): object {
  const { resource, items } = answer;
  const metadata = listMetadata(answer);
  const { as, asVersion } = context.accepted;
  if (as === 'Table') return tableOf(items.map(({ object }) => object), metadata, resource, context, true);
  if (as === 'PartialObjectMetadata') throw notThatForm(as, resource.kind.custom === undefined ? goType(resource.kind.group, resource.kind.listKind) : '*unstructured.UnstructuredList');
  if (as !== undefined) return partialMetadataList(items.map(({ object }) => object), metadata, asVersion);
  const shown = items.map(({ object }) => (resource.isHub ? (object) : resource.fromHub(object)));
  if (context.bareItems && !resource.kind.custom) {
    const bare = shown.map(({ kind: _k, apiVersion: _v, ...item }) => item);
    return { kind: resource.kind.listKind, apiVersion: resource.apiVersion, metadata, items: bare };
  }
  return { kind: resource.kind.listKind, apiVersion: resource.apiVersion, metadata: customMetadata(resource, metadata), items: shown };
}

/** Lists of custom resources always say where they continue. */
export function customMetadata({ kind }: Resource, metadata: Record<string, unknown>): Record<string, unknown> {
  return kind.custom ? { continue: '', ...metadata } : metadata;
}
