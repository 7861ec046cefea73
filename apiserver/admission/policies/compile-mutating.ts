/** A MutatingAdmissionPolicy, compiled. */
import { RETURNS } from '../../../api/kinds/admissionregistration/expressions.ts';
import type { MutatingAdmissionPolicy } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { NamedExpression } from './activation.ts';
import { compileVariables } from './compile-validating.ts';
import { expressionOf, type Expression } from './evaluate.ts';

export interface CompiledMutation {
  readonly type: 'ApplyConfiguration' | 'JSONPatch';
  readonly expression: Expression;
}

export interface CompiledMutatingPolicy {
  readonly conditions: readonly Expression[];
  readonly variables: readonly NamedExpression[];
  readonly mutations: readonly CompiledMutation[];
  readonly reinvoked: boolean;
}

export function compileMutating({ spec }: DeepReadonly<MutatingAdmissionPolicy>): CompiledMutatingPolicy {
  const { paramKind, matchConditions = [], mutations = [], reinvocationPolicy } = spec ?? {};
  const { scope, variables } = compileVariables(spec?.variables ?? [], paramKind !== undefined);
  const patching = { ...scope, patches: true };
  return {
    variables, reinvoked: reinvocationPolicy === 'IfNeeded',
    conditions: matchConditions.map(({ expression }) => expressionOf(expression, scope, RETURNS.condition)),
    mutations: mutations.map(({ patchType, applyConfiguration, jsonPatch }) =>
      patchType === 'JSONPatch'
        ? { type: patchType, expression: expressionOf(jsonPatch?.expression ?? '', patching, RETURNS.jsonPatch) }
        : { type: patchType, expression: expressionOf(applyConfiguration?.expression ?? '', patching, RETURNS.applyConfiguration) },
    ),
  };
}
