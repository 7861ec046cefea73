/** What a kind's strategy and the server make of an object before it is stored. Provenance: apiserver/pkg/registry/rest of v0.36. */
import { emptiesOf, noteEmpties, restoreEmpties } from '../../api/codec/empties.ts';
import { normalizeOwn } from '../../api/codec/json.ts';
import type { FieldError } from '../../api/field-error.ts';
import type { ApiObject, Metadata, RuleContext } from '../../api/kind.ts';
import { namespaces } from '../../api/resources.ts';
import { timestamp } from '../../api/timestamp.ts';
import { nameSuffix, uuid } from '../../std/random.ts';
import { deepCopy } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import { invalidObject } from '../invalid.ts';
import type { Resource } from '../registry/resource.ts';
import { AlikeParts } from './alike.ts';
import { keepUnchanged } from './unchanged.ts';

export interface PrepareInput {
  readonly resource: Resource;
  readonly context: RuleContext;
  readonly warnings: string[];
}

/** Fills in what the server gives a new object, then checks it. Throws 422. */
export function prepareNew(core: Core, object: ApiObject, { resource, context, warnings }: PrepareInput): void {
  const { kind, strategy } = resource;
  const { metadata } = object;
  // Rules may want to know who the object is.
  metadata.creationTimestamp = timestamp(context.now);
  metadata.uid = uuid(core.random);
  if (metadata.generateName && !metadata.name) metadata.name = generatedName(core, metadata.generateName);
  strategy.prepareForCreate?.(object, context);
  if (strategy.movesGeneration) metadata.generation = 1;
  object.kind = kind.kind;
  object.apiVersion = resource.hubApiVersion;
  const keep = strategy.alike === undefined ? undefined : alike.share(object, strategy.alike);
  const undo = canonicalize(object, resource);
  refuseInvalid(resource, object.metadata.name ?? '', strategy.validate?.(object, context));
  if (strategy.warnings) warnings.push(...strategy.warnings(object, undefined));
  undo?.();
  strategy.finish?.(object);
  keep?.();
}

/** They hold nothing but what their texts say: all servers of a process may share them. */
const alike = new AlikeParts();

/** Carries over what an update may not touch, then checks the result. Throws 422. */
export function prepareUpdate(object: ApiObject, old: Readonly<ApiObject>, { resource, context, warnings }: PrepareInput): void {
  const { kind, strategy } = resource;
  const { metadata } = object;
  const before = old.metadata;
  // Rules may hand parts of the old object on to the new one, which is then changed further.
  const own = copyForRules(old);
  carry(metadata, before, 'generation');
  delete metadata.selfLink;
  strategy.prepareForUpdate?.(object, own, context);
  keepUnchanged(object, old, own);
  if (strategy.movesGeneration?.(object, own, context)) metadata.generation = (before.generation ?? 0) + 1;
  metadata.uid ??= before.uid ?? '';
  if (metadata.uid === '' && before.uid) metadata.uid = before.uid;
  carry(metadata, before, 'creationTimestamp');
  if (before.deletionTimestamp !== undefined) metadata.deletionTimestamp = before.deletionTimestamp;
  if (before.deletionGracePeriodSeconds !== undefined && metadata.deletionGracePeriodSeconds === undefined) {
    metadata.deletionGracePeriodSeconds = before.deletionGracePeriodSeconds;
  }
  object.kind = kind.kind;
  object.apiVersion = resource.hubApiVersion;
  const undo = canonicalize(object, resource);
  const errors = strategy.validateUpdate?.(object, own, context);
  if (strategy.warningsAnyway) warnings.push(...strategy.warningsAnyway(object));
  refuseInvalid(resource, object.metadata.name ?? '', errors);
  // Writers of a part of an object are not warned of the rest.
  const whole = context.subresource === '' || context.subresource === 'scale' || resource.kind.custom !== undefined;
  if (strategy.warnings && whole) warnings.push(...strategy.warnings(object, own));
  undo?.();
  strategy.finish?.(object);
}

/** Who owns what concerns no rule; it is as much as the rest of most objects. */
function copyForRules(object: Readonly<ApiObject>): ApiObject {
  const { managedFields, ...metadata } = object.metadata;
  const own = deepCopy({ ...object, metadata }) as ApiObject;
  if (managedFields) own.metadata.managedFields = managedFields;
  return own;
}

/**
 * Brings an object that rules have changed into the form in which it is stored and shown: what the type always has is there.
 * Empty lists and maps that the client sent are there as well, for the rules that follow, until the result is called.
 */
function canonicalize(object: ApiObject, { hubSchema }: Resource): (() => void) | undefined {
  if (!hubSchema || !('type' in hubSchema)) return undefined;
  const { object: whole, empties } = normalizeOwn(hubSchema, object);
  if (whole !== object) {
    for (const key of Object.keys(object)) if (!(key in whole)) delete object[key];
    Object.assign(object, whole);
  }
  if (!empties) return undefined;
  const own = whole === object ? undefined : emptiesOf(whole);
  if (own) noteEmpties(object, own);
  return restoreEmpties(object);
}

export function refuseInvalid(resource: Resource, name: string, errors: readonly FieldError[] | undefined): void {
  if (errors && errors.length > 0) throw invalidObject(resource.hubGroup, resource.kind.kind, name, errors);
}

/** What a strategy wants to know of the object's namespace. */
export function namespaceFacts({ reader }: Pick<Core, 'reader'>, { strategy }: Resource, namespace: string): Pick<RuleContext, 'namespaceLabels'> {
  return strategy.needsNamespaceLabels ? { namespaceLabels: reader.get(namespaces, '', namespace)?.metadata.labels ?? {} } : {};
}

const NAME_LIMIT = 63;
const SUFFIX_LENGTH = 5;

export function generatedName(core: Pick<Core, 'random'>, prefix: string): string {
  return prefix.slice(0, NAME_LIMIT - SUFFIX_LENGTH) + nameSuffix(core.random, SUFFIX_LENGTH);
}

function carry(metadata: Metadata, before: Metadata, field: 'generation' | 'creationTimestamp'): void {
  if (before[field] === undefined) delete metadata[field];
  else Object.assign(metadata, { [field]: before[field] });
}
