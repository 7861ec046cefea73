/** Which resources hold objects that can be listed and deleted: the built-in ones and those that definitions add. */
import * as builtin from '../api/resources.ts';
import type { ResourceRef } from '../api/resources.ts';
import type { CustomResourceDefinition } from '../api/types/apiextensions.v1.ts';
import type { PartialObjectMetadata } from '../api/types/meta.v1.ts';
import type { Stored } from '../client/client.ts';

export type AnyRef = ResourceRef<PartialObjectMetadata>;

/** Asked and answered, never kept; or kept elsewhere under another version or name. */
const NOT_KEPT = new Set([
  'bindings', 'componentstatuses', 'selfsubjectreviews.authentication.k8s.io', 'tokenreviews.authentication.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io', 'selfsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io', 'subjectaccessreviews.authorization.k8s.io', 'events.events.k8s.io',
]);

/** One reference for each built-in resource, whatever versions it has. */
export const builtinResources: readonly AnyRef[] = [
  ...new Map(
    (Object.values(builtin) as readonly AnyRef[])
      .filter((resource) => !NOT_KEPT.has(resourceText(resource)))
      .toReversed()
      .map((resource) => [resourceText(resource), resource]),
  ).values(),
].toReversed();

/** Under which versions a built-in resource is served. */
export function builtinVersions({ group, resource }: AnyRef): string[] {
  return (Object.values(builtin) as readonly AnyRef[]).filter((other) => other.group === group && other.resource === resource).map(({ version }) => version);
}

/** `deployments.apps`, `pods` */
export function resourceText({ group, resource }: { readonly group: string; readonly resource: string }): string {
  return group ? `${resource}.${group}` : resource;
}

/** The resource that a definition adds, once it is served. */
export function customResource({ spec, status }: Stored<CustomResourceDefinition>): AnyRef | undefined {
  const established = status?.conditions?.some(({ type, status: value }) => type === 'Established' && value === 'True');
  const version = spec.versions.find(({ served, storage }) => served && storage) ?? spec.versions.find(({ served }) => served);
  if (!established || !version) return undefined;
  const { group, names, scope } = spec;
  return { group, version: version.name, resource: names.plural, kind: names.kind, namespaced: scope === 'Namespaced' };
}
