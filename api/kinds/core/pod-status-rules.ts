/** The rules for the parts of a pod that have a subresource of their own: status, ephemeral containers, resize. */
import { goQuote } from '../../go-quote.ts';
import { type FieldError, Path, forbiddenField, invalid } from '../../field-error.ts';
import type { Container, ContainerStatus, Pod, PodSpec } from '../../types/core.v1.ts';
import { internalDiff } from '../shared/internal-form.ts';
import { checkLegacyAddress, isIPv6, parseAddress } from '../shared/ip-address.ts';
import { immutable } from '../shared/object-meta.ts';
import { MIRROR_POD, checkPodAnnotationChanges, checkPodAnnotations } from '../shared/pod-annotation-rules.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { isDnsSubdomain, isQualifiedName } from '../shared/text-rules.ts';
import { checkContainerStatuses } from './container-status-rules.ts';
import { checkClaimStatuses } from './pod-claim-status-rules.ts';
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
  return [...errors, ...checkClaimStatuses(pod), ...checkAddresses(pod, old, 'podIPs'), ...checkHostAddress(pod), ...checkAddresses(pod, old, 'hostIPs'), ...checkContainerStatuses(pod)];
}

export function validateEphemeralContainers(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[MIRROR_POD] !== undefined) return [forbiddenField(Path.of('[]'), 'static pods do not support ephemeral containers')];
  const path = Path.of('spec', 'ephemeralContainers');
  const now = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  const changed = (old.spec.ephemeralContainers ?? []).flatMap((container) => {
    const name = goQuote(container.name);
    const kept = now.get(container.name);
    if (!kept) return [forbiddenField(path, `existing ephemeral containers ${name} may not be removed\n`)];
    return semanticEqual(container, kept) ? [] : [forbiddenField(path, `existing ephemeral containers ${name} may not be changed\n${internalDiff('EphemeralContainer', container as never, kept as never)}`)];
  });
  return [...checkWholePod(pod, old), ...changed];
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
  const wrong = addresses.findIndex((ip) => !parseAddress(ip));
  if (addresses.length > 1 && wrong >= 0) errors.push({ type: 'InternalError', field: path.text, message: `Internal error: failed to check for dual stack with error:invalid IP[${wrong}]: ${addresses[wrong]}` });
  const families = new Set(addresses.map(isIPv6));
  if (addresses.length > 1 && (wrong >= 0 || families.size < 2 || addresses.length > 2)) {
    errors.push(invalid(path, addresses.map((ip) => ({ IP: ip })), 'may specify no more than one IP for each IP family'));
  }
  return errors;
}

function checkHostAddress(pod: Pod): FieldError[] {
  const first = pod.status?.hostIPs?.[0]?.ip;
  if (first === undefined || first === pod.status?.hostIP) return [];
  return [invalid(STATUS.child('hostIPs').index(0).child('ip'), first, 'must be equal to `hostIP`')];
}
