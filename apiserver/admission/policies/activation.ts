/** What the names in expressions stand for, for one request and one parameter object. */
import { CelError, type CelBudget } from '../../../api/cel/cel.ts';
import { resourceCheckValue } from '../../../api/cel/library/authorizer.ts';
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
  const lazy: Record<string, unknown> = {};
  const all: Bindings = { ...bindings, variables: lazy };
  for (const { name, compiled } of variables) {
    let known: { readonly value: unknown } | { readonly error: Error } | undefined;
    Object.defineProperty(lazy, name, {
      enumerable: true,
      get() {
        known ??= attempt(() => {
          if ('problem' in compiled) throw new CelError(`composited variable ${JSON.stringify(name)} fails to compile: ${compiled.problem}`);
          return spend(budget, (call) => compiled.program.value(all, call));
        }, name);
        if ('error' in known) throw known.error;
        return known.value;
      },
    });
  }
  return all;
}

function attempt(run: () => unknown, name: string): { readonly value: unknown } | { readonly error: Error } {
  try {
    return { value: run() };
  } catch (error) {
    if (!(error instanceof CelError)) return { error: error as Error };
    const told = error.message.startsWith('composited variable');
    return { error: told ? error : new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`) };
  }
}
