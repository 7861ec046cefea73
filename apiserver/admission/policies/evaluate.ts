/** Evaluates the expressions of policies and conditions, each within its own limit and all of a stage within one. Provenance: admission/plugin/cel of apiserver v0.36. */
import { CelError, type CelBudget, type CelProgram, type CelType } from '../../../api/cel/cel.ts';
import { toJson, type Value } from '../../../api/cel/value.ts';
import { compileExpression, type Compiled, type Scope } from '../../../api/kinds/admissionregistration/expressions.ts';
import { typeMismatch, unwritable } from './made-objects.ts';

/** In upstream's cost units: one evaluation; all validations of a policy; all conditions of a webhook or policy. */
export const CALL_BUDGET = 1_000_000;
export const POLICY_BUDGET = 10_000_000;
export const CONDITIONS_BUDGET = 2_500_000;

export interface Expression {
  readonly text: string;
  readonly compiled: Compiled;
}

export function expressionOf(text: string, scope: Scope, returns: readonly CelType[]): Expression {
  return { text, compiled: compileExpression(text, scope, returns) };
}

export type Outcome = { readonly value: unknown } | { readonly problem: string };

/** Nothing more of this stage is evaluated. */
export class OutOfBudget extends Error {
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run');
  }
}

/** Throws OutOfBudget when the stage's budget is used up. */
export function evaluate(expression: Expression, bindings: Readonly<Record<string, unknown>>, budget: CelBudget): Outcome {
  return attempt(expression, (program) => spend(budget, (call) => program.evaluate(bindings, call)));
}

/** Of an expression that makes objects: their types must be named after the fields that they stand in. Throws OutOfBudget. */
export function evaluateMade(expression: Expression, bindings: Readonly<Record<string, unknown>>, budget: CelBudget): Outcome {
  const outcome = attempt(expression, (program) => spend(budget, (call) => program.value(bindings, call)));
  if ('problem' in outcome) return outcome;
  const made = outcome.value as Value;
  const problem = typeMismatch(made) ?? unwritable(made);
  return problem === undefined ? { value: toJson(made) } : { problem };
}

function attempt({ text, compiled }: Expression, run: (program: CelProgram) => unknown): Outcome {
  if ('problem' in compiled) return { problem: `compilation error: ${compiled.problem}` };
  try {
    return { value: run(compiled.program) };
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return { problem: `expression '${text}' resulted in error: ${error.message}` };
  }
}

/** Throws OutOfBudget, and a CelError of the call. */
export function spend<T>(budget: CelBudget, run: (call: CelBudget) => T): T {
  const given = Math.min(CALL_BUDGET, budget.left);
  const call = { left: given };
  try {
    return run(call);
  } catch (error) {
    if (!(error instanceof CelError) || !error.exhausted) throw error;
    if (given < CALL_BUDGET) throw new OutOfBudget();
    throw new CelError('operation cancelled: actual cost limit exceeded');
  } finally {
    // What variables cost meanwhile has been taken from the budget already.
    budget.left -= given - Math.max(0, call.left);
  }
}
