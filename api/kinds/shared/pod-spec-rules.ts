/** The rules for a pod's specification, in pods and in templates. */
import { type FieldError, type Path, duplicate, invalid, notFoundValue, notSupported, required, tooLong, forbiddenField } from '../../field-error.ts';
import type { Metadata } from '../../kind.ts';
import type { PodSpec } from '../../types/core.v1.ts';
import { checkAffinity, checkTolerations, checkTopologySpread } from './affinity-rules.ts';
import { checkContainers, checkEphemeralContainers, checkInitContainers } from './container-rules.ts';
import { bytes, inRange } from './formats.ts';
import { checkLegacyAddress } from './ip-address.ts';
import { checkLabels } from './object-meta.ts';
import { checkDnsConfig } from './pod-dns-rules.ts';
import { checkContainerResources, checkPodResources } from './resource-requirement-rules.ts';
import { checkHostUsers, checkPodSecurityContext } from './security-context-rules.ts';
import { isDnsLabel, isDnsSubdomain, isQualifiedName } from './text-rules.ts';
import { checkVolumes } from './volume-rules.ts';
import { checkForSystem, checkHostProcess } from './windows-options-rules.ts';

export interface PodSpecSurroundings {
  /** Of the pod itself; absent in templates. */
  readonly metadata?: Metadata | undefined;
}

export function checkPodSpec(spec: PodSpec, path: Path, around: PodSpecSurroundings = {}): FieldError[] {
  const isPod = around.metadata !== undefined;
  const { errors, volumes } = checkVolumes(spec.volumes ?? [], { ...around, isPod }, path.child('volumes'));
  const claims = (spec.resourceClaims ?? []).map((claim) => claim.name).filter((name) => name !== '');
  const surroundings = { spec, volumes, claims };
  return [
    ...(spec.terminationGracePeriodSeconds === undefined ? [required(path.child('terminationGracePeriodSeconds'))] : []),
    ...errors,
    ...checkResourceClaims(spec, path.child('resourceClaims')),
    ...checkContainers(surroundings, path.child('containers')),
    ...checkInitContainers(surroundings, path.child('initContainers')),
    ...checkEphemeralContainers(surroundings, path.child('ephemeralContainers')),
    ...checkPodResources(spec, claims, path),
    ...checkHostNetworkPorts(spec, isPod, path.child('containers')),
    ...oneOf(spec.restartPolicy, ['Always', 'OnFailure', 'Never'], path.child('restartPolicy')),
    ...oneOf(spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], path.child('dnsPolicy')),
    ...checkLabels(spec.nodeSelector, path.child('nodeSelector')),
    ...checkPodSecurityContext(spec, path.child('securityContext')),
    ...checkAffinity(spec.affinity, path.child('affinity')),
    ...checkDnsConfig(spec, path.child('dnsConfig')),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, at) => isQualifiedName(conditionType, path.child('readinessGates').index(at).child('conditionType'))),
    ...checkSchedulingGates(spec, path.child('schedulingGates')),
    ...checkTopologySpread(spec.topologySpreadConstraints ?? [], path.child('topologySpreadConstraints')),
    ...checkHostProcess(spec, path),
    ...checkHostUsers(spec, path),
    ...checkHostnameOverride(spec, path.child('hostnameOverride')),
    ...checkNames(spec, path),
    ...checkTolerations(spec.tolerations ?? [], path.child('tolerations')),
    ...checkHostAliases(spec, path.child('hostAliases')),
    ...checkClasses(spec, path),
    ...checkSystem(spec, path),
    ...checkFileKeyVolumes(spec, path),
  ];
}

const MAX_INT32 = 2 ** 31 - 1;

function checkNames(spec: PodSpec, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['serviceAccountName', 'nodeName'] as const) {
    if (spec[field]) errors.push(...isDnsSubdomain(spec[field], path.child(field)));
  }
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined) {
    errors.push(...inRange(deadline, 1, MAX_INT32).map((why) => invalid(path.child('activeDeadlineSeconds'), deadline, why)));
  }
  for (const field of ['hostname', 'subdomain'] as const) if (spec[field]) errors.push(...isDnsLabel(spec[field], path.child(field)));
  return errors;
}

