/** The expression language of the API (CEL), as one contract: declare what an expression may use, compile it once, evaluate it within a budget. */

export type CelType =
  /** `max`: how many characters, bytes, items or entries a value has at most; cost estimates use it. */
  | { readonly kind: 'dyn' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'null' | 'timestamp' | 'duration'; readonly max?: number }
  /** `identity`: items are equal to each other by value ('set') or by these keys; such lists have no order. */
  | { readonly kind: 'list'; readonly of: CelType; readonly max?: number; readonly identity?: 'set' | readonly string[] }
  /** `key`: the type of its keys; strings, when absent. */
  | { readonly kind: 'map'; readonly of: CelType; readonly key?: CelType; readonly max?: number }
  | CelObject
  | { readonly kind: 'optional'; readonly of: CelType }
  /** A type of Kubernetes' own libraries, e.g. `kubernetes.Quantity`. */
  | { readonly kind: 'library'; readonly name: string };

export interface CelObject {
  readonly kind: 'object';
  readonly name: string;
  /** The type of a field, by its name as expressions write it. */
  field(name: string): CelType | undefined;
  /** The name of a field in JSON, where expressions write it otherwise (`__if__`). */
  property?(name: string): string;
}

export interface CelEnvironment {
  readonly variables: Readonly<Record<string, CelType>>;
  /** The type the expression must have; any, when absent. */
  readonly result?: CelType;
  /** Whether `cel.bind(name, value, expression)` may be written. */
  readonly bindings?: boolean;
  /** The variable whose type tells estimates the sizes of what it holds; `self`, when absent. */
  readonly root?: string;
  /** Types that the expression may make objects of: `Object.spec{replicas: 1}`. */
  readonly objects?: (name: string) => CelObject | undefined;
}

export interface CelProgram {
  /** The type of what the expression gives. */
  readonly type: CelType;
  /**
   * Evaluates over plain JSON values, read as the declared types. A value comes back as plain JSON.
   * An optional variable that is undefined has no value. Of the library type `kubernetes.authorization.Authorizer`
   * the value is a `CelAuthorizer`, of `kubernetes.authorization.ResourceCheck` what `resourceCheckValue` made; a variable's name may have
   * a dot (`authorizer.requestResource`). What `value` gave, and other values of `value.ts`, stand as they are.
   * Throws a `CelError`, and one with `exhausted` when the budget is used up.
   */
  evaluate(bindings: Readonly<Record<string, unknown>>, budget: CelBudget): unknown;
  /** As `evaluate`, but what JSON cannot hold stays as it is: for the variables of other expressions. */
  value(bindings: Readonly<Record<string, unknown>>, budget: CelBudget): unknown;
  /** Whether the expression names this variable. */
  uses(variable: string): boolean;
  /** What an evaluation costs at most, by the sizes that the types allow. */
  estimate(): CelEstimate;
}

/** In upstream's cost units; Infinity where nothing bounds it. */
export interface CelEstimate {
  readonly min: number;
  readonly max: number;
}

/** What evaluations may still cost, in upstream's cost units; shared by the expressions of one request. */
export interface CelBudget {
  left: number;
}

/**
 * `stage`: what failed. Reading and checking tell mistakes as `ERROR: <input>:…`; a program may not be makeable of what
 * was checked (then its type is known); and the result may have another type than it must.
 */
export type CelCompilation = { readonly program: CelProgram } | { readonly errors: readonly string[]; readonly stage: 'check' | 'program' | 'result'; readonly type?: CelType };

/** Answers the checks of `authorizer`, at once: nothing waits inside an expression. */
export interface CelAuthorizer {
  decide(question: CelAccess): CelDecision;
}

export interface CelAccess {
  readonly verb: string;
  /** Absent: the user of the request. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  /** Of checks that are not about a resource. */
  readonly path?: string;
  readonly group?: string;
  readonly version?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface CelDecision {
  readonly allowed: boolean;
  readonly reason?: string;
  readonly error?: string;
}

export class CelError extends Error {
  readonly exhausted: boolean;

  constructor(message: string, exhausted = false) {
    super(message);
    this.exhausted = exhausted;
  }
}
