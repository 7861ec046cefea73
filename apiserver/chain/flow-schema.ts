/**
 * Which FlowSchema a request falls under: told in the answer's headers, as clients of priority and fairness expect it.
 * Seats are not shared out by priority level; `flow-control.ts` bounds what is worked on.
 */
import { flowschemas, prioritylevelconfigurations } from '../../api/resources.ts';
import type { FlowSchema, PolicyRulesWithSubjects, ResourcePolicyRule, NonResourcePolicyRule, Subject } from '../../api/types/flowcontrol.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { UserInfo } from '../auth/auth.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import type { Exchange } from '../exchange.ts';
import type { Route } from '../route.ts';
import type { Step } from './chain.ts';

export function classify(reader: Reader): Step {
  let ordered: readonly Stored<FlowSchema>[] | undefined;
  let following = false;
  const schemas = (): readonly Stored<FlowSchema>[] => {
    if (!following) {
      following = true;
      reader.onChange(flowschemas, () => (ordered = undefined));
    }
    return (ordered ??= [...reader.list(flowschemas)].sort(byPrecedence));
  };
  return (exchange) => {
    // In-process callers see no headers.
    if (exchange.body.form === 'value') return;
    const schema = schemas().find((one) => covers(one, exchange));
    if (!schema) return;
    const level = reader.get(prioritylevelconfigurations, '', schema.spec?.priorityLevelConfiguration.name ?? '');
    exchange.extraHeaders['X-Kubernetes-PF-FlowSchema-UID'] = schema.metadata.uid;
    if (level) exchange.extraHeaders['X-Kubernetes-PF-PriorityLevel-UID'] = level.metadata.uid;
  };
}

function byPrecedence(a: Stored<FlowSchema>, b: Stored<FlowSchema>): number {
  return (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

function covers({ spec }: Stored<FlowSchema>, { user, route }: Exchange): boolean {
  return (spec?.rules ?? []).some((rule) => rule.subjects.some((subject) => isSubject(subject, user)) && ruleCovers(rule, route));
}

function ruleCovers({ resourceRules = [], nonResourceRules = [] }: DeepReadonly<PolicyRulesWithSubjects>, route: Route): boolean {
  return route.isResource ? resourceRules.some((rule) => coversResource(rule, route)) : nonResourceRules.some((rule) => coversPath(rule, route));
}

function isSubject({ kind, user: named, group, serviceAccount }: DeepReadonly<Subject>, user: UserInfo): boolean {
  if (kind === 'User') return named?.name === '*' || named?.name === user.name;
  if (kind === 'Group') return group?.name === '*' || user.groups.includes(group?.name ?? '');
  const prefix = `system:serviceaccount:${serviceAccount?.namespace}:`;
  return serviceAccount?.name === '*' ? user.name.startsWith(prefix) : user.name === prefix + (serviceAccount?.name ?? '');
}

function coversResource(rule: DeepReadonly<ResourcePolicyRule>, { verb, group, resource, subresource, namespace }: Route): boolean {
  const asked = subresource ? `${resource}/${subresource}` : resource;
  const place = namespace === '' ? (rule.clusterScope ?? false) : has(rule.namespaces ?? [], namespace);
  return has(rule.verbs, verb) && has(rule.apiGroups, group) && has(rule.resources, asked) && place;
}

function coversPath({ verbs, nonResourceURLs }: DeepReadonly<NonResourcePolicyRule>, { verb, path }: Route): boolean {
  return has(verbs, verb) && nonResourceURLs.some((url) => url === '*' || url === path || (url.endsWith('/*') && path.startsWith(url.slice(0, -1))));
}

function has(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value);
}