function checkClasses(spec: PodSpec, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.priorityClassName) errors.push(...isDnsSubdomain(spec.priorityClassName, path.child('priorityClassName')));
  if (spec.runtimeClassName !== undefined) errors.push(...isDnsSubdomain(spec.runtimeClassName, path.child('runtimeClassName')));
  if (spec.preemptionPolicy !== undefined) errors.push(...oneOf(spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'], path.child('preemptionPolicy')));
  if (spec.overhead) {
    // Upstream checks an overhead as if it were the limits of a container, path included.
    errors.push(...checkContainerResources({ limits: spec.overhead }, [], path.child('overhead')));
  }
  return errors;
}

const SYSTEMS = ['linux', 'windows'];

function checkSystem(spec: PodSpec, path: Path): FieldError[] {
  const name = spec.os?.name;
  if (name === undefined) return [];
  if (name === '') return [required(path.child('os', 'name'))];
  return SYSTEMS.includes(name) ? checkForSystem(spec, path) : [notSupported(path.child('os'), name, SYSTEMS)];
}

function oneOf(value: string | undefined, allowed: readonly string[], path: Path): FieldError[] {
  if (!value) return [required(path)];
  return allowed.includes(value) ? [] : [notSupported(path, value, allowed)];
}

function checkResourceClaims(spec: PodSpec, path: Path): FieldError[] {
  const names = new Set<string>();
  return (spec.resourceClaims ?? []).flatMap((claim, at) => {
    const here = path.index(at);
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    const errors: FieldError[] = [];
    if (!name) errors.push(required(here.child('name')));
    else if (names.has(name)) errors.push(duplicate(here.child('name'), name));
    else errors.push(...isDnsLabel(name, here.child('name')));
    names.add(name);
    const shown = { Name: name, ResourceClaimName: resourceClaimName ?? null, ResourceClaimTemplateName: resourceClaimTemplateName ?? null };
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      errors.push(invalid(here, shown, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.push(invalid(here, shown, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    }
    if (resourceClaimName !== undefined) errors.push(...isDnsSubdomain(resourceClaimName, here.child('resourceClaimName')));
    if (resourceClaimTemplateName !== undefined) errors.push(...isDnsSubdomain(resourceClaimTemplateName, here.child('resourceClaimTemplateName')));
    return errors;
  });
}

function checkHostNetworkPorts(spec: PodSpec, isPod: boolean, path: Path): FieldError[] {
  if (!spec.hostNetwork) return [];
  return (spec.containers ?? []).flatMap((container, at) =>
    (container.ports ?? []).flatMap(({ hostPort = 0, containerPort }, n) => {
      if ((!isPod && hostPort === 0) || hostPort === containerPort) return [];
      const field = path.index(at).child('ports').index(n).child('hostPort');
      return [invalid(field, hostPort, 'must match `containerPort` when `hostNetwork` is true')];
    }),
  );
}

function checkSchedulingGates(spec: PodSpec, path: Path): FieldError[] {
  const gates = spec.schedulingGates ?? [];
  return gates.flatMap(({ name }, at) => {
    const again = gates.slice(0, at).some((gate) => gate.name === name);
    return [...isQualifiedName(name, path.index(at)), ...(again ? [duplicate(path.index(at), name)] : [])];
  });
}

const HOSTNAME_LIMIT_BYTES = 64;

function checkHostnameOverride(spec: PodSpec, path: Path): FieldError[] {
  const name = spec.hostnameOverride;
  if (name === undefined) return [];
  const errors: FieldError[] = [];
  if (spec.setHostnameAsFQDN) errors.push(forbiddenField(path, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec.hostNetwork) errors.push(forbiddenField(path, 'may not be specified when hostNetwork is true'));
  if (bytes(name) > HOSTNAME_LIMIT_BYTES) errors.push(tooLong(path, HOSTNAME_LIMIT_BYTES));
  return [...errors, ...isDnsSubdomain(name, path)];
}

function checkHostAliases(spec: PodSpec, path: Path): FieldError[] {
  return (spec.hostAliases ?? []).flatMap(({ ip, hostnames }, at) => [
    ...checkLegacyAddress(path.index(at).child('ip'), ip),
    ...(hostnames ?? []).flatMap((name, n) => isDnsSubdomain(name, path.index(at).child('hostnames').index(n))),
  ]);
}

/** Files with variables lie in an emptyDir of the same pod. */
function checkFileKeyVolumes(spec: PodSpec, path: Path): FieldError[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap((container, at) =>
      (container.env ?? []).flatMap(({ valueFrom }, n) => {
        const name = valueFrom?.fileKeyRef?.volumeName;
        if (name === undefined) return [];
        const field = path.child(list).index(at).child('env').index(n).child('valueFrom', 'fileKeyRef', 'volumeName');
        const volume = spec.volumes?.find((candidate) => candidate.name === name);
        if (!volume) return [notFoundValue(field, name)];
        return volume.emptyDir ? [] : [invalid(field, name, 'referenced volume must be of type emptyDir')];
      }),
    ),
  );
}
