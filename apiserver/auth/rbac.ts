/**
 * Role based access control over the caches of roles and bindings: synchronous, bindings indexed by subject.
 *
 * A decision looks only at the bindings that name the user or one of his groups: those of the cluster, then those of the
 * request's namespace.
 */
import { goQuote } from '../../api/go-quote.ts';
import { clusterrolebindings, clusterroles, rolebindings, roles } from '../../api/resources.ts';
import type { Subject } from '../../api/types/rbac.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Attributes, Authorizer, Decision, NonResourceRule, ResourceRule, UserInfo } from './auth.ts';
import type { ObjectChange, Reader } from './reader.ts';
import type { Rule } from './rules.ts';
import { ruleAllows } from './rules.ts';

/** A binding as both kinds have it; namespace '' for a ClusterRoleBinding. */
export interface Binding {
  readonly namespace: string;
  readonly name: string;
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly DeepReadonly<Subject>[];
}

export interface RbacAuthorizer extends Authorizer {
  authorize(attributes: Attributes): Decision;
  /** Every rule that the user has, and what could not be resolved. */
  policyRules(user: UserInfo, namespace: string): { readonly rules: readonly Rule[]; readonly errors: readonly string[] };
  /** The rules behind a roleRef; undefined when there is no such role. */
  roleRules(roleRef: { readonly kind: string; readonly name: string }, namespace: string): readonly Rule[] | undefined;
}

export function createRbacAuthorizer(reader: Reader): RbacAuthorizer {
  const index = new BindingIndex(reader);

  function roleRules(roleRef: { readonly kind: string; readonly name: string }, namespace: string): readonly Rule[] | undefined {
    const role = roleRef.kind === 'ClusterRole' ? reader.get(clusterroles, '', roleRef.name) : reader.get(roles, namespace, roleRef.name);
    return role && (role.rules ?? []);
  }

  /** Calls `visit` with each rule until it returns true, and returns that rule's source. */
  function find(user: UserInfo, namespace: string, errors: Set<string>, visit: (rule: Rule) => boolean): string | undefined {
    for (const scope of namespace ? ['', namespace] : ['']) {
      for (const [binding, subject] of index.of(user, scope)) {
        const rules = roleRules(binding.roleRef, scope);
        if (!rules) errors.add(`${binding.roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io ${goQuote(binding.roleRef.name)} not found`);
        else for (const rule of rules) if (visit(rule)) return describe(binding, subject);
      }
    }
    return undefined;
  }

  function policyRules(user: UserInfo, namespace: string): { rules: Rule[]; errors: string[] } {
    const rules: Rule[] = [];
    const errors = new Set<string>();
    find(user, namespace, errors, (rule) => {
      rules.push(rule);
      return false;
    });
    return { rules, errors: [...errors] };
  }

  return {
    roleRules,
    policyRules,
    authorize(attributes) {
      const errors = new Set<string>();
      const source = find(attributes.user, attributes.namespace, errors, (rule) => ruleAllows(attributes, rule));
      if (source !== undefined) return { decision: 'allow', reason: `RBAC: allowed by ${source}` };
      return { decision: 'no-opinion', reason: errors.size > 0 ? `RBAC: ${aggregate([...errors])}` : '' };
    },
    rulesFor(user, namespace) {
      const { rules } = policyRules(user, namespace);
      const resource: ResourceRule[] = [];
      const nonResource: NonResourceRule[] = [];
      for (const { verbs, apiGroups = [], resources = [], resourceNames, nonResourceURLs } of rules) {
        if (resources.length > 0) resource.push({ verbs, apiGroups, resources, ...(resourceNames && { resourceNames }) });
        if (nonResourceURLs?.length) nonResource.push({ verbs, nonResourceURLs });
      }
      return { resource, nonResource };
    },
  };
}

/** Several errors as one text. */
export function aggregate(errors: readonly string[]): string {
  return errors.length === 1 ? (errors[0] as string) : `[${errors.join(', ')}]`;
}

function describe(binding: Binding, subject: DeepReadonly<Subject>): string {
  const kind = binding.namespace ? 'RoleBinding' : 'ClusterRoleBinding';
  const name = binding.namespace ? `${binding.name}/${binding.namespace}` : binding.name;
  const to = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || binding.namespace}` : subject.name;
  return `${kind} ${goQuote(name)} of ${binding.roleRef.kind} ${goQuote(binding.roleRef.name)} to ${subject.kind} ${goQuote(to)}`;
}

/** Namespace → subject → bindings that name it, by the binding's name. */
class BindingIndex {
  readonly #scopes = new Map<string, Map<string, Map<string, Binding>>>();

  constructor(reader: Reader) {
    reader.onChange(clusterrolebindings, (change) => this.#apply(change));
    reader.onChange(rolebindings, (change) => this.#apply(change));
  }

  /** The bindings in a scope that apply to the user, each once, with the first subject that does. */
  *of(user: UserInfo, scope: string): Iterable<[Binding, DeepReadonly<Subject>]> {
    const subjects = this.#scopes.get(scope);
    if (!subjects) return;
    const seen = new Set<Binding>();
    for (const key of [`u:${user.name}`, ...user.groups.map((group) => `g:${group}`)]) {
      for (const binding of subjects.get(key)?.values() ?? []) {
        if (seen.has(binding)) continue;
        seen.add(binding);
        const subject = binding.subjects.find((candidate) => applies(candidate, user, scope));
        if (subject) yield [binding, subject];
      }
    }
  }

  #apply(change: ObjectChange<{ metadata: object; roleRef: { kind: string; name: string }; subjects?: Subject[] }>): void {
    const { namespace, name } = change;
    if (change.previous || change.type === 'deleted') this.#remove(namespace, name, (change.previous ?? change.object).subjects ?? []);
    if (change.type === 'deleted') return;
    const binding: Binding = { namespace, name, roleRef: change.object.roleRef, subjects: change.object.subjects ?? [] };
    const subjects = this.#scopes.get(namespace) ?? new Map<string, Map<string, Binding>>();
    this.#scopes.set(namespace, subjects);
    for (const subject of binding.subjects) {
      const key = subjectKey(subject, namespace);
      if (key === undefined) continue;
      subjects.set(key, (subjects.get(key) ?? new Map<string, Binding>()).set(name, binding));
    }
  }

  #remove(namespace: string, name: string, from: readonly DeepReadonly<Subject>[]): void {
    const subjects = this.#scopes.get(namespace);
    for (const subject of from) {
      const key = subjectKey(subject, namespace) ?? '';
      const bindings = subjects?.get(key);
      if (bindings?.delete(name) && bindings.size === 0) subjects?.delete(key);
    }
    if (subjects?.size === 0) this.#scopes.delete(namespace);
  }
}

function subjectKey(subject: DeepReadonly<Subject>, scope: string): string | undefined {
  if (subject.kind === 'User') return `u:${subject.name}`;
  if (subject.kind === 'Group') return `g:${subject.name}`;
  const namespace = subject.namespace || scope;
  return subject.kind === 'ServiceAccount' && namespace ? `u:system:serviceaccount:${namespace}:${subject.name}` : undefined;
}

function applies(subject: DeepReadonly<Subject>, user: UserInfo, scope: string): boolean {
  const key = subjectKey(subject, scope);
  return key !== undefined && (key === `u:${user.name}` || (subject.kind === 'Group' && user.groups.includes(subject.name)));
}
