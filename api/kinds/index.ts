/** The rows of all built-in kinds: the facts of discovery, and on top the rules that a kind's own file exports. */
import type { CrudVerb, Kind, KindVersion, Subresource } from '../kind.ts';
import type { KindRules } from './kind-rules.ts';
import { ALL_VERBS, RESOURCE_ROWS, type ResourceRow, type SubresourceRow } from './rows.ts';
import { KIND_RULES } from './rules.ts';

/** One row per kind that a server serves by default, in discovery's order. The same array on every call. */
export function builtinKinds(): readonly Kind[] {
  return (rows ??= compileKinds());
}

let rows: readonly Kind[] | undefined;

function compileKinds(): readonly Kind[] {
  const byKind = new Map<string, ResourceRow[]>();
  for (const row of RESOURCE_ROWS) {
    const key = row.group === '' ? row.kind : `${row.kind}.${row.group}`;
    const versions = byKind.get(key);
    if (versions) versions.push(row);
    else byKind.set(key, [row]);
  }
  return [...byKind].map(([key, versions]) => compileKind(versions, KIND_RULES[key] ?? {}));
}

function compileKind(versions: readonly ResourceRow[], rules: KindRules): Kind {
  const row = versions[0];
  if (!row) throw new Error('a kind without a version');
  return {
    group: row.group,
    kind: row.kind,
    listKind: `${row.kind}List`,
    plural: row.plural,
    singular: row.singular ?? row.kind.toLowerCase(),
    shortNames: words(row.short),
    categories: words(row.categories),
    namespaced: row.namespaced,
    versions: versions.map((version) => compileVersion(version, rules)),
    hub: rules.hub ?? row.version,
    verbs: words(row.verbs ?? ALL_VERBS) as CrudVerb[],
    subresources: (row.sub ?? []).map(compileSubresource),
    strategy: rules.strategy ?? {},
    ...(rules.columns && { columns: rules.columns }),
    ...(rules.selectableFields && { selectableFields: rules.selectableFields }),
    storagePath: rules.storagePath ?? row.plural,
    ...(rules.ttlSeconds !== undefined && { ttlSeconds: rules.ttlSeconds }),
    ...(rules.relaxedDurability && { relaxedDurability: true }),
  };
}

function compileVersion(row: ResourceRow, rules: KindRules): KindVersion {
  return {
    version: row.version,
    schema: { type: row.type },
    ...(rules.defaults && { defaults: rules.defaults }),
    ...rules.versions?.[row.version],
    storageVersionHash: row.hash ?? '',
  };
}

function compileSubresource([name, verbs, speaks]: SubresourceRow): Subresource {
  const [group = '', version = '', kind = ''] = speaks?.split('/') ?? [];
  return { name, verbs: words(verbs) as CrudVerb[], ...(speaks && { speaks: { group, version, kind } }) };
}

function words(text: string | undefined): string[] {
  return text ? text.split(' ') : [];
}
