/** Admission policies written in CEL, and their bindings. */
import type {
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../types/admissionregistration.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, integer, selectorCell, text } from '../shared/columns.ts';
import { ALL_METADATA, splitStrategy } from '../shared/split-strategy.ts';
import { validateMutatingBinding, validateMutatingPolicy } from './mutation-rules.ts';
import { validateBinding, validatePolicy } from './policy-rules.ts';
import { reservedNameWarnings } from './reserved-names.ts';

export const validatingadmissionpolicy = rulesFor<ValidatingAdmissionPolicy>({
  bareFinalizers: true,
  defaults({ spec }) {
    if (!spec) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatch(spec.matchConstraints);
  },
  strategy: splitStrategy<ValidatingAdmissionPolicy>({ generation: ['spec'], unconditionalUpdate: false, warnings: reservedNameWarnings, statusKeeps: ALL_METADATA, validate: validatePolicy, validateUpdate: validatePolicy }),
  columns: [NAME, integer('Validations', (object) => object.spec?.validations?.length ?? 0), text('ParamKind', ({ spec }) => showKind(spec?.paramKind)), AGE],
});

export const validatingadmissionpolicybinding = rulesFor<ValidatingAdmissionPolicyBinding>({
  bareFinalizers: true,
  defaults: ({ spec }) => defaultMatch(spec?.matchResources),
  strategy: splitStrategy<ValidatingAdmissionPolicyBinding>({ noStatus: true, generation: ['spec'], unconditionalUpdate: false, warnings: reservedNameWarnings, validate: validateBinding, validateUpdate: validateBinding }),
  columns: [NAME, text('PolicyName', (object) => object.spec?.policyName ?? ''), text('ParamRef', ({ spec }) => showParam(spec?.paramRef)), AGE],
});

export const mutatingadmissionpolicy = rulesFor<MutatingAdmissionPolicy>({
  bareFinalizers: true,
  defaults({ spec }) {
    if (!spec) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatch(spec.matchConstraints);
  },
  strategy: splitStrategy<MutatingAdmissionPolicy>({ noStatus: true, generation: ['spec'], unconditionalUpdate: false, warnings: reservedNameWarnings, validate: validateMutatingPolicy, validateUpdate: validateMutatingPolicy }),
  columns: [NAME, integer('Mutations', (object) => object.spec?.mutations?.length ?? 0), text('ParamKind', ({ spec }) => showKind(spec?.paramKind)), AGE],
});

export const mutatingadmissionpolicybinding = rulesFor<MutatingAdmissionPolicyBinding>({
  bareFinalizers: true,
  defaults: ({ spec }) => defaultMatch(spec?.matchResources),
  strategy: splitStrategy<MutatingAdmissionPolicyBinding>({ noStatus: true, generation: ['spec'], unconditionalUpdate: false, warnings: reservedNameWarnings, validate: validateMutatingBinding, validateUpdate: validateMutatingBinding }),
  columns: [NAME, text('PolicyName', (object) => object.spec?.policyName ?? ''), text('ParamRef', ({ spec }) => showParam(spec?.paramRef)), AGE],
});

function defaultMatch(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

function showKind(kind: { apiVersion?: string; kind?: string } | undefined): string {
  return kind ? `${kind.apiVersion ?? ''}/${kind.kind ?? ''}` : '<unset>';
}

function showParam(reference: ParamRef | undefined): string {
  if (!reference) return '<unset>';
  if (reference.name) return `${reference.namespace || '*'}/${reference.name}`;
  return reference.selector ? selectorCell(reference.selector) : '<unset>';
}
