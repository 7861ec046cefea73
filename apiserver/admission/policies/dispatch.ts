/** Which policies, bindings and parameters a request meets. Provenance: admission/plugin/policy/generic of apiserver v0.36. */
import type { ApiObject, Kind } from '../../../api/kind.ts';
import type { Namespace } from '../../../api/types/core.v1.ts';
import type { ClusterAuthorizer } from '../../auth/authorizer.ts';
import type { Reader, Stored } from '../../auth/reader.ts';
import type { AdmissionRequest } from '../admission.ts';
import { namespaceObject } from '../matching/selectors.ts';
import type { DynamicSeries } from '../series.ts';
import { isPolicy, isNamespaceObject, namespaceOf, RequestTargets, type Target } from '../matching/subject.ts';
import type { Binding, Policy } from './follow.ts';
import { inNamespace, targetBy, type Match } from './match.ts';
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
export async function meetings<C, B>(policies: readonly Policy<C, B>[], request: AdmissionRequest, dependencies: PolicyDependencies): Promise<(Meeting<C, B> | Misfit<C, B>)[]> {
  const targets = new RequestTargets(request, dependencies.kinds);
  const met: (Meeting<C, B> | Misfit<C, B>)[] = [];
  for (const policy of policies) {
    const pending = decide(policy.match, targets, dependencies.reader);
    const ruled = pending instanceof Promise ? await pending : pending;
    if (ruled === undefined) continue;
    if ('problem' in ruled) met.push({ policy, binding: undefined, problem: `failed to configure policy: ${ruled.problem}` });
    else met.push(...(await bindingsFor(policy, ruled.value, targets, dependencies)));
  }
  return met;
}

/** Waits for nothing where rules and labels have decided already. */
function decide(match: Match, targets: RequestTargets, reader: Reader): undefined | Asked<Target> | Promise<undefined | Asked<Target>> {
  let target: Target | undefined;
  try {
    target = targetBy(match, targets);
  } catch (error) {
    return { problem: (error as Error).message };
  }
  if (!target) return undefined;
  const value = target;
  return asked(() => inNamespace(match, targets.request, reader)).then((within) => ('problem' in within ? within : within.value ? { value } : undefined));
}

async function bindingsFor<C, B>(policy: Policy<C, B>, target: Target, targets: RequestTargets, dependencies: PolicyDependencies): Promise<(Meeting<C, B> | Misfit<C, B>)[]> {
  const { reader, kinds, loaded } = dependencies;
  const { paramKind } = policy;
  const row = paramKind && paramRow(kinds(), paramKind);
  if (paramKind && !row) return [{ policy, binding: undefined, problem: `failed to configure policy: ${unknownParamKind(paramKind)}` }];
  const met: (Meeting<C, B> | Misfit<C, B>)[] = [];
  for (const binding of policy.bindings) {
    const ruled = binding.match ? await decide(binding.match, targets, reader) : { value: target };
    if (ruled === undefined) continue;
    if (row) await loaded(row);
    const found = 'problem' in ruled ? ruled : await asked(() => collectParams(row, paramKind, binding.paramRef, { reader, kinds, namespace: namespaceOf(targets.request) }));
    if ('problem' in found) met.push({ policy, binding, problem: `failed to configure binding: ${found.problem}` });
    else met.push({ policy, binding, target, params: found.value });
  }
  return met;
}

type Asked<T> = { readonly value: T } | { readonly problem: string };

async function asked<T>(ask: () => T | Promise<T>): Promise<Asked<T>> {
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
  return isPolicy(request) || ((group === 'authentication.k8s.io' || group === 'authorization.k8s.io') && REVIEWS.has(plural));
}
