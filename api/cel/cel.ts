/** The expression language of the API (CEL), as one contract: declare what an expression may use, compile it once, evaluate it within a budget. */

export type CelType =
  | { readonly kind: 'dyn' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'null' | 'timestamp' | 'duration' }
  | { readonly kind: 'list'; readonly of: CelType }
  | { readonly kind: 'map'; readonly of: CelType }
  | { readonly kind: 'object'; readonly name: string; field(name: string): CelType | undefined }
  | { readonly kind: 'optional'; readonly of: CelType }
  /** A type of Kubernetes' own libraries, e.g. `kubernetes.Quantity`. */
  | { readonly kind: 'library'; readonly name: string };

export interface CelEnvironment {
  readonly variables: Readonly<Record<string, CelType>>;
  /** The type the expression must have; any, when absent. */
  readonly result?: CelType;
}

export interface CelProgram {
  /**
   * Evaluates over plain JSON values, read as the declared types. A value comes back as plain JSON.
   * Throws a `CelError`, and one with `exhausted` when the budget is used up.
   */
  evaluate(bindings: Readonly<Record<string, unknown>>, budget: CelBudget): unknown;
  /** Whether the expression names this variable. */
  uses(variable: string): boolean;
}

/** What evaluations may still cost, in upstream's cost units; shared by the expressions of one request. */
export interface CelBudget {
  left: number;
}

export type CelCompilation = { readonly program: CelProgram } | { readonly errors: readonly string[] };

export class CelError extends Error {
  readonly exhausted: boolean;

  constructor(message: string, exhausted = false) {
    super(message);
    this.exhausted = exhausted;
  }
}
