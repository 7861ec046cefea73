/** The parameters of list, watch and deletecollection: parsed, checked against each other, compiled into a filter. */
import { goQuote } from '../../api/go-quote.ts';
import { forbiddenField, notSupported, Path, type FieldError } from '../../api/field-error.ts';
import { exactField, formatSelector, matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector, type FieldSelector, type Selector } from '../../api/selectors.ts';
import { int64Problem } from '../../api/go-number.ts';
import { badRequest } from '../../api/status.ts';
import type { CachedObject, Filter, FieldHint } from '../cache/cache.ts';
import type { ApiObject } from '../../api/kind.ts';
import type { Query } from '../exchange.ts';
import { invalidObject } from '../invalid.ts';
import type { Resource } from '../registry/resource.ts';

export interface ListOptions {
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly limit: number;
  readonly continueToken: string;
  readonly timeoutSeconds: number | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly selection: Selection;
}

export interface Selection {
  /** Undefined: everything. */
  readonly filter: Filter | undefined;
  readonly labels: Selector | undefined;
  readonly hint: FieldHint | undefined;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
}

export function parseListOptions(query: Query, resource: Resource, name?: string): ListOptions {
  return {
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    limit: Math.max(0, integer(query, 'limit') ?? 0),
    continueToken: query.get('continue') ?? '',
    timeoutSeconds: integer(query, 'timeoutSeconds'),
    allowWatchBookmarks: flag(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: flag(query, 'sendInitialEvents'),
    selection: parseSelection(query, resource, name),
  };
}

/** Which combinations are allowed. Provenance: apimachinery/pkg/apis/meta/internalversion/validation of v0.36. */
export function checkListOptions(options: ListOptions, watch: boolean): void {
  const errors = watch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalidObject('meta.k8s.io', 'ListOptions', '', errors);
}

const MATCH = Path.of('resourceVersionMatch');
const INITIAL = Path.of('sendInitialEvents');

function listErrors({ resourceVersion, resourceVersionMatch: match, continueToken, sendInitialEvents }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (match) {
    if (resourceVersion === '') errors.push(forbiddenField(MATCH, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    if (continueToken) errors.push(forbiddenField(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
    if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(notSupported(MATCH, match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && resourceVersion === '0') errors.push(forbiddenField(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (sendInitialEvents !== undefined) errors.push(forbiddenField(INITIAL, 'sendInitialEvents is forbidden for list'));
  return errors;
}

function watchErrors({ resourceVersion, resourceVersionMatch: match, continueToken, sendInitialEvents }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') errors.push(forbiddenField(MATCH, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  if (match) {
    if (sendInitialEvents === undefined) errors.push(forbiddenField(MATCH, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
    if (match !== 'NotOlderThan') errors.push(notSupported(MATCH, match, ['NotOlderThan']));
  }
  // Who names neither and starts without a version gets both by default, and with them their rules.
  const isLegacy = !match && sendInitialEvents === undefined && (resourceVersion === '' || resourceVersion === '0');
  if (continueToken && (match || isLegacy)) errors.push(forbiddenField(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
  return errors;
}

/** `name`: of an object whose own URL is watched by the old path. */
export function parseSelection(query: Query, resource: Resource, name?: string): Selection {
  const labelText = query.get('labelSelector') ?? '';
  const fieldText = query.get('fieldSelector') ?? '';
  const labels = labelText === '' ? undefined : parse(() => parseLabelSelector(labelText));
  let fields = fieldText === '' ? undefined : parse(() => parseFieldSelector(fieldText));
  if (name) fields = { requirements: [...(fields?.requirements ?? []), { field: 'metadata.name', operator: '=', value: name }] } as FieldSelector;
  if (fields) checkFields(fields, resource);
  const exactName = fields && exactField(fields, 'metadata.name');
  const filters: Filter[] = [];
  if (labels && formatSelector(labels) !== '') filters.push((object) => matchesLabels(labels, object.labels));
  if (fields && fields.requirements.length > 0) filters.push(fieldFilter(fields, resource));
  return {
    labels,
    name: exactName || undefined,
    namespace: (fields && exactField(fields, 'metadata.namespace')) || undefined,
    hint: fields && hintOf(fields),
    filter: filters.length === 0 ? undefined : filters.length === 1 ? filters[0] : (object) => filters.every((accept) => accept(object)),
  };
}

/** Those who ask by such a field are many, each for few objects. */
const HINTED = ['metadata.name', 'spec.nodeName'];

function hintOf(fields: FieldSelector): FieldHint | undefined {
  for (const field of HINTED) {
    const value = exactField(fields, field);
    if (value !== undefined && value !== '') return { field, value };
  }
  return undefined;
}

function fieldFilter(fields: FieldSelector, resource: Resource): Filter {
  const own = resource.selectableFields;
  // A kind that shares its storage with another: the cache has the other's fields beside the bytes.
  const valueOf = (object: CachedObject, field: string): string => object.fields[field] ?? own?.[field]?.(object.object as ApiObject) ?? '';
  return (object) => matchesFields(fields, (field) => valueOf(object, field));
}

function checkFields(fields: FieldSelector, resource: Resource): void {
  const known = resource.selectableFields;
  for (const { field } of fields.requirements) {
    const hasOwn = known !== undefined || resource.kind.custom !== undefined;
    if (field === 'metadata.name' || (known && Object.hasOwn(known, field))) continue;
    if (field === 'metadata.namespace' && (resource.kind.namespaced || !hasOwn)) continue;
    if (hasOwn) throw badRequest((UNKNOWN_FIELD[`${resource.plural}.${resource.kind.group}`] ?? unknownField)(field));
    throw badRequest(`${goQuote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`);
  }
}

function unknownField(field: string): string {
  return `field label not supported: ${field}`;
}

/** Kinds that upstream gave words of their own. */
const UNKNOWN_FIELD: Readonly<Record<string, typeof unknownField>> = {
  'jobs.batch': (field) => `field label ${goQuote(field)} not supported for Job`,
  'resourceslices.resource.k8s.io': (field) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${field}`,
};

function parse<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

function integer(query: Query, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const problem = int64Problem(text);
  if (problem !== undefined) throw badRequest(problem);
  return Number(text);
}

/** Present without a value, or with an unknown one, is yes: only `false` and `0` are no. */
function flag(query: Query, name: string): boolean | undefined {
  const text = query.get(name);
  return text === null ? undefined : text !== 'false' && text !== '0';
}
