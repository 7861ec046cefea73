/** Node labels that were renamed, where a pod still asks for them by their old name. */
import type { Path } from '../../field-error.ts';
import type { NodeSelectorTerm, PodSpec } from '../../types/core.v1.ts';

const OLD_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

function warningOf(label: string): string | undefined {
  return Object.hasOwn(OLD_LABELS, label) ? OLD_LABELS[label] : undefined;
}

export function nodeLabelWarnings(spec: PodSpec, path: Path): string[] {
  const affinity = spec.affinity?.nodeAffinity;
  const needed = path.child('affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution', 'nodeSelectorTerms');
  const wished = path.child('affinity', 'nodeAffinity', 'preferredDuringSchedulingIgnoredDuringExecution');
  return [
    ...Object.keys(spec.nodeSelector ?? {}).flatMap((key) => (warningOf(key) === undefined ? [] : [`${path.child('nodeSelector').key(key)}: ${warningOf(key)}`])),
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).flatMap((term, at) => termWarnings(term, needed.index(at))),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ preference }, at) =>
      termWarnings(preference, wished.index(at).child('preference')),
    ),
    ...(spec.topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }, at) => {
      const here = path.child('topologySpreadConstraints').index(at);
      const old = warningOf(topologyKey);
      return [
        ...(old ? [`${here.child('topologyKey')}: ${topologyKey} is ${old}`] : []),
        ...(labelSelector ? [] : [`${here.child('labelSelector')}: a null labelSelector results in matching no pod`]),
      ];
    }),
  ];
}

export function termWarnings(term: NodeSelectorTerm, path: Path): string[] {
  return (term.matchExpressions ?? []).flatMap(({ key }, at) => {
    const old = warningOf(key);
    return old ? [`${path.child('matchExpressions').index(at).child('key')}: ${key} is ${old}`] : [];
  });
}
