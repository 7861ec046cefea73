/** The role aggregation controller: a ClusterRole with an aggregation rule has the rules of the roles that it selects. */
import { clusterroles, type ResourceRef } from '../api/resources.ts';
import { matchesLabels } from '../api/selectors.ts';
import type { ClusterRole, PolicyRule } from '../api/types/rbac.v1.ts';
import type { Stored } from '../client/client.ts';
import { deepEqual, type DeepReadonly } from '../std/deep.ts';
import { watch, type Controller, type View } from './controller.ts';
import { selectorOf } from './owners.ts';

export const clusterRoleAggregationController: Controller = {
  name: 'clusterrole-aggregation-controller',
  // A role that changes may have come to be selected, or have ceased to: all that aggregate are looked at.
  watches: [watch({ resource: clusterroles, keys: (_, view) => aggregating(view).map(({ metadata }) => metadata.name) })],
  reconcile(name, view) {
    const role = view.of(clusterroles).get({ name });
    if (!role?.aggregationRule) return { actions: [] };
    const rules = gathered(role, view.of(clusterroles).list());
    if (deepEqual(role.rules ?? [], rules)) return { actions: [] };
    // Without rules of its own to apply it gives up those that it applied before; what others wrote stays.
    const object = { metadata: { name }, ...(rules.length > 0 && { rules }) };
    return { actions: [{ do: 'apply', resource: clusterroles as ResourceRef<unknown>, object, force: true, fieldManager: 'clusterrole-aggregation-controller' }] };
  },
};

function aggregating(view: View): readonly Stored<ClusterRole>[] {
  return view.of(clusterroles).list().filter(({ aggregationRule }) => aggregationRule !== undefined);
}

function gathered(role: Stored<ClusterRole>, all: readonly Stored<ClusterRole>[]): DeepReadonly<PolicyRule>[] {
  const rules: DeepReadonly<PolicyRule>[] = [];
  const sorted = [...all].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const labels of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const selector = selectorOf(labels);
    for (const other of sorted) {
      if (other.metadata.name === role.metadata.name || !matchesLabels(selector, other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}
