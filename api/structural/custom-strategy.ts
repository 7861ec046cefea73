/** What writes of a custom resource may touch and what must hold. Provenance: apiextensions-apiserver pkg/registry/customresource of v0.36. */
import { deepCopy, deepEqual } from '../../std/deep.ts';
import { invalid, Path, type FieldError } from '../field-error.ts';
import type { ApiObject, Strategy } from '../kind.ts';
import { qualifiedName } from '../kinds/shared/formats.ts';
import { validateMetadata, validateMetadataUpdate } from '../kinds/shared/object-meta.ts';
import { withMetadataRules } from '../kinds/with-metadata-rules.ts';
import { forbidden } from '../status.ts';
import type { CustomResourceDefinitionVersion } from '../types/apiextensions.v1.ts';
import { applyDefaults } from './defaults.ts';
import { validateEmbedded } from './embedded.ts';
import { propertyOf, type JsonSchema } from './json-schema.ts';
import { validateListTypes } from './list-types.ts';
import { checkRules, hasRules, OBJECT_BUDGET } from './rule-check.ts';
import { validateScaleSpec, validateScaleStatus } from './scale-rules.ts';
import { compileValidator } from './validate.ts';

/** Runs it, and may look at how long that took. */
export type Timed = <T>(run: () => T) => T;

export interface CustomStrategyOptions {
  readonly group: string;
  readonly plural: string;
  readonly version: CustomResourceDefinitionVersion;
  readonly namespaced: boolean;
  /** The definition is going: nothing new is made. */
  readonly isTerminating: () => boolean;
  /** Around each check of an object's rules. */
  readonly timed?: Timed;
}

export function customStrategy({ version, group, plural, namespaced, isTerminating, timed = (run) => run() }: CustomStrategyOptions): Strategy {
  const schema: JsonSchema = version.schema?.openAPIV3Schema ?? {};
  const { status, scale } = version.subresources ?? {};
  const hasStatus = status !== undefined;
  const check = compileValidator(schema);
  const checkStatus = compileValidator(propertyOf(schema, 'status') ?? {});
  const ratchetLists = (object: ApiObject, old: ApiObject): FieldError[] => {
    const errors = validateListTypes(object, schema);
    return errors.length > 0 && validateListTypes(old, schema).length === 0 ? errors : [];
  };
  /** What rules say of what was wrong before already. */
  const tolerated = new WeakMap<ApiObject, readonly string[]>();
  const withRules = (errors: FieldError[], object: ApiObject, old?: ApiObject): FieldError[] => {
    if (!hasRules(schema)) return errors;
    if (errors.some(({ type }) => BLOCKING.has(type))) return [...errors, UNCHECKED];
    const found = timed(() => checkRules({ schema, value: object, ...(old && { old }), ratchets: old !== undefined, isResource: true, path: Path.of(), budget: { left: OBJECT_BUDGET } }));
    tolerated.set(object, found.warnings);
    return [...errors, ...found.errors];
  };
  const strategy: Strategy = {
    unconditionalUpdate: false,
    prepareForCreate(object) {
      if (isTerminating()) throw forbidden({ group, resource: plural, name: object.metadata.name ?? '' }, TERMINATING);
      if (!hasStatus) return;
      delete object['status'];
      // A null that may not be is dropped where a body is read, and refused in what is applied.
      applyDefaults(object, schema, { keepNulls: true });
    },
    prepareForUpdate(object, old, { subresource }) {
      if (subresource === 'status') keepAllButStatus(object, old);
      else if (hasStatus) carry(object, old, 'status');
    },
    movesGeneration: (object, old, context) => context?.subresource !== 'status' && !sameContent(object, old),
    validate: (object) => withRules([
      ...validateMetadata(object.metadata, { namespaced }), ...check(object, ''), ...validateScaleSpec(object, scale), ...validateScaleStatus(object, scale), ...validateEmbedded(object, schema), ...validateListTypes(object, schema),
    ], object),
    validateUpdate(object, old, { subresource }) {
      const moved = validateMetadataUpdate(object.metadata, old.metadata);
      if (subresource === 'status') {
        const errors = Object.hasOwn(object, 'status') ? checkStatus(object['status'], 'status', old['status']) : [];
        return withRules([...moved, ...errors, ...validateScaleStatus(object, scale), ...ratchetLists(object, old)], object, old);
      }
      const lists = ratchetLists(object, old);
      return withRules([...moved, ...check(object, '', old), ...validateScaleSpec(object, scale), ...validateScaleStatus(object, scale), ...validateEmbedded(object, schema), ...lists], object, old);
    },
    warnings: (object, old) => finalizerWarnings(object.metadata.finalizers ?? [], old?.metadata.finalizers ?? []),
    warningsAnyway: (object) => tolerated.get(object) ?? [],
    // A null that no rule minds, as it has no type, is not there when it is read again.
    finish: (object) => void applyDefaults(object, schema),
  };
  // Rules in CEL are not asked where the metadata is wrong already.
  return withMetadataRules({ strategy, bareFinalizers: true, ownMetadataRules: true }, namespaced);
}

/** After these, rules might stumble over what is wrong already. */
const BLOCKING: ReadonlySet<FieldError['type']> = new Set(['FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid']);
const UNCHECKED = invalid(Path.of('<nil>'), null, 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation');

const TERMINATING = 'create not allowed while custom resource definition is terminating';

/** Of the metadata, only who owns what may have moved. */
function keepAllButStatus(object: ApiObject, old: ApiObject): void {
  const { metadata } = object;
  const own = ['managedFields', 'resourceVersion'];
  for (const field of Object.keys(metadata)) if (!own.includes(field)) delete metadata[field as keyof typeof metadata];
  for (const [field, value] of Object.entries(deepCopy(old.metadata))) if (!own.includes(field)) Object.assign(metadata, { [field]: value });
  for (const field of new Set([...Object.keys(object), ...Object.keys(old)])) if (field !== 'status' && field !== 'metadata') carry(object, old, field);
}

function carry(object: ApiObject, old: ApiObject, field: string): void {
  if (Object.hasOwn(old, field)) object[field] = old[field];
  else delete object[field];
}

function sameContent(object: ApiObject, old: ApiObject): boolean {
  return deepEqual({ ...object, metadata: undefined }, { ...old, metadata: undefined });
}

const STANDARD_FINALIZERS = ['orphan', 'foregroundDeletion', 'kubernetes'];

function finalizerWarnings(names: readonly string[], before: readonly string[]): string[] {
  const added = [...new Set(names)].filter((name) => !before.includes(name)).sort();
  return added.flatMap((name) => {
    const start = `metadata.finalizers: ${JSON.stringify(name)}: `;
    const wrong = qualifiedName(name).map((why) => start + why);
    if (name.includes('/') || STANDARD_FINALIZERS.includes(name)) return wrong;
    const path = name.includes('.') ? ' including a path (/)' : '';
    return [...wrong, `${start}prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`];
  });
}
