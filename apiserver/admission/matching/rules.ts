/** Whether a rule of a webhook or policy speaks of a request. Provenance: admission/plugin/webhook/predicates/rules of apiserver v0.36. */
import type { RuleWithOperations } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { AdmissionRequest } from '../admission.ts';
import { isNamespaceObject, type GroupVersionResource } from './subject.ts';

/** `resource`: the request's own, or one that is equivalent. */
export function matchesRule(rule: DeepReadonly<RuleWithOperations>, request: AdmissionRequest, { group, version, resource }: GroupVersionResource): boolean {
  return (
    inScope(rule.scope, request) &&
    holds(rule.operations, request.operation) &&
    holds(rule.apiGroups, group) &&
    holds(rule.apiVersions, version) &&
    (rule.resources ?? []).some((pattern) => matchesResource(pattern, resource, request.subresource))
  );
}

function holds(list: readonly string[] | undefined, value: string): boolean {
  return list?.some((item) => item === '*' || item === value) ?? false;
}

function inScope(scope: string | undefined, request: AdmissionRequest): boolean {
  if (scope === undefined || scope === '*') return true;
  const clusterScoped = isNamespaceObject(request) || request.namespace === '';
  return scope === (clusterScoped ? 'Cluster' : 'Namespaced');
}

/** `pods`, `pods/status`, `*`, `pods/*`, and `*` before the slash: without a slash no subresource is meant. */
function matchesResource(pattern: string, resource: string, subresource: string): boolean {
  const slash = pattern.indexOf('/');
  const [wanted, sub] = slash < 0 ? [pattern, ''] : [pattern.slice(0, slash), pattern.slice(slash + 1)];
  return (wanted === '*' || wanted === resource) && (sub === '*' || sub === subresource);
}
