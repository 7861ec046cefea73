/** Discovery documents, made from the rows of what is served. */
import { groupFacts } from '../facts/facts.ts';
import type { Kind, KindVersion, Subresource } from '../kind.ts';

type Json = Record<string, unknown>;

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** `/api`. Of the server's address, `host:port`. */
export function apiVersions(serverAddress: string): Json {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
}

/** `/apis`. */
export function apiGroupList(kinds: readonly Kind[]): Json {
  const groups = groupsOf(kinds).filter(({ group }) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupEntry) };
}

/** `/apis/<group>`; undefined where nothing of the group is served. */
export function apiGroup(kinds: readonly Kind[], group: string): Json | undefined {
  const found = group === '' ? undefined : groupsOf(kinds).find((one) => one.group === group);
  return found && { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(found) };
}

/** `/api/v1`, `/apis/<group>/<version>`; undefined where nothing of the version is served. */
export function apiResourceList(kinds: readonly Kind[], { group, version }: GroupVersion): Json | undefined {
  const rows = rowsOf(kinds, { group, version });
  if (rows.length === 0) return undefined;
  // The core group's document has no apiVersion upstream.
  const head = group === '' ? { kind: 'APIResourceList' } : { kind: 'APIResourceList', apiVersion: 'v1' };
  return { ...head, groupVersion: join({ group, version }), resources: rows.flatMap((row) => resourceEntries(row, { group, version })) };
}

/** `/api` (`core`) and `/apis` (`groups`) as `APIGroupDiscoveryList` of apidiscovery.k8s.io/v2. */
export function aggregatedDiscovery(kinds: readonly Kind[], root: 'core' | 'groups'): Json {
  const groups = groupsOf(kinds).filter(({ group }) => (group === '') === (root === 'core'));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versions.map((version) => ({
        version,
        resources: rowsOf(kinds, { group, version }).map((row) => discoveryEntry(row, { group, version })),
        freshness: 'Current',
      })),
    })),
  };
}

interface Group {
  readonly group: string;
  /** The preferred first. */
  readonly versions: readonly string[];
}

/** Built-in groups in upstream's order, then the others by name. */
export function groupsOf(kinds: readonly Kind[]): Group[] {
  const versions = new Map<string, Set<string>>();
  for (const kind of kinds) {
    let set = versions.get(kind.group);
    if (!set) versions.set(kind.group, (set = new Set()));
    for (const { version } of kind.versions) set.add(version);
  }
  const known = groupFacts().filter(({ group }) => versions.has(group));
  const ordered = known.map(({ group, versions: order }): Group => {
    const served = versions.get(group) ?? new Set();
    return { group, versions: [...order.filter((version) => served.has(version)), ...[...served].filter((version) => !order.includes(version))] };
  });
  const named = new Set(known.map(({ group }) => group));
  const others = [...versions].filter(([group]) => !named.has(group)).sort(([a], [b]) => (a < b ? -1 : 1));
  return [...ordered, ...others.map(([group, set]): Group => ({ group, versions: [...set].sort(compareVersions) }))];
}

/** Stable before beta before alpha, newer before older, then other names by the alphabet. */
export function compareVersions(a: string, b: string): number {
  const left = VERSION.exec(a);
  const right = VERSION.exec(b);
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0;
  return rank(right[2]) - rank(left[2]) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0);
}

const VERSION = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;

function rank(stage: string | undefined): number {
  return stage === undefined ? 2 : stage === 'beta' ? 1 : 0;
}

interface Row {
  readonly kind: Kind;
  readonly version: KindVersion;
}

function rowsOf(kinds: readonly Kind[], gv: GroupVersion): Row[] {
  const rows: Row[] = [];
  for (const kind of kinds) {
    if (kind.group !== gv.group) continue;
    const version = kind.versions.find((one) => one.version === gv.version);
    if (version) rows.push({ kind, version });
  }
  return rows.sort((a, b) => (a.kind.plural < b.kind.plural ? -1 : 1));
}

function join({ group, version }: GroupVersion): string {
  return group === '' ? version : `${group}/${version}`;
}

function groupEntry({ group, versions }: Group): Json {
  const entries = versions.map((version) => ({ groupVersion: join({ group, version }), version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

function resourceEntries({ kind, version }: Row, gv: GroupVersion): Json[] {
  const { plural, namespaced } = kind;
  const main = {
    name: plural, singularName: kind.singular, namespaced, kind: kind.kind, verbs: kind.listedVerbs?.() ?? kind.verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(version.storageVersionHash && { storageVersionHash: version.storageVersionHash }),
  };
  const subresources = subresourcesOf(kind, version).map(({ name, verbs, speaks }) => ({
    name: `${plural}/${name}`, singularName: '', namespaced,
    ...(speaks && !same(speaks, gv) && { group: speaks.group, version: speaks.version }),
    kind: speaks?.kind ?? kind.kind, verbs,
  }));
  return [main, ...subresources];
}

function discoveryEntry({ kind, version }: Row, gv: GroupVersion): Json {
  // Built-in resources name a group and version only where it is another; custom ones always do.
  const own = kind.custom === undefined ? { group: '', version: '' } : gv;
  const subresources = subresourcesOf(kind, version).map(({ name, verbs, speaks }) => ({
    subresource: name,
    responseKind: speaks && !same(speaks, gv) ? { group: speaks.group, version: speaks.version, kind: speaks.kind } : { ...own, kind: speaks?.kind ?? kind.kind },
    verbs,
  }));
  return {
    resource: kind.plural, responseKind: { ...own, kind: kind.kind }, scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular, verbs: kind.listedVerbs?.() ?? kind.verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(subresources.length > 0 && { subresources }),
  };
}

/** Those of custom kinds come as they are. */
function subresourcesOf(kind: Kind, version: KindVersion): readonly Subresource[] {
  const all = version.own?.subresources ?? kind.subresources;
  return kind.custom === undefined ? sorted(all) : all;
}

function sorted(subresources: readonly Subresource[]): Subresource[] {
  return [...subresources].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function same(a: GroupVersion, b: GroupVersion): boolean {
  return a.group === b.group && a.version === b.version;
}
