/** Which policies, bindings and parameters a request meets. Provenance: admission/plugin/policy/generic of apiserver v0.36. */
import type { ApiObject, Kind } from '../../../api/kind.ts';
import type { Namespace } from '../../../api/types/core.v1.ts';
import type { ClusterAuthorizer } from '../../auth/authorizer.ts';
import type { Reader, Stored } from '../../auth/reader.ts';
import type { AdmissionRequest } from '../admission.ts';
import { namespaceObject } from '../matching/selectors.ts';
import type { DynamicSeries } from '../series.ts';
import { isExempt, isNamespaceObject, namespaceOf, type Target } from '../matching/subject.ts';
import type { Binding, Policy } from './follow.ts';
import { matchTarget } from './match.ts';
import { collectParams, paramRow, unknownParamKind } from './params.ts';

export interface PolicyDependencies {
  readonly reader: Reader;
  readonly authorizer: ClusterAuthorizer;
  /** All that is served. */
  readonly kinds: () => readonly Kind[];
  /** Resolves when what is stored of a kind can be read. */
  readonly loaded: (kind: Kind) => Promise<void>;
  readonly series: DynamicSeries;
}

/** A policy as one of its bindings brings it to a request. */
export interface Meeting<C, B> {
  readonly policy: Policy<C, B>;
  readonly binding: Binding<B>;
  readonly target: Target;
  readonly params: readonly (ApiObject | undefined)[];
}

/** A policy that cannot be carried out for this request. */
export interface Misfit<C, B> {
  readonly policy: Policy<C, B>;
  readonly binding: Binding<B> | undefined;
  readonly problem: string;
}

/** In order; a misfit stands where its meeting would have stood. */
export async function* meetings<C, B>(policies: readonly Policy<C, B>[], request: AdmissionRequest, dependencies: PolicyDependencies): AsyncGenerator<Meeting<C, B> | Misfit<C, B>> {
  for (const policy of policies) {
    const matched = await asked(() => matchTarget(policy.match, { request, ...dependencies }));
    if ('problem' in matched) yield { policy, binding: undefined, problem: `failed to configure policy: ${matched.problem}` };
    else if (matched.value) yield* bindingsFor(policy, matched.value, request, dependencies);
  }
}

async function* bindingsFor<C, B>(policy: Policy<C, B>, target: Target, request: AdmissionRequest, dependencies: PolicyDependencies): AsyncGenerator<Meeting<C, B> | Misfit<C, B>> {
  const { reader, kinds, loaded } = dependencies;
  const { paramKind } = policy;
  const row = paramKind && paramRow(kinds(), paramKind);
  if (paramKind && !row) {
    yield { policy, binding: undefined, problem: `failed to configure policy: ${unknownParamKind(paramKind)}` };
    return;
  }
  for (const binding of policy.bindings) {
    const { match } = binding;
    const matched = match ? await asked(() => matchTarget(match, { request, ...dependencies })) : { value: target };
    if ('value' in matched && !matched.value) continue;
    if (row) await loaded(row);
    const found = 'problem' in matched ? matched : await asked(() => collectParams(row, paramKind, binding.paramRef, { reader, kinds, namespace: namespaceOf(request) }));
    if ('problem' in found) yield { policy, binding, problem: `failed to configure binding: ${found.problem}` };
    else yield { policy, binding, target, params: found.value };
  }
}

async function asked<T>(ask: () => T | Promise<T>): Promise<{ readonly value: T } | { readonly problem: string }> {
  try {
    return { value: await ask() };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

/** The namespace that expressions see: none for what has none, and for namespaces themselves. Throws 404. */
export async function requestNamespace(request: AdmissionRequest, reader: Reader): Promise<Stored<Namespace> | undefined> {
  if (request.namespace === '' || isNamespaceObject(request)) return undefined;
  return namespaceObject(request.namespace, reader);
}

const REVIEWS = new Set(['tokenreviews', 'selfsubjectreviews', 'subjectaccessreviews', 'localsubjectaccessreviews', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews']);

/** Questions about rights are answered whatever policies say. */
export function isBeyondPolicies(request: AdmissionRequest): boolean {
  const { group, plural } = request.kind;
  return isExempt(request) || ((group === 'authentication.k8s.io' || group === 'authorization.k8s.io') && REVIEWS.has(plural));
}
