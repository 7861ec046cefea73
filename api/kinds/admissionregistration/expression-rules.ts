/** The rules for expressions of webhooks and policies: they must compile, and give what is wanted of them. */
import { type FieldError, type Path, internalProblem, invalid } from '../../field-error.ts';
import type { CelType } from '../../cel/cel.ts';
import { type Compiled, compileExpression, RETURNS, Variables, type Scope } from './expressions.ts';

/** What one policy's expressions share. */
export class ExpressionRules {
  readonly #params: boolean;
  #variables: Variables | undefined;

  /** `variables`: expressions may speak of them even if there are none. */
  constructor({ params, variables = false }: { readonly params: boolean; readonly variables?: boolean }) {
    this.#params = params;
    if (variables) this.#variables = new Variables();
  }

  /** Declared in order: each may use those before it. */
  variable(name: string, expression: string, path: Path): FieldError[] {
    this.#variables ??= new Variables();
    const compiled = compileExpression(expression, this.#scope({}), RETURNS.variable);
    this.#variables.add(name, 'program' in compiled ? compiled.program : undefined);
    return problemsOf(compiled, path, expression);
  }

  /** `shown`: as it is told, where another text is compiled. */
  check(expression: string, returns: readonly CelType[], path: Path, { shown = expression, ...scope }: Partial<Scope> & { readonly shown?: string } = {}): FieldError[] {
    const compiled = compileExpression(expression, this.#scope(scope), returns);
    return problemsOf(compiled, path, shown);
  }

  #scope(scope: Partial<Scope>): Scope {
    return { params: this.#params, authorizer: true, variables: this.#variables, ...scope };
  }
}

function problemsOf(compiled: Compiled, path: Path, shown: string): FieldError[] {
  if (!('problem' in compiled)) return [];
  return [compiled.internal ? internalProblem(path, compiled.problem) : invalid(path, shown, compiled.problem)];
}

/** Conditions know no variables where they are checked. */
export function conditionRule(expression: string, params: boolean, path: Path): FieldError[] {
  return new ExpressionRules({ params }).check(expression, RETURNS.condition, path);
}
