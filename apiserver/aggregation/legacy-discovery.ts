/** Turns an APIResourceList into the resources of aggregated discovery. Pure. Provenance: endpoints.ConvertGroupVersionIntoToDiscovery of apiserver v0.36. */

type Json = Record<string, unknown>;

export interface DiscoveredVersion {
  readonly version: string;
  readonly resources: readonly Json[];
  readonly freshness: 'Current' | 'Stale';
}

interface Legacy {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced?: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

export function resourcesOf(list: { readonly resources?: readonly Legacy[] }): Json[] {
  const out = new Map<string, Json & { subresources?: Json[] }>();
  const all = list.resources ?? [];
  for (const one of all) {
    if (one.name.includes('/')) continue;
    out.set(one.name, {
      resource: one.name, responseKind: kindOf(one), scope: one.namespaced ? 'Namespaced' : 'Cluster', singularResource: one.singularName ?? '', verbs: one.verbs ?? [],
      ...(one.shortNames?.length && { shortNames: one.shortNames }), ...(one.categories?.length && { categories: one.categories }),
    });
  }
  for (const one of all) {
    const [parent = '', subresource] = one.name.split('/');
    if (subresource === undefined) continue;
    let main = out.get(parent);
    // A subresource whose resource is not served by itself.
    if (!main) out.set(parent, (main = { resource: parent, responseKind: { group: '', version: '', kind: '' }, scope: one.namespaced ? 'Namespaced' : 'Cluster', singularResource: '', verbs: [] }));
    (main.subresources ??= []).push({ subresource, responseKind: kindOf(one), verbs: one.verbs ?? [] });
  }
  return [...out.values()];
}

function kindOf({ group = '', version = '', kind = '' }: Legacy): Json {
  return { group, version, kind };
}
