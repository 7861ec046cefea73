/** Discovery of this server with that of the aggregated ones: groups by priority, versions by theirs. Pure. Provenance of the order: kube-aggregator/pkg/apis/apiregistration/v1/helper of v0.36. */
import { compareVersions } from '../../api/discovery/discovery.ts';
import type { RemoteVersion } from './remote-discovery.ts';

type Json = Record<string, unknown>;

/** Where a group of this server stands, by one of its versions. */
export type Priorities = (group: string, version: string) => readonly [group: number, version: number];

interface Version {
  readonly version: string;
  readonly priority: number;
  readonly entry: Json;
}

interface Group {
  readonly name: string;
  readonly priority: number;
  readonly versions: Version[];
  /** Position among this server's own, which are in order already. */
  readonly at: number | undefined;
}

interface Merging<T> {
  readonly local: readonly T[];
  readonly nameOf: (group: T) => string;
  readonly versionsOf: (group: T) => readonly Json[];
  readonly remotes: readonly RemoteVersion[];
  readonly entryOf: (remote: RemoteVersion) => Json;
  readonly priorities: Priorities;
}

/** `/apis` in the aggregated form. */
export function mergeAggregated(list: Json, remotes: readonly RemoteVersion[], priorities: Priorities): Json {
  const groups = merge({
    local: list['items'] as { metadata: { name: string }; versions: Json[] }[], nameOf: ({ metadata }) => metadata.name, versionsOf: ({ versions }) => versions, remotes,
    entryOf: ({ discovered }) => ({ ...discovered }), priorities,
  });
  return { ...list, items: groups.map(({ name, versions }) => ({ metadata: { name }, versions: versions.map(({ entry }) => entry) })) };
}

/** `/apis`. */
export function mergeGroups(list: Json, remotes: readonly RemoteVersion[], priorities: Priorities): Json {
  const groups = merge({
    local: list['groups'] as { name: string; versions: Json[] }[], nameOf: ({ name }) => name, versionsOf: ({ versions }) => versions, remotes,
    entryOf: ({ group, discovered: { version } }) => ({ groupVersion: `${group}/${version}`, version }), priorities,
  });
  return { ...list, groups: groups.map(({ name, versions }) => groupEntry(name, versions)) };
}

/** `/apis/GROUP`, of this server's document where there is one; undefined: nobody serves the group. */
export function mergeGroup(own: Json | undefined, group: string, remotes: readonly RemoteVersion[], priorities: Priorities): Json | undefined {
  const merged = mergeGroups({ groups: own ? [own] : [] }, remotes.filter((one) => one.group === group), priorities)['groups'] as Json[];
  return merged[0] && { kind: 'APIGroup', apiVersion: 'v1', ...merged[0] };
}

function groupEntry(name: string, versions: readonly Version[]): Json {
  const entries = versions.map(({ entry }) => entry);
  return { name, versions: entries, preferredVersion: entries[0] };
}

function merge<T>({ local, nameOf, versionsOf, remotes, entryOf, priorities }: Merging<T>): Group[] {
  const groups = new Map<string, Group>();
  local.forEach((one, at) => {
    const name = nameOf(one);
    const versions = versionsOf(one).map((entry): Version => ({ version: String(entry['version']), entry, priority: priorities(name, String(entry['version']))[1] }));
    groups.set(name, { name, versions, at, priority: Math.max(...versions.map(({ version }) => priorities(name, version)[0])) });
  });
  for (const remote of remotes) {
    const { group: name, versionPriority: priority, discovered: { version } } = remote;
    const known = groups.get(name);
    const versions = [...(known?.versions ?? []).filter((one) => one.version !== version), { version, priority, entry: entryOf(remote) }];
    versions.sort((a, b) => b.priority - a.priority || compareVersions(a.version, b.version));
    groups.set(name, { name, versions, at: known?.at, priority: Math.max(known?.priority ?? 0, remote.groupPriority) });
  }
  return [...groups.values()].sort((a, b) => b.priority - a.priority || (a.at !== undefined && b.at !== undefined ? a.at - b.at : a.name < b.name ? -1 : 1));
}
