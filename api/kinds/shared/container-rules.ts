/** Containers of a pod: regular, init and ephemeral ones. */
import { type FieldError, type Path, duplicate, forbiddenField, invalid, notFoundValue, notSupported, required, tooMany } from '../../field-error.ts';
import type { Container, ContainerPort, EphemeralContainer, PodSpec } from '../../types/core.v1.ts';
import { checkEnv, checkEnvFrom } from './env-rules.ts';
import { portName, portNumber } from './formats.ts';
import { isSidecar } from './pod-resources.ts';
import { checkLifecycle, checkLiveness, checkReadiness, checkStartup } from './probe-rules.ts';
import { checkContainerResources } from './resource-requirement-rules.ts';
import { checkSecurityContext } from './security-context-rules.ts';
import { isDnsLabel } from './text-rules.ts';
import { type Volumes, checkVolumeDevices, checkVolumeMounts } from './volume-mount-rules.ts';

/** What containers refer to in their pod. */
export interface ContainerSurroundings {
  readonly spec: PodSpec;
  readonly volumes: Volumes;
  readonly claims: readonly string[];
}

export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
export const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

export function checkContainers(around: ContainerSurroundings, path: Path): FieldError[] {
  const containers = around.spec.containers ?? [];
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  const errors = containers.flatMap((container, at) => {
    const here = path.index(at);
    const found = checkCommon(container, around, here);
    if (names.has(container.name)) found.push(duplicate(here.child('name'), container.name));
    names.add(container.name);
    return [...found, ...checkRunning(container, around, here), ...checkRestartPolicy(container, here)];
  });
  return [...errors, ...checkHostPorts(containers, path)];
}

const ONLY_SIDECARS = 'may not be set for init containers without restartPolicy=Always';

export function checkInitContainers(around: ContainerSurroundings, path: Path): FieldError[] {
  const names = new Set((around.spec.containers ?? []).map((container) => container.name));
  return (around.spec.initContainers ?? []).flatMap((container, at) => {
    const here = path.index(at);
    const errors = [...checkCommon(container, around, here), ...checkRestartPolicy(container, here, true)];
    if (names.has(container.name)) errors.push(duplicate(here.child('name'), container.name));
    else if (container.name) names.add(container.name);
    errors.push(...checkHostPorts([container], path));
    if (isSidecar(container)) return [...errors, ...checkRunning(container, around, here)];
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[field]) errors.push(forbiddenField(here.child(field), ONLY_SIDECARS));
    }
    for (const [n, policy] of (container.resizePolicy ?? []).entries()) {
      if (policy.restartPolicy !== 'RestartContainer') continue;
      const field = here.child('resizePolicy').index(n).child('restartPolicy');
      errors.push(invalid(field, policy.restartPolicy, "must not be set to 'RestartContainer' for non-sidecar initContainers"));
    }
    return errors;
  });
}

