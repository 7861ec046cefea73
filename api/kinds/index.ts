/** The rows of all built-in kinds: the facts of discovery, and on top the rules that a kind's own file exports. */
import { kindFact, resourceFacts } from '../facts/facts.ts';
import type { ResourceFact, SubresourceFact } from '../facts/fact.ts';
import type { CrudVerb, Kind, KindVersion, Subresource } from '../kind.ts';
import type { KindRules } from './kind-rules.ts';
import { KIND_RULES } from './rules.ts';
import { withMetadataRules } from './with-metadata-rules.ts';

/** One row per kind that a server serves by default, in discovery's order. The same array on every call. */
export function builtinKinds(): readonly Kind[] {
  return (rows ??= compileKinds());
}

let rows: readonly Kind[] | undefined;

function compileKinds(): readonly Kind[] {
  const byKind = new Map<string, ResourceFact[]>();
  for (const fact of resourceFacts()) {
    const key = fact.group === '' ? fact.kind : `${fact.kind}.${fact.group}`;
    const versions = byKind.get(key);
    if (versions) versions.push(fact);
    else byKind.set(key, [fact]);
  }
  return [...byKind].map(([key, versions]) => compileKind(versions, KIND_RULES[key] ?? {}));
}

function compileKind(versions: readonly ResourceFact[], rules: KindRules): Kind {
  const fact = versions[0];
  if (!fact) throw new Error('a kind without a version');
  return {
    group: fact.group,
    kind: fact.kind,
    listKind: `${fact.kind}List`,
    plural: fact.resource,
    singular: fact.singular,
    shortNames: fact.shortNames ?? [],
    categories: fact.categories ?? [],
    namespaced: fact.namespaced,
    versions: versions.map((version) => compileVersion(version, rules)),
    hub: rules.hub ?? fact.version,
    verbs: fact.verbs as readonly CrudVerb[],
    subresources: (fact.subresources ?? []).map((subresource) => compileSubresource(subresource, fact)),
    strategy: withMetadataRules(rules, fact.namespaced),
    ...(rules.columns && { columns: rules.columns }),
    ...(rules.rowConditions && { rowConditions: rules.rowConditions }),
    ...(rules.selectableFields && { selectableFields: rules.selectableFields }),
    storagePath: rules.storagePath ?? fact.resource,
    ...(rules.blank && { blank: rules.blank }),
    ...(rules.ttlSeconds !== undefined && { ttlSeconds: rules.ttlSeconds }),
    ...(rules.relaxedDurability && { relaxedDurability: true }),
  };
}

function compileVersion(fact: ResourceFact, rules: KindRules): KindVersion {
  const type = kindFact(fact.group, fact.version, fact.kind)?.type;
  if (!type) throw new Error(`the facts table has no type for ${fact.group}/${fact.version} ${fact.kind}`);
  return {
    version: fact.version,
    schema: { type },
    ...(rules.defaults && { defaults: rules.defaults }),
    ...rules.versions?.[fact.version],
    storageVersionHash: fact.storageVersionHash ?? '',
  };
}

function compileSubresource({ name, verbs, responseKind }: SubresourceFact, owner: ResourceFact): Subresource {
  const own = !responseKind || (responseKind.kind === owner.kind && responseKind.group === owner.group && responseKind.version === owner.version);
  return { name, verbs: verbs as readonly CrudVerb[], ...(!own && { speaks: responseKind }) };
}
