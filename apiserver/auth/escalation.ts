/** Nobody grants rights that he lacks: the check before a role or a binding is written. */
import { goQuote } from '../../api/go-quote.ts';
import type { ApiObject } from '../../api/kind.ts';
import { forbidden, notFound } from '../../api/status.ts';
import type { ClusterRole, RoleBinding } from '../../api/types/rbac.v1.ts';
import { deepEqual } from '../../std/deep.ts';
import type { Attributes, Decision, UserInfo } from './auth.ts';
import type { RbacAuthorizer } from './rbac.ts';
import { aggregate } from './rbac.ts';
import type { Rule } from './rules.ts';
import { compact, describeRule, quoteList, uncovered } from './rules.ts';

export interface EscalationRequest {
  readonly user: UserInfo;
  /** `roles`, `clusterroles`, `rolebindings` or `clusterrolebindings`. */
  readonly resource: string;
  readonly namespace: string;
  /** As in the URL: '' for a create. */
  readonly name: string;
  readonly object: ApiObject;
  readonly old: Readonly<ApiObject> | undefined;
}

export interface EscalationAuthorizers {
  readonly rbac: RbacAuthorizer;
  /** All authorizers together: whoever may `escalate` or `bind` is let through. */
  authorize(attributes: Attributes): Decision | Promise<Decision>;
}

const GROUP = 'rbac.authorization.k8s.io';
const EVERYTHING: readonly Rule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

/** Throws 403 when the write would hand out more than the user has. */
export async function checkEscalation(request: EscalationRequest, authorizers: EscalationAuthorizers): Promise<void> {
  if (request.user.groups.includes('system:masters')) return;
  if (request.old && onlyForGarbageCollection(request.object, request.old)) return;
  if (request.resource === 'roles' || request.resource === 'clusterroles') await checkRole(request, authorizers);
  else await checkBinding(request, authorizers);
}

async function checkRole(request: EscalationRequest, { rbac, authorize }: EscalationAuthorizers): Promise<void> {
  const { user, resource, namespace, name } = request;
  const may = await authorize({ user, verb: 'escalate', group: GROUP, version: '*', resource, subresource: '', namespace, name, path: '' });
  if (may.decision === 'allow') return;
  const role = request.object as unknown as ClusterRole;
  const old = request.old as unknown as ClusterRole | undefined;
  requireAll(request, rbac, role.rules ?? []);
  if (!aggregates(role) && !aggregates(old)) return;
  if (uncovered(rbac.policyRules(user, namespace).rules, EVERYTHING).length > 0) refuse(request, 'must have cluster-admin privileges to use the aggregationRule');
}

async function checkBinding(request: EscalationRequest, { rbac, authorize }: EscalationAuthorizers): Promise<void> {
  const { user, namespace } = request;
  const { roleRef } = request.object as unknown as RoleBinding;
  const resource = roleRef?.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  const name = roleRef?.name ?? '';
  const may = await authorize({ user, verb: 'bind', group: GROUP, version: '*', resource, subresource: '', namespace, name, path: '' });
  if (may.decision === 'allow') return;
  const rules = rbac.roleRules({ kind: roleRef?.kind ?? '', name }, namespace);
  // The resource of the request with the name of the role: upstream's own mixture.
  if (!rules) throw notFound({ group: GROUP, resource: request.resource, name });
  requireAll(request, rbac, rules);
}

function aggregates(role: ClusterRole | undefined): boolean {
  return (role?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;
}

function requireAll(request: EscalationRequest, rbac: RbacAuthorizer, rules: readonly Rule[]): void {
  const { user, namespace } = request;
  const owned = rbac.policyRules(user, namespace);
  const missing = uncovered(owned.rules, rules);
  if (missing.length === 0) return;
  const lines = [...new Set(compact(missing).map(describeRule))].sort();
  const unresolved = owned.errors.length > 0 ? `; resolution errors: [${aggregate(owned.errors)}]` : '';
  refuse(
    request,
    `user ${goQuote(user.name)} (groups=${quoteList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${unresolved}`,
  );
}

function refuse(request: EscalationRequest, why: string): never {
  throw forbidden({ group: GROUP, resource: request.resource, name: request.object.metadata.name ?? '' }, why);
}

/** Whether an update changes nothing but what the garbage collector needs to delete an object. */
function onlyForGarbageCollection(object: ApiObject, old: Readonly<ApiObject>): boolean {
  return deepEqual(withoutCollectorsFields(object), withoutCollectorsFields(old));
}

function withoutCollectorsFields(object: Readonly<ApiObject>): unknown {
  const kept = Object.entries(object.metadata).filter(([field]) => !['ownerReferences', 'finalizers', 'managedFields', 'selfLink'].includes(field));
  return { ...object, metadata: Object.fromEntries(kept) };
}
