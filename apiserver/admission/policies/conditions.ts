/** matchConditions: expressions that all must hold for a webhook or policy to look at a request. Provenance: admission/plugin/webhook/matchconditions of apiserver v0.36. */
import { RETURNS } from '../../../api/kinds/admissionregistration/expressions.ts';
import type { MatchCondition } from '../../../api/types/admissionregistration.v1.ts';
import type { ClusterAuthorizer } from '../../auth/authorizer.ts';
import type { ConditionMatcher, Matched } from '../matching/conditions.ts';
import { AccessAnswers } from './access.ts';
import { bindingsOf, withVariables, type Bindings, type NamedExpression } from './activation.ts';
import { CONDITIONS_BUDGET, evaluate, expressionOf, OutOfBudget, type Expression } from './evaluate.ts';

/** One that is false decides; what cannot be evaluated counts only when none is. */
export function conditionsHold(conditions: readonly Expression[], bindings: Bindings, { variables, ignoresFailure }: { readonly variables: readonly NamedExpression[]; readonly ignoresFailure: boolean }): Matched {
  const budget = { left: CONDITIONS_BUDGET };
  const all = withVariables(bindings, variables, budget);
  const problems: string[] = [];
  try {
    // All are evaluated before any is looked at: a budget that runs out is a problem even after one that is false.
    const outcomes = conditions.map((condition) => evaluate(condition, all, budget));
    if (outcomes.some((outcome) => 'value' in outcome && outcome.value === false)) return { matches: false };
    for (const outcome of outcomes) if ('problem' in outcome) problems.push(outcome.problem);
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    problems.push(error.message);
  }
  if (problems.length === 0) return { matches: true };
  if (ignoresFailure) return { matches: false };
  const different = [...new Set(problems)];
  return { problem: different.length === 1 ? (different[0] as string) : `[${different.join(', ')}]` };
}

/** For webhooks, whose conditions are compiled when they are first needed. */
export function conditionMatcher(authorizer: ClusterAuthorizer): ConditionMatcher {
  const compiled = new WeakMap<readonly MatchCondition[], readonly Expression[]>();
  return {
    match(conditions, { request, target, versioned, ignoresFailure }) {
      let expressions = compiled.get(conditions);
      if (!expressions) {
        expressions = conditions.map(({ expression }) => expressionOf(expression, { params: false, authorizer: true }, RETURNS.condition));
        compiled.set(conditions, expressions);
      }
      const access = new AccessAnswers(authorizer, request.user);
      const bindings = bindingsOf({ request, target, versioned, access });
      const compiledOnce = expressions;
      return access.answered(() => conditionsHold(compiledOnce, bindings, { variables: [], ignoresFailure }));
    },
  };
}