const NOT_EPHEMERAL = ['ports', 'resources', 'resizePolicy', 'restartPolicy', 'restartPolicyRules', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const;

export function checkEphemeralContainers(around: ContainerSurroundings, path: Path): FieldError[] {
  const { containers, initContainers, ephemeralContainers } = around.spec;
  const others = new Set([...(containers ?? []), ...(initContainers ?? [])].map((container) => container.name));
  const names = new Set(others);
  return (ephemeralContainers ?? []).flatMap((container: EphemeralContainer, at) => {
    const here = path.index(at);
    const errors = [...checkCommon(container, around, here), ...checkImageBlanks(container, here)];
    if (names.has(container.name)) errors.push(duplicate(here.child('name'), container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(notFoundValue(here.child('targetContainerName'), target));
    for (const field of NOT_EPHEMERAL) {
      if (isSet(field, container[field])) errors.push(forbiddenField(here.child(field), 'cannot be set for an Ephemeral Container'));
    }
    for (const [n, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ['subPath', 'subPathExpr'] as const) {
        if (mount[field]) errors.push(forbiddenField(here.child('volumeMounts').index(n).child(field), 'cannot be set for an Ephemeral Container'));
      }
    }
    return errors;
  });
}

/** Templates may have blanks around an image, pods may not. */
export function checkImageBlanks(container: Container, path: Path): FieldError[] {
  const image = container.image ?? '';
  return image.trim() === image ? [] : [invalid(path.child('image'), image, 'must not have leading or trailing whitespace')];
}

export function checkPullPolicy(policy: string | undefined, path: Path): FieldError[] {
  if (!policy) return [required(path)];
  return PULL_POLICIES.includes(policy) ? [] : [notSupported(path, policy, PULL_POLICIES)];
}

const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];

function checkCommon(container: Container, around: ContainerSurroundings, path: Path): FieldError[] {
  const policy = container.terminationMessagePolicy ?? '';
  const errors = container.name ? isDnsLabel(container.name, path.child('name')) : [required(path.child('name'))];
  if (!container.image) errors.push(required(path.child('image')));
  if (policy === '') errors.push(required(path.child('terminationMessagePolicy')));
  else if (!MESSAGE_POLICIES.includes(policy)) errors.push(notSupported(path.child('terminationMessagePolicy'), policy, MESSAGE_POLICIES));
  return [
    ...errors,
    ...checkPorts(container.ports ?? [], path.child('ports')),
    ...checkEnv(container.env ?? [], path.child('env')),
    ...checkEnvFrom(container.envFrom ?? [], path.child('envFrom')),
    ...checkVolumeMounts(container, around.volumes, path.child('volumeMounts')),
    ...checkVolumeDevices(container, around.volumes, path.child('volumeDevices')),
    ...checkPullPolicy(container.imagePullPolicy, path.child('imagePullPolicy')),
    ...checkContainerResources(container.resources, around.claims, path.child('resources')),
    ...checkResizePolicy(container, around.spec, path.child('resizePolicy')),
    ...checkSecurityContext(container.securityContext, around.spec.hostUsers ?? true, path.child('securityContext')),
  ];
}

function checkRunning(container: Container, around: ContainerSurroundings, path: Path): FieldError[] {
  const grace = around.spec.terminationGracePeriodSeconds;
  return [
    ...(container.lifecycle ? checkLifecycle(container.lifecycle, grace, path.child('lifecycle')) : []),
    ...checkLiveness(container.livenessProbe, grace, path.child('livenessProbe')),
    ...checkReadiness(container.readinessProbe, grace, path.child('readinessProbe')),
    ...checkStartup(container.startupProbe, grace, path.child('startupProbe')),
  ];
}

function checkPorts(ports: readonly ContainerPort[], path: Path): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, at) => {
    const here = path.index(at);
    const errors: FieldError[] = [];
    if (port.name) {
      const wrong = portName(port.name);
      errors.push(...wrong.map((why) => invalid(here.child('name'), port.name, why)));
      if (wrong.length === 0 && names.has(port.name)) errors.push(duplicate(here.child('name'), port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(here.child('containerPort')));
    else errors.push(...portNumber(port.containerPort).map((why) => invalid(here.child('containerPort'), port.containerPort, why)));
    if (port.hostPort) errors.push(...portNumber(port.hostPort).map((why) => invalid(here.child('hostPort'), port.hostPort, why)));
    if (!port.protocol) errors.push(required(here.child('protocol')));
    else if (!PROTOCOLS.includes(port.protocol)) errors.push(notSupported(here.child('protocol'), port.protocol, PROTOCOLS));
    return errors;
  });
}

function checkHostPorts(containers: readonly Container[], path: Path): FieldError[] {
  const taken = new Set<string>();
  return containers.flatMap((container, at) =>
    (container.ports ?? []).flatMap((port, n) => {
      if (!port.hostPort) return [];
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (taken.has(key)) return [duplicate(path.index(at).child('ports').index(n).child('hostPort'), key)];
      taken.add(key);
      return [];
    }),
  );
}

const RESIZABLE = ['cpu', 'memory'];
const RESIZE_POLICIES = ['NotRequired', 'RestartContainer'];

function checkResizePolicy(container: Container, spec: PodSpec, path: Path): FieldError[] {
  const seen = new Set<string>();
  return (container.resizePolicy ?? []).flatMap(({ resourceName, restartPolicy }, at) => {
    const errors: FieldError[] = seen.has(resourceName) ? [duplicate(path.index(at), resourceName)] : [];
    seen.add(resourceName);
    if (!resourceName) errors.push(required(path));
    else if (!RESIZABLE.includes(resourceName)) errors.push(notSupported(path, resourceName, RESIZABLE));
    if (!restartPolicy) errors.push(required(path));
    else if (!RESIZE_POLICIES.includes(restartPolicy)) errors.push(notSupported(path, restartPolicy, RESIZE_POLICIES));
    if (spec.restartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.push(invalid(path, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
    }
    return errors;
  });
}

const RESTART_POLICIES = ['Always', 'Never', 'OnFailure'];
const RESTART_ACTIONS = ['Restart', 'RestartAllContainers'];
const EXIT_CODE_OPERATORS = ['In', 'NotIn'];
const RULES_LIMIT = 20;
const EXIT_CODES_LIMIT = 255;

/** Rules of an init container without a policy are told to lack it, and nothing else. */
function checkRestartPolicy(container: Container, path: Path, isInit = false): FieldError[] {
  const rules = container.restartPolicyRules ?? [];
  const policy = container.restartPolicy;
  const field = path.child('restartPolicy');
  const errors: FieldError[] = [];
  if (policy === undefined) {
    if (rules.length > 0) errors.push(required(field, 'must specify restartPolicy when restart rules are used'));
    if (isInit) return errors;
  } else if (!RESTART_POLICIES.includes(policy)) errors.push(notSupported(field, policy, RESTART_POLICIES));
  if (rules.length > RULES_LIMIT) errors.push(tooMany(path.child('restartPolicyRules'), rules.length, RULES_LIMIT));
  for (const [at, rule] of rules.entries()) {
    const here = path.child('restartPolicyRules').index(at);
    const codes = here.child('exitCodes');
    if (!RESTART_ACTIONS.includes(rule.action)) errors.push(notSupported(here.child('action'), rule.action ?? '', RESTART_ACTIONS));
    if (!rule.exitCodes) {
      errors.push(required(codes, 'must be specified'));
      continue;
    }
    const { operator, values } = rule.exitCodes;
    if (!EXIT_CODE_OPERATORS.includes(operator)) errors.push(notSupported(codes.child('operator'), operator ?? '', EXIT_CODE_OPERATORS));
    const count = values?.length ?? 0;
    if (count > EXIT_CODES_LIMIT) errors.push(tooMany(codes.child('values'), count, EXIT_CODES_LIMIT));
  }
  return errors;
}

/** Resources are no pointer upstream: empty ones are none. */
function isSet(field: string, value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  return field !== 'resources' || Object.keys(value).length > 0;
}
