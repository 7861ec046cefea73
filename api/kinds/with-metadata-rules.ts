/** Puts the rules that all metadata follows around those of a kind, in the order in which upstream runs them. */
import type { FieldError } from '../field-error.ts';
import type { ApiObject, Metadata, RuleContext, Strategy } from '../kind.ts';
import type { KindRules } from './kind-rules.ts';
import { nameIsPathSegment } from './shared/names.ts';
import { checkNames, checkQualifiedFinalizers, validateMetadata, validateMetadataUpdate } from './shared/object-meta.ts';

/** The result's `validate` and `validateUpdate` are complete: nothing else is to be checked of an object. */
export function withMetadataRules(rules: KindRules, namespaced: boolean): Strategy {
  const strategy = rules.strategy ?? {};
  const own = rules.ownMetadataRules ?? false;
  const { validateName } = strategy;
  const finalizers = (metadata: Metadata): FieldError[] => (rules.bareFinalizers ? [] : checkQualifiedFinalizers(metadata.finalizers));
  const asNew = { namespaced, validateName };
  const validate: NonNullable<Strategy['validate']> = (object, context) => {
    const errors = own ? [] : validateMetadata(object.metadata, asNew);
    if (!own && object.metadata.finalizers) errors.push(...finalizers(object.metadata));
    errors.push(...(strategy.validate?.(object, context) ?? []));
    return errors;
  };
  const checkAgain = ({ metadata }: ApiObject, changed: readonly FieldError[], times: 0 | 1 | 2 | 'as new'): FieldError[] => [
    ...(times === 2 || times === 'as new' ? [...validateMetadata(metadata, asNew), ...finalizers(metadata)] : []),
    ...(times === 1 || times === 2 ? [...changed, ...finalizers(metadata)] : []),
  ];
  /** `changed` is what the rules for changes of metadata say. */
  const changes = (object: ApiObject, old: ApiObject, context: RuleContext, changed: readonly FieldError[]): FieldError[] => [
    ...(own ? [] : checkAgain(object, changed, rules.metadataChecks?.[context.subresource] ?? 1)),
    ...(strategy.validateUpdate?.(object, old, context) ?? []),
  ];
  return {
    ...strategy,
    validate(object, context) {
      const errors = validate(object, context);
      if (errors.length > 0) return errors;
      // Whose metadata was found to be right can have nothing but another wrong name.
      return own ? validateMetadata(object.metadata, { namespaced, validateName: nameIsPathSegment }) : checkNames(object.metadata, nameIsPathSegment);
    },
    validateUpdate(object, old, context) {
      const changed = validateMetadataUpdate(object.metadata, old.metadata);
      const common = [...validateMetadata(object.metadata, { namespaced, validateName: nameIsPathSegment }), ...changed];
      const main = context.subresource === '' || context.subresource === 'scale';
      if (main && rules.updates === 'all, then changes') return [...common, ...validate(object, context), ...changes(object, old, context, changed)];
      if (main && rules.updates === 'changes, then all') return [...common, ...changes(object, old, context, changed), ...validate(object, context)];
      return [...common, ...changes(object, old, context, changed)];
    },
  };
}
