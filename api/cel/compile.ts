/** Compiles expressions, once each. */
import { CelError, type CelBudget, type CelCompilation, type CelEnvironment, type CelProgram, type CelType } from './cel.ts';
import { check, type Checked } from './check.ts';
import { estimateCost } from './estimate.ts';
import { validateLiterals } from './literal-rules.ts';
import { parse } from './parse.ts';
import { plan, type Plan } from './plan.ts';
import { describeMistakes, SourceErrors } from './source.ts';
import { assignable, internalType, publicType, showType, type Type } from './type.ts';
import { Fault, toJson, type Value } from './value.ts';
import { withWork } from './work.ts';

/** What one evaluation may cost. */
export const CALL_LIMIT = 1_000_000;

export function compile(expression: string, environment: CelEnvironment): CelCompilation {
  let checked: Checked;
  try {
    checked = check(parse(expression, environment.bindings), environment);
  } catch (error) {
    if (!(error instanceof SourceErrors)) throw error;
    return { errors: describeMistakes(expression, error.mistakes), stage: 'check' };
  }
  const mistakes = checked.mistakes.length > 0 ? checked.mistakes : validateLiterals(checked);
  if (mistakes.length > 0) return { errors: describeMistakes(expression, mistakes), stage: 'check' };
  const type = checked.types.get(checked.expr) as Type;
  const { result } = environment;
  if (result && !isOf(type, result)) return { errors: [`must evaluate to ${showType(internalType(result))}`], stage: 'result' };
  try {
    return { program: new Program(checked, withWork(() => plan(checked, environment.variables)), environment) };
  } catch (error) {
    return { errors: [`program instantiation failed: ${(error as Error).message}`], stage: 'program', type: publicType(type) };
  }
}

function isOf(type: Type, result: CelType): boolean {
  return type.kind === 'dyn' || assignable(new Map(), [internalType(result)], [type]) !== undefined;
}

class Program implements CelProgram {
  readonly type: CelType;
  readonly #checked: Checked;
  readonly #plan: Plan;
  readonly #environment: CelEnvironment;

  constructor(checked: Checked, made: Plan, environment: CelEnvironment) {
    this.#checked = checked;
    this.#plan = made;
    this.#environment = environment;
    this.type = publicType(checked.types.get(checked.expr) as Type);
  }

  evaluate(bindings: Readonly<Record<string, unknown>>, budget: CelBudget): unknown {
    return toJson(this.#run(bindings, budget));
  }

  value(bindings: Readonly<Record<string, unknown>>, budget: CelBudget): unknown {
    return this.#run(bindings, budget);
  }

  uses(variable: string): boolean {
    return this.#plan.variables.has(variable);
  }

  estimate(): ReturnType<CelProgram['estimate']> {
    return estimateCost(this.#checked, this.#environment);
  }

  #run(bindings: Readonly<Record<string, unknown>>, budget: CelBudget): Value {
    const frame = { slots: Array.from({ length: this.#plan.slots }, () => null), bindings, cost: 0, limit: Math.min(CALL_LIMIT, budget.left) };
    let value: Value;
    try {
      value = withWork(() => this.#plan.run(frame));
    } finally {
      budget.left -= frame.cost;
    }
    if (value instanceof Fault) throw new CelError(value.message);
    return value;
  }
}
