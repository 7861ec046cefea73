/** The rules for the parts of a pod that have a subresource of their own: status, ephemeral containers, resize. */
import { type FieldError, Path, forbiddenField, invalid } from '../../field-error.ts';
import type { Container, ContainerStatus, Pod, PodSpec } from '../../types/core.v1.ts';
import { checkLegacyAddress, isIPv6 } from '../shared/ip-address.ts';
import { immutable } from '../shared/object-meta.ts';
import { MIRROR_POD, checkPodAnnotationChanges, checkPodAnnotations } from '../shared/pod-annotation-rules.ts';
import { podQos } from '../shared/pod-qos.ts';
import type { ResourceList } from '../shared/resource-list.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { isDnsSubdomain, isQualifiedName } from '../shared/text-rules.ts';
import { checkWholePod } from './pod-rules.ts';

const STATUS = Path.of('status');
const ANNOTATIONS = Path.of('metadata', 'annotations');
const SYSTEM_CONDITIONS = ['PodScheduled', 'Ready', 'Initialized'];

export function validatePodStatus(pod: Pod, old: Pod): FieldError[] {
  const errors = [
    ...checkPodAnnotationChanges(pod.metadata.annotations, old.metadata.annotations, ANNOTATIONS),
    ...checkPodAnnotations(pod.metadata.annotations, pod.spec, ANNOTATIONS),
    ...checkConditions(pod),
    ...checkNomination(pod, old),
  ];
  if ((pod.status?.observedGeneration ?? 0) < 0) {
    errors.push(invalid(STATUS.child('observedGeneration'), pod.status?.observedGeneration, 'must be a non-negative integer'));
  }
  errors.push(...immutable(pod.status?.qosClass ?? '', old.status?.qosClass ?? '', STATUS.child('qosClass')));
  for (const [field, list] of [['containerStatuses', 'containers'], ['initContainerStatuses', 'initContainers']] as const) {
    errors.push(...checkTransitions(pod.status?.[field] ?? [], old.status?.[field] ?? [], pod.spec, pod.spec[list] ?? [], STATUS.child(field)));
  }
  const field = 'ephemeralContainerStatuses';
  errors.push(...checkTransitions(pod.status?.[field] ?? [], old.status?.[field] ?? [], undefined, [], STATUS.child(field)));
  return [...errors, ...checkAddresses(pod, old, 'podIPs'), ...checkHostAddress(pod), ...checkAddresses(pod, old, 'hostIPs')];
}

export function validateEphemeralContainers(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[MIRROR_POD] !== undefined) return [forbiddenField(Path.of('[]'), 'static pods do not support ephemeral containers')];
  const path = Path.of('spec', 'ephemeralContainers');
  const now = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  const changed = (old.spec.ephemeralContainers ?? []).flatMap((container) => {
    const name = JSON.stringify(container.name);
    const kept = now.get(container.name);
    if (!kept) return [forbiddenField(path, `existing ephemeral containers ${name} may not be removed\n`)];
    return semanticEqual(container, kept) ? [] : [forbiddenField(path, `existing ephemeral containers ${name} may not be changed\n`)];
  });
  return [...checkWholePod(pod, old), ...changed];
}

