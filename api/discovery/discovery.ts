/** Discovery documents, made from the rows of what is served. */
import type { Kind } from '../kind.ts';

type Json = Record<string, unknown>;

/** `/api`. */
export function apiVersions(_serverAddress: string): Json {
  return {};
}

/** `/apis`. */
export function apiGroupList(_kinds: readonly Kind[]): Json {
  return {};
}

/** `/apis/<group>`; undefined where nothing of the group is served. */
export function apiGroup(_kinds: readonly Kind[], _group: string): Json | undefined {
  return {};
}

/** `/api/v1`, `/apis/<group>/<version>`. */
export function apiResourceList(_kinds: readonly Kind[], _gv: { readonly group: string; readonly version: string }): Json | undefined {
  return {};
}

/** `/api` (`core`) and `/apis` as `APIGroupDiscoveryList` of apidiscovery.k8s.io/v2. */
export function aggregatedDiscovery(_kinds: readonly Kind[], _root: 'core' | 'groups'): Json {
  return {};
}
