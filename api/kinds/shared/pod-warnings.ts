/** What a server warns of in pods and pod templates: things that are taken, but not what their author meant. */
import { Path } from '../../field-error.ts';
import { canonicalQuantity, isFractional, parseQuantity } from '../../quantity.ts';
import { remembered } from '../../../std/remembered.ts';
import type { Container, Pod, PodAffinity, PodSpec, PodTemplateSpec } from '../../types/core.v1.ts';
import { addressWarnings } from './ip-address.ts';
import { nodeLabelWarnings } from './node-label-warnings.ts';
import { APPARMOR_PREFIX } from './pod-annotation-rules.ts';
import { portWarnings } from './port-warnings.ts';
import type { ResourceList } from './resource-list.ts';
import { volumeWarnings } from './volume-warnings.ts';
import type { ContainerAt } from './port-warnings.ts';

export function podWarnings({ spec, metadata: { annotations = {} } }: Pod): readonly string[] {
  return Object.keys(annotations).some(isOld) ? warningsFor(spec, annotations, Path.of()) : warningsOfSpec(spec);
}

const warningsOfSpec = remembered((spec: PodSpec): readonly string[] => warningsFor(spec, {}, Path.of()));

/** Other annotations are not looked at. */
function isOld(key: string): boolean {
  return Object.hasOwn(OLD_ANNOTATIONS, key) || key === SECCOMP || key.startsWith(SECCOMP_PREFIX) || key.startsWith(APPARMOR_PREFIX);
}

interface Workload {
  metadata: { generation?: number };
  spec?: { template?: PodTemplateSpec };
}

/** Of the template of a workload. An update that makes no new generation warns of nothing. */
export function workloadWarnings(object: Workload, old: Workload | undefined): string[] {
  if (old && old.metadata.generation === object.metadata.generation) return [];
  return podTemplateWarnings(object.spec?.template, Path.of('spec', 'template'));
}

export function podTemplateWarnings(template: PodTemplateSpec | undefined, path: Path): string[] {
  return template?.spec ? warningsFor(template.spec, template.metadata?.annotations ?? {}, path) : [];
}

const SYSCTLS = 'non-functional in v1.11+; use the "sysctls" field instead';
const OLD_ANNOTATIONS: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': SYSCTLS,
  'security.alpha.kubernetes.io/unsafe-sysctls': SYSCTLS,
};
const SECCOMP = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_PREFIX = 'container.seccomp.security.alpha.kubernetes.io/';
const SECCOMP_GONE = 'non-functional in v1.27+; use the "seccompProfile" field instead';

function warningsFor(spec: PodSpec, annotations: Readonly<Record<string, string>>, path: Path): string[] {
  const here = path.child('spec');
  const annotationPath = path.child('metadata', 'annotations');
  const containers = (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, at): ContainerAt => ({ container, path: here.child(list).index(at) })),
  );
  const seccompGone = annotations[SECCOMP] !== undefined && !spec.securityContext?.seccompProfile;
  return [
    ...nodeLabelWarnings(spec, here),
    ...Object.entries(OLD_ANNOTATIONS).flatMap(([key, why]) => (annotations[key] === undefined ? [] : [`${annotationPath.key(key)}: ${why}`])),
    ...volumeWarnings(spec.volumes ?? [], here.child('volumes')),
    ...repeated((spec.hostAliases ?? []).map(({ ip }) => ip), here.child('hostAliases'), 'ip'),
    ...repeated((spec.imagePullSecrets ?? []).map(({ name }) => name ?? ''), here.child('imagePullSecrets'), 'name'),
    ...emptyNames(spec, here.child('imagePullSecrets')),
    ...fractions([[spec.overhead, here.child('overhead')]]),
    ...(seccompGone ? [`${annotationPath.key(SECCOMP)}: ${SECCOMP_GONE}`] : []),
    ...containers.flatMap((found) => containerWarnings(found, annotations, annotationPath)),
    ...portWarnings(containers),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0 ? [`${here.child('terminationGracePeriodSeconds')}: must be >= 0; negative values are invalid and will be treated as 1`] : []),
    ...affinityWarnings(spec.affinity?.podAffinity, here.child('affinity', 'podAffinity')),
    ...affinityWarnings(spec.affinity?.podAntiAffinity, here.child('affinity', 'podAntiAffinity')),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((server, at) => addressWarnings(here.child('dnsConfig', 'nameservers').index(at), server)),
    ...(spec.hostAliases ?? []).flatMap(({ ip }, at) => addressWarnings(here.child('hostAliases').index(at).child('ip'), ip)),
  ];
}

