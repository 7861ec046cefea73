/** MutatingAdmissionPolicy: changes to an object, written in CEL. Provenance: admission/plugin/policy/mutating of apiserver v0.36. */
import { applyJsonPatch } from '../../../api/patch/json-patch.ts';
import { mutatingadmissionpolicies, mutatingadmissionpolicybindings } from '../../../api/resources.ts';
import type { ApiObject } from '../../../api/kind.ts';
import { ApiError } from '../../../api/status.ts';
import { deepCopy } from '../../../std/deep.ts';
import type { AdmissionPlugin, AdmissionRequest, MutationPass } from '../admission.ts';
import { checkManagers } from '../matching/managed-fields.ts';
import { Reinvocation } from '../matching/reinvocation.ts';
import { Misshapen, VersionedObjects } from '../matching/versioned.ts';
import { refused } from '../refuse.ts';
import { problemKind } from '../series.ts';
import { AccessAnswers } from './access.ts';
import { bindingsOf, withVariables, type ActivationInput } from './activation.ts';
import { applyConfiguration } from './apply-configuration.ts';
import { compileMutating, type CompiledMutatingPolicy, type CompiledMutation } from './compile-mutating.ts';
import { conditionsHold } from './conditions.ts';
import { isBeyondPolicies, meetings, requestNamespace, type Meeting, type Misfit, type PolicyDependencies } from './dispatch.ts';
import { evaluateMade, OutOfBudget, POLICY_BUDGET, type Outcome } from './evaluate.ts';
import { followPolicies } from './follow.ts';

const NAME = 'MutatingAdmissionPolicy';

type Met = Meeting<CompiledMutatingPolicy, unknown>;
type Missed = Misfit<CompiledMutatingPolicy, unknown>;

export function mutatingPolicies(dependencies: PolicyDependencies): AdmissionPlugin {
  const policies = followPolicies(dependencies.reader, { policies: mutatingadmissionpolicies, bindings: mutatingadmissionpolicybindings, compile: compileMutating });
  return {
    name: NAME,
    asksOthers: true,
    handles: (request) => policies.all.length > 0 && !isBeyondPolicies(request),
    async mutate(request, pass) {
      const round = new Round(request, pass, dependencies);
      // Which policies are met is settled before the first of them changes anything.
      await round.run(await meetings(policies.all, request, dependencies));
    },
  };
}

/** What a mutation could not do. */
class Failure extends Error {}

/** All policies on one request, in one round. */
class Round {
  readonly #request: AdmissionRequest;
  readonly #pass: MutationPass;
  readonly #dependencies: PolicyDependencies;
  readonly #objects: VersionedObjects;
  readonly #access: AccessAnswers;
  /** Something has been carried out, whether or not it changed the object. */
  #touched = false;
  readonly #problems: { readonly message: string; readonly reason: string | undefined }[] = [];

  constructor(request: AdmissionRequest, pass: MutationPass, dependencies: PolicyDependencies) {
    this.#request = request;
    this.#pass = pass;
    this.#dependencies = dependencies;
    this.#objects = new VersionedObjects(request, dependencies.kinds);
    this.#access = new AccessAnswers(dependencies.authorizer, request.user);
  }

