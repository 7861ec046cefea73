/** ValidatingAdmissionPolicy: rules in CEL that an object must keep. Provenance: admission/plugin/policy/validating of apiserver v0.36. */
import { validatingadmissionpolicies, validatingadmissionpolicybindings } from '../../../api/resources.ts';
import { ApiError } from '../../../api/status.ts';
import type { ValidatingAdmissionPolicyBindingSpec } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { VersionedObjects } from '../matching/versioned.ts';
import { refused } from '../refuse.ts';
import { AccessAnswers } from './access.ts';
import { compileValidating, type CompiledPolicy } from './compile-validating.ts';
import { isBeyondPolicies, meetings, requestNamespace, type Meeting, type Misfit, type PolicyDependencies } from './dispatch.ts';
import { problemKind } from '../series.ts';
import { followPolicies } from './follow.ts';
import { validatePolicy, type Decided } from './validate.ts';

type BindingSpec = DeepReadonly<ValidatingAdmissionPolicyBindingSpec>;
type Met = Meeting<CompiledPolicy, BindingSpec>;

export function validatingPolicies(dependencies: PolicyDependencies): AdmissionPlugin {
  const policies = followPolicies(dependencies.reader, { policies: validatingadmissionpolicies, bindings: validatingadmissionpolicybindings, compile: compileValidating });
  return {
    name: 'ValidatingAdmissionPolicy',
    lastlyAsksOthers: true,
    handles: (request) => policies.all.length > 0 && !isBeyondPolicies(request),
    async validate(request) {
      const all = await meetings(policies.all, request, dependencies);
      if (all.length === 0) return;
      const round = new Round(request, dependencies);
      for (const met of all) {
        if ('problem' in met) round.misfit(met as Misfit<CompiledPolicy, BindingSpec>);
        else await round.meet(met as Met);
      }
      round.end();
    },
  };
}

interface Denial {
  readonly message: string;
  readonly reason: string | undefined;
}

/** All policies on one request. */
class Round {
  readonly #request: AdmissionRequest;
  readonly #dependencies: PolicyDependencies;
  readonly #objects: VersionedObjects;
  readonly #access: AccessAnswers;
  readonly #annotations = new Map<string, Set<string>>();
  #denial: Denial | undefined;

  constructor(request: AdmissionRequest, dependencies: PolicyDependencies) {
    this.#request = request;
    this.#dependencies = dependencies;
    this.#objects = new VersionedObjects(request, dependencies.kinds);
    this.#access = new AccessAnswers(dependencies.authorizer, request.user);
  }

  misfit({ policy, binding, problem }: Misfit<CompiledPolicy, BindingSpec>): void {
    if (policy.ignoresFailure) return;
    const through = binding ? ` with binding '${binding.name}'` : '';
    this.#deny(`ValidatingAdmissionPolicy '${policy.name}'${through} denied request: ${problem}`, undefined);
  }

  async meet(met: Met): Promise<void> {
    const { policy, binding, target, params } = met;
    if (params.length === 0) return;
    let versioned;
    try {
      await this.#objects.prepare(target.kind);
      versioned = this.#objects.get(target.kind);
    } catch (error) {
      return this.misfit({ policy, binding, problem: `failed to configure binding: failed to convert object version: ${(error as Error).message}` });
    }
    const namespace = await requestNamespace(this.#request, this.#dependencies.reader);
    for (const param of params) {
      const input = { request: this.#request, target, versioned, access: this.#access, param, namespace };
      const beganMs = this.#dependencies.series.now();
      this.#take(met, await this.#access.answered(() => validatePolicy(policy.compiled, input, policy.ignoresFailure)), beganMs);
    }
  }

  /** Throws the first denial. */
  end(): void {
    const kept = this.#request.caller?.auditAnnotations;
    for (const [key, values] of this.#annotations) kept?.set(key, [...values].join(', '));
    if (!this.#denial) return;
    const { message, reason = 'Invalid' } = this.#denial;
    const { status } = refused(this.#request, message);
    throw new ApiError({ code: CODES[reason] ?? CODES['Invalid'] ?? 0, reason, message: status.message ?? '', details: { ...status.details, causes: [{ message }] } });
  }

  #take({ policy, binding }: Met, { decisions, annotations, failedAnnotations }: Decided, beganMs: number): void {
    const denied = `ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}' denied request: `;
    for (const [index, decision] of decisions.entries()) {
      if (!decision.denies) continue;
      const problem = decision.reason === undefined ? problemKind(decision.message) : 'invalid_error';
      for (const action of binding.spec.validationActions) {
        this.#dependencies.series.policy('validating', { policy: policy.name, binding: binding.name, problem, action: action.toLowerCase(), beganMs });
        if (action === 'Deny') this.#deny(denied + decision.message, decision.reason);
        else if (action === 'Audit') this.#recordFailure(policy.name, binding.name, binding.spec, { index, message: decision.message });
        else this.#request.warnings.push(`Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}': ${decision.message}`);
      }
    }
    for (const { key, value } of annotations) {
      const values = this.#annotations.get(`${policy.name}/${key}`) ?? new Set();
      this.#annotations.set(`${policy.name}/${key}`, values.add(value));
    }
    for (const problem of failedAnnotations) this.#deny(denied + problem, undefined);
  }

  #deny(message: string, reason: string | undefined): void {
    this.#denial ??= { message, reason };
  }

  /** The first is kept. */
  #recordFailure(policy: string, binding: string, { validationActions }: BindingSpec, { index, message }: { readonly index: number; readonly message: string }): void {
    const kept = this.#request.caller?.auditAnnotations;
    if (!kept || kept.has(FAILURE)) return;
    kept.set(FAILURE, JSON.stringify([{ message, policy, binding, expressionIndex: index, validationActions }]));
  }
}

const FAILURE = 'validation.policy.admission.k8s.io/validation_failure';
const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 };
