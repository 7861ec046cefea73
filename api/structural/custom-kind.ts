/** Compiles a CustomResourceDefinition into the row that built-in kinds have too. */
import { deepEqual } from '../../std/deep.ts';
import { compareVersions } from '../discovery/discovery.ts';
import type { ApiObject, Column, CrudVerb, Kind, KindVersion, Subresource } from '../kind.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../types/apiextensions.v1.ts';
import { type Describe, compileColumns } from './columns.ts';
import { customStrategy, type Timed } from './custom-strategy.ts';
import { applyDefaults } from './defaults.ts';
import { compileJsonPath, plainPath } from './json-path.ts';
import type { JsonSchema } from './json-schema.ts';
import { prune } from './prune.ts';

export interface CustomKindOptions {
  /** `storageVersionHash` of discovery, from `group/version/kind`. */
  readonly hash: (text: string) => string;
  readonly isTerminating: () => boolean;
  /** Texts of metadata's fields, for the columns that every Table has. */
  readonly describe?: Describe;
  /** Around each check of an object's rules. */
  readonly timed?: Timed;
}

const VERBS: readonly CrudVerb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const SUBRESOURCE_VERBS: readonly CrudVerb[] = ['get', 'patch', 'update'];

/** The definition's names have been accepted. Undefined: it serves nothing. */
export function compileCustomKind(definition: CustomResourceDefinition, options: CustomKindOptions): Kind | undefined {
  const { group, scope, versions, conversion } = definition.spec;
  const names = definition.status?.acceptedNames ?? definition.spec.names;
  const stored = versions.find(({ storage }) => storage);
  const served = versions.filter((version) => version.served).sort((a, b) => compareVersions(a.name, b.name));
  if (!stored || served.length === 0) return undefined;
  const namespaced = scope === 'Namespaced';
  const webhook = conversion?.strategy === 'Webhook';
  const sameSchemas = served.every(({ schema }) => deepEqual(schema, stored.schema));
  const parts = served.map((version) => partsOf(version, { group, plural: names.plural, namespaced }, options));
  const first = parts[served.indexOf(stored)] ?? (parts[0] as Parts);
  const storageVersionHash = stored.served ? options.hash(`${group}/${stored.name}/${names.kind}`) : '';
  return {
    group, kind: names.kind, listKind: names.listKind ?? `${names.kind}List`, plural: names.plural, singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [], categories: names.categories ?? [], namespaced, hub: stored.name, verbs: VERBS,
    versions: served.map((version, at): KindVersion => ({
      version: version.name, schema: { structural: schemaOf(version) as Readonly<Record<string, unknown>> }, storageVersionHash,
      defaults: (object, options) => void applyDefaults(object, schemaOf(version), options),
      ...(version.deprecated && { deprecated: { warning: version.deprecationWarning ?? deprecation(definition, names.kind, version, served) } }),
      ...(webhook ? viewed(version, { group, plural: names.plural }) : conversions(version, { sameSchemas, stored })),
      ...(parts.length > 1 && { own: parts[at] as Parts }),
    })),
    ...first,
    selectableFields: Object.assign({}, ...parts.map(({ selectableFields }) => selectableFields)) as Parts['selectableFields'],
    storagePath: `${group}/${names.plural}`,
    custom: definition.metadata.name ?? '', definedAt: Number(definition.metadata.resourceVersion ?? 0), namedVersions: versions.map(({ name }) => `${group}/${name}`),
    stored: (object) => formStored(object, `${group}/${stored.name}`, schemaOf(versions.find(({ name }) => object.apiVersion === `${group}/${name}`) ?? stored)),
  };
}

interface Parts extends Required<NonNullable<KindVersion['own']>> {
  readonly columns: readonly Column[];
}

function schemaOf({ schema }: CustomResourceDefinitionVersion): JsonSchema {
  return schema?.openAPIV3Schema ?? {};
}

