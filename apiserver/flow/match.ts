/** Which FlowSchema a request falls under: the first, by precedence and then by name, one of whose rules covers who asks for what. Pure. */
import type { FlowSchema, NonResourcePolicyRule, ResourcePolicyRule, Subject } from '../../api/types/flowcontrol.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { UserInfo } from '../auth/auth.ts';
import type { Stored } from '../auth/reader.ts';
import type { Route } from '../request/route.ts';

export type Schema = Stored<FlowSchema>;

export function byPrecedence(a: Schema, b: Schema): number {
  return (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

/** `ordered` by precedence. */
export function matchSchema<S extends Schema>(ordered: readonly S[], user: UserInfo, route: Route): S | undefined {
  for (const schema of ordered) if (covers(schema, user, route)) return schema;
  return undefined;
}

function covers({ spec }: Schema, user: UserInfo, route: Route): boolean {
  for (const rule of spec?.rules ?? []) {
    // What is asked for is the cheaper question, and most often the answer.
    const asked = route.isResource
      ? (rule.resourceRules ?? []).some((one) => coversResource(one, route))
      : (rule.nonResourceRules ?? []).some((one) => coversPath(one, route));
    if (asked && rule.subjects.some((subject) => isSubject(subject, user))) return true;
  }
  return false;
}

function isSubject({ kind, user: named, group, serviceAccount }: DeepReadonly<Subject>, user: UserInfo): boolean {
  switch (kind) {
    case 'User':
      return named !== undefined && (named.name === '*' || named.name === user.name);
    case 'Group':
      return group !== undefined && (group.name === '*' || user.groups.includes(group.name));
    case 'ServiceAccount': {
      if (!serviceAccount) return false;
      const prefix = `system:serviceaccount:${serviceAccount.namespace}:`;
      return serviceAccount.name === '*' ? user.name.startsWith(prefix) : user.name === prefix + serviceAccount.name;
    }
    default:
      return false;
  }
}

function coversResource(rule: DeepReadonly<ResourcePolicyRule>, { verb, group, resource, subresource, namespace }: Route): boolean {
  if (!has(rule.verbs, verb) || !has(rule.apiGroups, group)) return false;
  if (!has(rule.resources, subresource ? `${resource}/${subresource}` : resource)) return false;
  return namespace === '' ? (rule.clusterScope ?? false) : has(rule.namespaces ?? [], namespace);
}

function coversPath({ verbs, nonResourceURLs }: DeepReadonly<NonResourcePolicyRule>, { verb, path }: Route): boolean {
  return has(verbs, verb) && nonResourceURLs.some((url) => url === '*' || url === path || path.startsWith(withSlash(url.endsWith('*') ? url.slice(0, -1) : url)));
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

/** `*` stands alone. */
function has(list: readonly string[], value: string): boolean {
  return (list.length === 1 && list[0] === '*') || list.includes(value);
}
