/** A ValidatingAdmissionPolicy, compiled. */
import { RETURNS, Variables } from '../../../api/kinds/admissionregistration/expressions.ts';
import type { AuditAnnotation, MatchCondition, ValidatingAdmissionPolicy, Validation, Variable } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { NamedExpression } from './activation.ts';
import { expressionOf, type Expression } from './evaluate.ts';

export interface CompiledValidation {
  readonly expression: Expression;
  readonly message: string;
  readonly messageExpression: Expression | undefined;
  readonly reason: string | undefined;
}

export interface CompiledPolicy {
  readonly conditions: readonly Expression[];
  readonly variables: readonly NamedExpression[];
  readonly validations: readonly CompiledValidation[];
  readonly auditAnnotations: readonly { readonly key: string; readonly value: Expression }[];
}

export function compileValidating({ spec }: DeepReadonly<ValidatingAdmissionPolicy>): CompiledPolicy {
  const { paramKind, matchConditions = [], validations = [], auditAnnotations = [] } = spec ?? {};
  const params = paramKind !== undefined;
  const { scope, variables } = compileVariables(spec?.variables ?? [], params);
  return {
    variables,
    conditions: matchConditions.map(({ expression }: DeepReadonly<MatchCondition>) => expressionOf(expression, scope, RETURNS.condition)),
    validations: validations.map(({ expression, message = '', messageExpression, reason }: DeepReadonly<Validation>) => ({
      expression: expressionOf(expression, scope, RETURNS.condition), message, reason,
      messageExpression: messageExpression ? expressionOf(messageExpression, { ...scope, authorizer: false }, RETURNS.message) : undefined,
    })),
    auditAnnotations: auditAnnotations.map(({ key, valueExpression }: DeepReadonly<AuditAnnotation>) => ({ key, value: expressionOf(valueExpression, scope, RETURNS.auditAnnotation) })),
  };
}

export interface CompiledVariables {
  readonly scope: { readonly params: boolean; readonly authorizer: true; readonly variables: Variables };
  readonly variables: readonly NamedExpression[];
}

export function compileVariables(variables: readonly DeepReadonly<Variable>[], params: boolean): CompiledVariables {
  const types = new Variables();
  const scope = { params, authorizer: true, variables: types } as const;
  return {
    scope,
    variables: variables.map(({ name, expression }) => {
      const compiled = expressionOf(expression, scope, RETURNS.variable);
      types.add(name, 'program' in compiled.compiled ? compiled.compiled.program : undefined);
      return { name, ...compiled };
    }),
  };
}
