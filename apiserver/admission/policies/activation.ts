/** What the names in expressions stand for, for one request and one parameter object. */
import { CelError, type CelBudget, type CelProgram } from '../../../api/cel/cel.ts';
import { resourceCheckValue } from '../../../api/cel/library/authorizer.ts';
import { Fault, Mapper, type Value } from '../../../api/cel/value.ts';
import type { ApiObject } from '../../../api/kind.ts';
import type { Namespace } from '../../../api/types/core.v1.ts';
import type { Stored } from '../../auth/reader.ts';
import type { AdmissionRequest } from '../admission.ts';
import { namespaceOf, type Target } from '../matching/subject.ts';
import type { Versioned } from '../matching/versioned.ts';
import { describe, optionsOf } from '../webhooks/review.ts';
import type { AccessAnswers } from './access.ts';
import { spend, type Expression } from './evaluate.ts';

export interface ActivationInput {
  readonly request: AdmissionRequest;
  readonly target: Target;
  readonly versioned: Versioned;
  readonly access: AccessAnswers;
  readonly param?: ApiObject | undefined;
  /** Absent: of an object without one. */
  readonly namespace?: Stored<Namespace> | undefined;
}

export type Bindings = Readonly<Record<string, unknown>>;

export function bindingsOf({ request, target, versioned, access, param, namespace }: ActivationInput): Bindings {
  const { group, resource } = target.resource;
  return {
    object: versioned.object ?? null, oldObject: versioned.old ?? null, params: param ?? null, namespaceObject: namespace ? shownNamespace(namespace) : null,
    request: { ...describe(request, target), dryRun: request.dryRun, options: optionsOf(request) },
    authorizer: access,
    'authorizer.requestResource': resourceCheckValue(access, { group, resource, subresource: request.subresource, namespace: namespaceOf(request), name: request.name }),
  };
}

function shownNamespace({ metadata, spec, status }: Stored<Namespace>): object {
  const { managedFields: _, ownerReferences: __, ...shown } = metadata as typeof metadata & { managedFields?: unknown; ownerReferences?: unknown };
  return { metadata: shown, spec: spec ?? {}, status: status ?? {} };
}

export interface NamedExpression extends Expression {
  readonly name: string;
}

/** The variables of a policy: each is evaluated when it is first asked for, out of the stage's budget. */
export function withVariables(bindings: Bindings, variables: readonly NamedExpression[], budget: CelBudget): Bindings {
  if (variables.length === 0) return bindings;
  const all: Record<string, unknown> = { ...bindings };
  all['variables'] = new LazyVariables(variables, (program) => spend(budget, (call) => program.value(all, call)));
  return all;
}

class LazyVariables extends Mapper {
  readonly typeName = 'kubernetes.variables';
  readonly #variables: ReadonlyMap<string, NamedExpression>;
  readonly #known = new Map<string, Value>();
  readonly #run: (program: CelProgram) => unknown;

  constructor(variables: readonly NamedExpression[], run: (program: CelProgram) => unknown) {
    super();
    this.#variables = new Map(variables.map((variable) => [variable.name, variable]));
    this.#run = run;
  }

  get size(): number {
    return this.#variables.size;
  }

  keys(): Iterable<Value> {
    return this.#variables.keys();
  }

  get(key: Value): Value | undefined {
    const variable = this.#variables.get(key as string);
    if (!variable) return undefined;
    const { name } = variable;
    let value = this.#known.get(name);
    if (value === undefined) this.#known.set(name, (value = this.#evaluate(variable)));
    return value;
  }

  /** What goes wrong is a value as well: the expression may not need it. */
  #evaluate({ name, compiled }: NamedExpression): Value {
    if ('problem' in compiled) return new Fault(`composited variable ${JSON.stringify(name)} fails to compile: ${compiled.problem}`);
    try {
      return this.#run(compiled.program) as Value;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      return new Fault(`composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`);
    }
  }
}
