/** Which labels a kubelet may not give its own Node. Pure. */

const OWN = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);

/** Those among the labels that differ which are kept from kubelets, sorted. */
export function forbiddenLabels(after: Readonly<Record<string, string>> = {}, before: Readonly<Record<string, string>> = {}): string[] {
  const names = new Set([...Object.keys(after), ...Object.keys(before)]);
  return [...names].filter((name) => after[name] !== before[name] && isForbidden(name)).sort();
}

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/');
  const domain = slash < 0 ? '' : label.slice(0, slash);
  const within = (of: string): boolean => domain === of || domain.endsWith(`.${of}`);
  if (within('node-restriction.kubernetes.io')) return true;
  const kubernetes = within('kubernetes.io') || within('k8s.io');
  return kubernetes && !OWN.has(label) && !within('kubelet.kubernetes.io') && !within('node.kubernetes.io');
}