function partsOf(version: CustomResourceDefinitionVersion, kind: Pick<Kind, 'group' | 'plural' | 'namespaced'>, { isTerminating, describe, timed }: CustomKindOptions): Parts {
  return {
    strategy: customStrategy({ version, ...kind, isTerminating, ...(timed && { timed }) }),
    columns: compileColumns(version.additionalPrinterColumns, describe),
    subresources: subresourcesOf(version),
    selectableFields: Object.fromEntries((version.selectableFields ?? []).map(({ jsonPath }) => [jsonPath.replace(/^\./, ''), selectable(jsonPath)])),
  };
}

function selectable(jsonPath: string): (object: ApiObject) => string {
  const path = compileJsonPath(jsonPath);
  return (object) => {
    const value = path(object)?.[0] ?? '';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
}

function subresourcesOf({ subresources }: CustomResourceDefinitionVersion): Subresource[] {
  const { status, scale } = subresources ?? {};
  return [
    ...(status ? [{ name: 'status', verbs: SUBRESOURCE_VERBS }] : []),
    ...(scale ? [{
      name: 'scale', verbs: SUBRESOURCE_VERBS, speaks: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
      scale: {
        spec: plainPath(scale.specReplicasPath), status: plainPath(scale.statusReplicasPath), ...(scale.labelSelectorPath && { selector: plainPath(scale.labelSelectorPath) }),
      },
    }] : []),
  ];
}

/** A webhook converts on the way between the store and the place of the version. */
function viewed(version: CustomResourceDefinitionVersion, { group, plural }: { readonly group: string; readonly plural: string }): Pick<KindVersion, 'place'> {
  return { place: `${group}/${plural}@${version.name}` };
}

export interface VersionForms {
  /** Prunes an object and fills in defaults as its own version has it, in place; returns whether anything changed. */
  readonly form: (object: ApiObject) => boolean;
  /** Only prunes it. */
  readonly narrow: (object: ApiObject) => void;
}

/** For what goes to a webhook, and what comes back from it. */
export function versionForms({ group, versions }: CustomResourceDefinition['spec']): VersionForms {
  const schemas = new Map(versions.map((version) => [`${group}/${version.name}`, schemaOf(version)]));
  return {
    form(object) {
      const schema = schemas.get(object.apiVersion ?? '');
      return schema !== undefined && formStored(object, object.apiVersion as string, schema);
    },
    narrow: (object) => void prune(object, schemas.get(object.apiVersion ?? '') ?? {}, true),
  };
}

/**
 * Without a webhook, versions differ in what their schemas let show. What is stored is pruned and gets its defaults as the version has it
 * in which it was stored; other versions take away what they do not have, and fill in nothing.
 */
function conversions(version: CustomResourceDefinitionVersion, { sameSchemas, stored }: { readonly sameSchemas: boolean; readonly stored: CustomResourceDefinitionVersion }): Pick<KindVersion, 'fromHub' | 'narrow'> {
  if (sameSchemas) return {};
  const schema = schemaOf(version);
  return {
    fromHub(object) {
      prune(object, schema, true);
      return object;
    },
    ...(version !== stored && { narrow: (object) => void prune(object, schemaOf(stored), true) }),
  };
}

/** What was stored under an earlier schema shows as the present one has it. */
function formStored(object: ApiObject, apiVersion: string, schema: JsonSchema): boolean {
  let changed = object.apiVersion !== apiVersion;
  object.apiVersion = apiVersion;
  changed = prune(object, schema, true) || changed;
  return applyDefaults(object, schema) || changed;
}

/** Another version is named where a better one is served: stable ones before others, newer before older. */
function deprecation({ spec: { group } }: CustomResourceDefinition, kind: string, { name }: CustomResourceDefinitionVersion, served: readonly CustomResourceDefinitionVersion[]): string {
  const better = served.find((version) => !version.deprecated && compareVersions(version.name, name) < 0);
  return `${group}/${name} ${kind} is deprecated${better ? `; use ${group}/${better.name} ${kind}` : ''}`;
}