export function validatePodResize(pod: Pod, old: Pod): FieldError[] {
  const path = Path.of('spec');
  if (old.metadata.annotations?.[MIRROR_POD] !== undefined) return [forbiddenField(Path.of('[]'), 'static pods cannot be resized')];
  if (old.spec.os?.name === 'windows') return [forbiddenField(Path.of('[]'), 'windows pods cannot be resized')];
  const errors = checkWholePod(pod, old);
  if ((old.status?.qosClass ?? podQos(old.spec)) !== podQos(pod.spec)) {
    errors.push(invalid(path, pod.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'));
  }
  const running = old.status?.containerStatuses?.find((status) => status.state?.running);
  if (running && !running.resources) errors.push(forbiddenField(path, 'Pod running on node without support for resize'));
  for (const list of ['initContainers', 'containers'] as const) errors.push(...checkResized(pod.spec, old.spec, list, path));
  const same = errors.length > 0 || semanticEqual(withoutResources(pod.spec), withoutResources(old.spec));
  return same ? errors : [...errors, forbiddenField(path, 'only cpu and memory resources are mutable')];
}

function checkConditions(pod: Pod): FieldError[] {
  return (pod.status?.conditions ?? []).flatMap((condition, at) => {
    const path = STATUS.child('conditions').index(at);
    const generation = condition.observedGeneration ?? 0;
    const errors = generation < 0 ? [invalid(path.child('observedGeneration'), generation, 'must be a non-negative integer')] : [];
    if (SYSTEM_CONDITIONS.includes(condition.type)) return errors;
    return [...errors, ...isQualifiedName(condition.type, path.child('Type'))];
  });
}

function checkNomination(pod: Pod, old: Pod): FieldError[] {
  const node = pod.status?.nominatedNodeName ?? '';
  if (node === '' || node === (old.status?.nominatedNodeName ?? '')) return [];
  const path = STATUS.child('nominatedNodeName');
  const bound = old.spec.nodeName ? [forbiddenField(path, 'may not be set on pods that are already bound to a node')] : [];
  return [...isDnsSubdomain(node, path), ...bound];
}

/** A container that ended stays so, unless its pod would start it again. `spec` undefined: it never does. */
function checkTransitions(
  statuses: readonly ContainerStatus[],
  old: readonly ContainerStatus[],
  spec: PodSpec | undefined,
  containers: readonly Container[],
  path: Path,
): FieldError[] {
  return old.flatMap((before, at) => {
    const ended = before.state?.terminated;
    const now = statuses.find((status) => status.name === before.name);
    if (!ended || !now || now.state?.terminated) return [];
    const container = containers.find((candidate) => candidate.name === before.name);
    const policy = container?.restartPolicy ?? spec?.restartPolicy ?? 'Never';
    const mayRestart = policy === 'Always' || (policy === 'OnFailure' && ended.exitCode !== 0) || ruleRestarts(container, ended.exitCode);
    if (mayRestart || restartsAll(spec)) return [];
    return [forbiddenField(path.index(at).child('state'), 'may not be transitioned to non-terminated state')];
  });
}

function ruleRestarts(container: Container | undefined, exitCode: number): boolean {
  return (container?.restartPolicyRules ?? []).some(({ exitCodes }) => {
    const listed = (exitCodes?.values ?? []).includes(exitCode);
    return exitCodes?.operator === 'In' ? listed : exitCodes?.operator === 'NotIn' && !listed;
  });
}

function restartsAll(spec: PodSpec | undefined): boolean {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return containers.some((container) => (container.restartPolicyRules ?? []).some((rule) => rule.action === 'RestartAllContainers'));
}

function checkAddresses(pod: Pod, old: Pod, field: 'podIPs' | 'hostIPs'): FieldError[] {
  const path = STATUS.child(field);
  const before = (old.status?.[field] ?? []).map(({ ip }) => ip);
  const addresses = (pod.status?.[field] ?? []).map(({ ip }) => ip);
  const errors = addresses.flatMap((ip, at) => checkLegacyAddress(path.index(at), ip, before));
  const families = new Set(addresses.map(isIPv6));
  if (addresses.length > 1 && (families.size < 2 || addresses.length > 2)) {
    errors.push(invalid(path, addresses.map((ip) => ({ IP: ip })), 'may specify no more than one IP for each IP family'));
  }
  return errors;
}

function checkHostAddress(pod: Pod): FieldError[] {
  const first = pod.status?.hostIPs?.[0]?.ip;
  if (first === undefined || first === pod.status?.hostIP) return [];
  return [invalid(STATUS.child('hostIPs').index(0).child('ip'), first, 'must be equal to `hostIP`')];
}

function checkResized(spec: PodSpec, old: PodSpec, list: 'containers' | 'initContainers', path: Path): FieldError[] {
  const containers = spec[list] ?? [];
  const before = old[list] ?? [];
  if (containers.length !== before.length) return [forbiddenField(path.child(list), `${list} may not be added or removed on resize`)];
  const renamed = before.flatMap(({ name }, at) => (containers[at]?.name === name ? [] : [path.child(list).index(at).child('name')]));
  if (renamed.length > 0) return renamed.map((field) => forbiddenField(field, `${list} may not be renamed or reordered on resize`));
  return containers.flatMap((container, at) => {
    const earlier = before[at];
    if (!earlier) return [];
    const errors = checkNothingRemoved(container, earlier, path.child(list).index(at).child('resources'));
    if (semanticEqual(withoutCpuAndMemory(container), withoutCpuAndMemory(earlier))) return errors;
    if (list === 'containers') return [...errors, forbiddenField(path, 'only cpu and memory resources are mutable')];
    const why = 'only cpu and memory resources for init or sidecar containers are mutable';
    return [...errors, forbiddenField(path.child(list).index(at), why)];
  });
}

function checkNothingRemoved(container: Container, old: Container, path: Path): FieldError[] {
  return (['limits', 'requests'] as const).flatMap((list) => {
    const before = Object.keys(old.resources?.[list] ?? {});
    const gone = before.some((name) => container.resources?.[list]?.[name] === undefined);
    return gone ? [forbiddenField(path.child(list), `resource ${list} cannot be removed`)] : [];
  });
}

function withoutCpuAndMemory(container: Container): Container {
  const others = (list: ResourceList | undefined): ResourceList =>
    Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => name !== 'cpu' && name !== 'memory'));
  const { resizePolicy: _policy, ...rest } = container;
  return { ...rest, resources: { limits: others(container.resources?.limits), requests: others(container.resources?.requests) } };
}

function withoutResources(spec: PodSpec): unknown {
  const { resources: _resources, containers, initContainers, ...rest } = spec;
  return { ...rest, containers: containers.map(withoutCpuAndMemory), initContainers: (initContainers ?? []).map(withoutCpuAndMemory) };
}