  /** Throws what refuses the request. */
  async run(all: readonly (Met | Missed)[]): Promise<void> {
    if (all.length === 0) return;
    const again = Reinvocation.of(NAME, this.#request, this.#pass);
    for (const met of all) {
      if ('problem' in met) this.#note(met, met.problem, undefined);
    }
    const namespace = await requestNamespace(this.#request, this.#dependencies.reader);
    for (const met of all) {
      if ('problem' in met) continue;
      for (const param of met.params) await this.#invoke(met, again, { param, namespace });
    }
    if (this.#touched) again.callAll(this.#pass);
    again.done(this.#request, this.#pass);
    this.#refuse();
  }

  async #invoke(met: Met, again: Reinvocation, { param, namespace }: Pick<ActivationInput, 'param' | 'namespace'>): Promise<void> {
    const { policy, binding, target } = met;
    const { conditions, variables, mutations, reinvoked } = policy.compiled;
    const input = async (): Promise<ActivationInput> => {
      await this.#objects.prepare(target.kind);
      return { request: this.#request, target, versioned: this.#objects.get(target.kind), access: this.#access, param, namespace };
    };
    if (conditions.length > 0) {
      const bindings = bindingsOf({ ...(await input()), namespace: undefined });
      const held = await this.#access.answered(() => conditionsHold(conditions, bindings, { variables, ignoresFailure: policy.ignoresFailure }));
      if ('problem' in held) return this.#note(met, held.problem, 'Invalid');
      if (!held.matches) return;
    }
    const id = [policy.name, binding.name, param?.metadata.namespace ?? '', param?.metadata.name ?? ''].join('/');
    if (!again.isDue(id, this.#pass)) return;
    let changed = false;
    const { series } = this.#dependencies;
    for (const mutation of mutations) {
      const beganMs = series.now();
      let problem: string | undefined;
      try {
        changed = (await this.#mutate(mutation, met, await input())) || changed;
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        problem = error.message;
        this.#note(met, problem, 'Invalid');
      }
      series.policy('mutating', { policy: policy.name, binding: binding.name, problem: problemKind(problem), beganMs });
    }
    again.called(id, { changed, again: reinvoked }, this.#pass);
  }

  async #mutate({ type, expression }: CompiledMutation, { policy, target }: Met, input: ActivationInput): Promise<boolean> {
    const { object } = input.versioned;
    if (!object || !this.#request.object) return false;
    if ('problem' in expression.compiled) throw new Failure(expression.compiled.problem);
    const outcome = await this.#access.answered(() => evaluated(() => {
      const budget = { left: POLICY_BUDGET };
      return evaluateMade(expression, withVariables(bindingsOf(input), policy.compiled.variables, budget), budget);
    }));
    if ('problem' in outcome) throw new Failure(outcome.problem);
    const managers = this.#request.object.metadata?.managedFields;
    const next = type === 'JSONPatch' ? patched(object, outcome.value) : this.#merged(object, outcome.value, target.kind);
    this.#touched = true;
    if (next === undefined) return false;
    const changed = type === 'JSONPatch' ? await this.#objects.set(target.kind, next, { strict: true }) : await this.#setMerged(target.kind, next);
    checkManagers(this.#request, managers);
    return changed;
  }

  async #setMerged(kind: Met['target']['kind'], next: unknown): Promise<boolean> {
    try {
      return await this.#objects.set(kind, next);
    } catch (error) {
      if (!(error instanceof Misshapen)) throw error;
      throw new Failure(`unable to convert unstructured object to ${kind.group}/${kind.version}, Kind=${kind.kind}: ${error.why}`);
    }
  }

  #merged(object: Readonly<ApiObject>, made: unknown, kind: Met['target']['kind']): unknown {
    const schema = this.#objects.schema(kind);
    if (!schema) throw new ApiError({ code: 503, reason: 'ServiceUnavailable', message: `Resource kind ${kind.group}/${kind.version}, Kind=${kind.kind} not found. There can be a delay between when CustomResourceDefinitions are created and when they are available.` });
    try {
      return applyConfiguration(schema, object, made as Record<string, unknown>);
    } catch (error) {
      throw error instanceof ApiError ? error : new Failure((error as Error).message);
    }
  }

  #note({ policy, binding }: Met | Missed, problem: string, reason: string | undefined): void {
    if (policy.ignoresFailure) return;
    const who = binding ? `policy '${policy.name}' with binding '${binding.name}'` : `policy ${JSON.stringify(policy.name)}`;
    this.#problems.push({ message: `${who} denied request: ${problem}`, reason });
  }

  #refuse(): void {
    const [first] = this.#problems;
    if (!first) return;
    const { status } = refused(this.#request, '');
    const causes = this.#problems.map(({ message }) => ({ message }));
    throw new ApiError({ code: 403, reason: first.reason ?? 'Forbidden', message: first.message, details: { ...status.details, causes } });
  }
}

function evaluated(run: () => Outcome): Outcome {
  try {
    return run();
  } catch (error) {
    if (error instanceof OutOfBudget) return { problem: error.message };
    throw error;
  }
}

/** Undefined: a test of the patch failed, and so nothing is done. */
function patched(object: Readonly<ApiObject>, operations: unknown): unknown {
  const list = (operations as { op?: string; path?: string; from?: string }[]).map(({ op = '', path = '', from, ...operation }) => ({ ...operation, op, path, ...(from && { from }) }));
  if (list.length === 0) return undefined;
  try {
    return applyJsonPatch(deepCopy(object), list);
  } catch (error) {
    const why = error instanceof ApiError && typeof error.cause === 'string' ? error.cause : (error as Error).message;
    if (why.endsWith('test failed')) return undefined;
    throw new Failure(`JSON Patch: ${why}`);
  }
}
