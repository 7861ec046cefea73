/** For the tests of kinds: objects as the server would treat them, from what a client sent to what it is told. */
import type { FieldError } from '../field-error.ts';
import type { ApiObject, Kind, RuleContext } from '../kind.ts';
import { builtinKinds } from './index.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

export function kindOf(name: string, group = ''): Kind {
  const found = builtinKinds().find((kind) => kind.kind === name && kind.group === group);
  if (!found) throw new Error(`no kind ${name} in ${group}`);
  return found;
}

export function contextOf(subresource = ''): RuleContext {
  return { now: NOW, dryRun: false, subresource, user: 'alice' };
}

export function objectOf(parts: object): ApiObject {
  const { metadata, ...rest } = structuredClone(parts) as { metadata?: object };
  return { apiVersion: 'v1', kind: '', metadata: { name: 'a', namespace: 'ns', ...metadata }, ...rest } as unknown as ApiObject;
}

export function defaulted(kind: Kind, parts: object, version?: string): ApiObject {
  const object = objectOf(parts);
  kind.versions.find((served) => served.version === (version ?? kind.hub))?.defaults?.(object);
  return object;
}

export function created(kind: Kind, parts: object): ApiObject {
  const object = defaulted(kind, parts);
  if (!kind.namespaced) delete object.metadata.namespace;
  object.metadata.uid = 'uid-1';
  kind.strategy.prepareForCreate?.(object, contextOf());
  return object;
}

export function createErrors(kind: Kind, parts: object): string[] {
  return told(kind.strategy.validate?.(created(kind, parts), contextOf()));
}

export function updateErrors(kind: Kind, before: object, after: object, subresource = ''): string[] {
  const old = created(kind, before);
  const object = created(kind, after);
  for (const one of [old, object]) one.metadata.resourceVersion = '1';
  kind.strategy.prepareForUpdate?.(object, old, contextOf(subresource));
  return told(kind.strategy.validateUpdate?.(object, old, contextOf(subresource)));
}

export function cells(kind: Kind, object: object): Record<string, unknown> {
  return Object.fromEntries((kind.columns ?? []).map((column) => [column.name, column.cell(objectOf(object), NOW)]));
}

function told(errors: FieldError[] | undefined): string[] {
  return (errors ?? []).map(({ field, message }) => `${field}: ${message}`);
}