function repeated(values: readonly string[], path: Path, field: string): string[] {
  return values.flatMap((value, at) =>
    values.indexOf(value) < at ? [`${path.index(at).child(field)}: duplicate ${field} ${JSON.stringify(value)}`] : [],
  );
}

function emptyNames(spec: PodSpec, path: Path): string[] {
  return (spec.imagePullSecrets ?? []).flatMap(({ name }, at) => (name ? [] : [`${path.index(at).child('name')}: invalid empty name ""`]));
}

function containerWarnings({ container, path }: ContainerAt, annotations: Readonly<Record<string, string>>, annotationPath: Path): string[] {
  const seccomp = `${SECCOMP_PREFIX}${container.name}`;
  const appArmor = `${APPARMOR_PREFIX}${container.name}`;
  const seccompGone = annotations[seccomp] !== undefined && !container.securityContext?.seccompProfile;
  const appArmorOld = annotations[appArmor] !== undefined;
  return [
    ...(seccompGone ? [`${annotationPath.key(seccomp)}: ${SECCOMP_GONE}`] : []),
    ...(appArmorOld ? [`${annotationPath.key(appArmor)}: deprecated since v1.30; use the "appArmorProfile" field instead`] : []),
    ...fractions((['limits', 'requests'] as const).map((list) => [container.resources?.[list], path.child('resources', list)])),
    ...hiddenVariables(container, path.child('env')),
  ];
}

/** Amounts of bytes come in whole ones. */
function fractions(lists: readonly (readonly [ResourceList | undefined, Path])[]): string[] {
  return ['memory', 'ephemeral-storage'].flatMap((name) => lists.flatMap(([list, path]) => {
    const text = list?.[name];
    const quantity = text === undefined ? undefined : parseQuantity(text);
    if (text === undefined || !quantity || !isFractional(quantity)) return [];
    return [`${path.key(name)}: fractional byte value "${canonicalQuantity(text)}" is invalid, must be an integer`];
  }));
}

/** A variable may come again where it extends itself: `PATH=$(PATH):/more`. */
function hiddenVariables(container: Container, path: Path): string[] {
  const names = new Set<string>();
  return (container.env ?? []).flatMap(({ name, value = '', valueFrom }, at) => {
    if (!names.has(name)) {
      names.add(name);
      return [];
    }
    const reference = `$(${name})`;
    const extended = !valueFrom && value !== reference && value.includes(reference);
    return extended ? [] : [`${path.index(at)}: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`];
  });
}

function affinityWarnings(affinity: PodAffinity | undefined, path: Path): string[] {
  const why = 'a null labelSelector results in matching no pod';
  const needed = 'requiredDuringSchedulingIgnoredDuringExecution';
  const wished = 'preferredDuringSchedulingIgnoredDuringExecution';
  return [
    ...(affinity?.[needed] ?? []).flatMap(({ labelSelector }, at) => (labelSelector ? [] : [`${path.child(needed).index(at).child('labelSelector')}: ${why}`])),
    ...(affinity?.[wished] ?? []).flatMap(({ podAffinityTerm }, at) =>
      podAffinityTerm.labelSelector ? [] : [`${path.child(wished).index(at).child('podAffinityTerm', 'labelSelector')}: ${why}`],
    ),
  ];
}
