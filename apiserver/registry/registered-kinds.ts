/** What upstream's decoders know: a body of a kind that they know but did not expect is refused in other words than one they never heard of. */
import { goQuote } from '../../api/go-quote.ts';
import { kindFact, kindFacts } from '../../api/facts/facts.ts';

interface GroupVersionKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Versions that are still read and no longer served. Provenance: pkg/apis of v1.36. */
const OLD_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  'admission.k8s.io': ['v1beta1'],
  'admissionregistration.k8s.io': ['v1alpha1', 'v1beta1'],
  'apiextensions.k8s.io': ['v1beta1'],
  'apiregistration.k8s.io': ['v1beta1'],
  apps: ['v1beta1', 'v1beta2'],
  'authentication.k8s.io': ['v1alpha1', 'v1beta1'],
  'authorization.k8s.io': ['v1beta1'],
  batch: ['v1beta1'],
  'certificates.k8s.io': ['v1alpha1', 'v1beta1'],
  'coordination.k8s.io': ['v1alpha2', 'v1beta1'],
  'discovery.k8s.io': ['v1beta1'],
  'events.k8s.io': ['v1beta1'],
  'flowcontrol.apiserver.k8s.io': ['v1beta1', 'v1beta2', 'v1beta3'],
  'networking.k8s.io': ['v1beta1'],
  'node.k8s.io': ['v1alpha1', 'v1beta1'],
  policy: ['v1beta1'],
  'rbac.authorization.k8s.io': ['v1alpha1', 'v1beta1'],
  'resource.k8s.io': ['v1alpha3', 'v1beta1', 'v1beta2'],
  'scheduling.k8s.io': ['v1alpha2', 'v1beta1'],
  'storage.k8s.io': ['v1alpha1', 'v1beta1'],
};

/** Old versions that have other kinds than their groups have now. */
const KINDS_OF_OLD: ReadonlyMap<string, readonly string[]> = new Map([
  ['apps/v1beta1', ['ControllerRevision', 'Deployment', 'Scale', 'StatefulSet']],
  ['apps/v1beta2', ['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'Scale', 'StatefulSet']],
  ['authentication.k8s.io/v1alpha1', ['SelfSubjectReview']],
  ['authentication.k8s.io/v1beta1', ['SelfSubjectReview', 'TokenReview']],
  ['admissionregistration.k8s.io/v1alpha1', ['MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']],
  ['batch/v1beta1', ['CronJob']],
  ['certificates.k8s.io/v1alpha1', ['ClusterTrustBundle']],
  ['coordination.k8s.io/v1alpha2', ['LeaseCandidate']],
  ['resource.k8s.io/v1alpha3', ['DeviceTaintRule']],
  ['scheduling.k8s.io/v1alpha2', []],
  ['storage.k8s.io/v1alpha1', ['CSIStorageCapacity', 'VolumeAttachment', 'VolumeAttributesClass']],
  ['networking.k8s.io/v1beta1', ['IPAddress', 'Ingress', 'IngressClass', 'ServiceCIDR']],
]);

/** Kinds of a group that is gone, where upstream reads them still. */
const EXTENSIONS = ['DaemonSet', 'Deployment', 'Ingress', 'NetworkPolicy', 'ReplicaSet', 'Scale'];

/** Servers within the server, which know their own group only. */
const APART = ['apiextensions.k8s.io', 'apiregistration.k8s.io'];

/** Why what was sent cannot be made what was expected; undefined where only the version is another one that is known. */
export function whyUnexpected(sent: GroupVersionKind, expected: GroupVersionKind): string | undefined {
  if (!isRegistered(sent, groupOf(expected))) return `no kind ${goQuote(sent.kind)} is registered for version ${goQuote(sent.apiVersion)} in scheme "pkg/runtime/scheme.go:111"`;
  if (sent.kind === expected.kind) return undefined;
  return `converting (${UNVERSIONED.has(sent.kind) ? 'v1' : versionOf(sent)}.${sent.kind}) to (${packageOf(expected)}.${expected.kind}): unknown conversion`;
}

/** Known in any version of any group. */
const UNVERSIONED: ReadonlySet<string> = new Set(['Status', 'APIVersions', 'APIGroup', 'APIGroupList', 'APIResourceList']);
const OPTIONS: ReadonlySet<string> = new Set(['CreateOptions', 'DeleteOptions', 'GetOptions', 'ListOptions', 'PatchOptions', 'UpdateOptions', 'WatchEvent']);

/** The type that a body of such a kind is read as; undefined where nobody knows it, or only that it was once. */
export function formOf(sent: GroupVersionKind, expected: GroupVersionKind): string | undefined {
  if (!isRegistered(sent, groupOf(expected))) return undefined;
  const group = UNVERSIONED.has(sent.kind) ? '' : groupOf(sent);
  // Old versions of a kind have much the same fields.
  return (kindFact(group, UNVERSIONED.has(sent.kind) ? 'v1' : versionOf(sent), sent.kind) ?? kindFacts().find((fact) => fact.group === group && fact.kind === sent.kind))?.type;
}

function isRegistered(sent: GroupVersionKind, server: string): boolean {
  const group = groupOf(sent);
  const version = versionOf(sent);
  if (UNVERSIONED.has(sent.kind) || (group === '' && version === 'v1' && OPTIONS.has(sent.kind))) return true;
  if (group === 'meta.k8s.io' || (APART.includes(group) || APART.includes(server) ? group !== server : false)) return false;
  if (kindFact(group, version, sent.kind)) return true;
  if (group === 'extensions') return version === 'v1beta1' && EXTENSIONS.includes(sent.kind);
  const known = KINDS_OF_OLD.get(sent.apiVersion);
  if (known) return known.includes(sent.kind);
  return (OLD_VERSIONS[group] ?? []).includes(version) && kindFacts().some((fact) => fact.group === group && fact.kind === sent.kind);
}

function packageOf({ apiVersion, kind }: GroupVersionKind): string {
  const group = groupOf({ apiVersion, kind });
  return group === '' || kind === 'Event' ? 'core' : (group.split('.')[0] as string);
}

function groupOf({ apiVersion }: GroupVersionKind): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

function versionOf({ apiVersion }: GroupVersionKind): string {
  return apiVersion.slice(apiVersion.indexOf('/') + 1);
}
