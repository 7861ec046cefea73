/** Security contexts of pods and containers: users, profiles, sysctls. */
import { type FieldError, type Path, duplicate, forbiddenField, invalid, notSupported, required, tooLong } from '../../field-error.ts';
import { internalForm } from './internal-form.ts';
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext } from '../../types/core.v1.ts';
import { bytes, userOrGroupId } from './formats.ts';
import { descending } from './text-rules.ts';
import { checkWindowsOptions } from './windows-options-rules.ts';

export function checkSecurityContext(context: SecurityContext | undefined, hostUsers: boolean, path: Path): FieldError[] {
  if (!context) return [];
  const errors = [...checkId(context.runAsUser, path.child('runAsUser')), ...checkId(context.runAsGroup, path.child('runAsGroup'))];
  if (context.procMount !== undefined) errors.push(...checkProcMount(context.procMount, hostUsers, path.child('procMount')));
  errors.push(...checkSeccomp(context.seccompProfile, path.child('seccompProfile')));
  if (context.allowPrivilegeEscalation === false) {
    const why = 'cannot set `allowPrivilegeEscalation` to false and ';
    if (context.privileged) errors.push(invalid(path, internalForm('SecurityContext', context as never), `${why}\`privileged\` to true`));
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) errors.push(invalid(path, internalForm('SecurityContext', context as never), `${why}\`capabilities.Add\` CAP_SYS_ADMIN`));
  }
  errors.push(...checkWindowsOptions(context.windowsOptions, path.child('windowsOptions')));
  return [...errors, ...checkAppArmor(context.appArmorProfile, path.child('appArmorProfile'))];
}

const FS_GROUP_POLICIES = ['Always', 'OnRootMismatch'];
const SUPPLEMENTAL_POLICIES = ['Merge', 'Strict'];
/** Others belong to a gate that is off. */
const SELINUX_POLICIES = ['Recursive'];

export function checkPodSecurityContext(spec: PodSpec, path: Path): FieldError[] {
  const context = spec.securityContext;
  if (!context) return [];
  const errors = [
    ...checkId(context.fsGroup, path.child('fsGroup')),
    ...checkId(context.runAsUser, path.child('runAsUser')),
    ...checkId(context.runAsGroup, path.child('runAsGroup')),
    ...(context.supplementalGroups ?? []).flatMap((group, at) => checkId(group, path.child('supplementalGroups').index(at))),
  ];
  if (spec.shareProcessNamespace && spec.hostPID) {
    errors.push(invalid(path.child('shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  }
  errors.push(
    ...checkSysctls(context, spec, path.child('sysctls')),
    ...oneOf(context.fsGroupChangePolicy, FS_GROUP_POLICIES, path.child('fsGroupChangePolicy')),
    ...checkSeccomp(context.seccompProfile, path.child('seccompProfile')),
    ...checkWindowsOptions(context.windowsOptions, path.child('windowsOptions')),
    ...checkAppArmor(context.appArmorProfile, path.child('appArmorProfile')),
    ...oneOf(context.supplementalGroupsPolicy, SUPPLEMENTAL_POLICIES, path.child('supplementalGroupsPolicy')),
    ...oneOf(context.seLinuxChangePolicy, SELINUX_POLICIES, path.child('seLinuxChangePolicy')),
  );
  return errors;
}

const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const PROFILE_LIMIT_BYTES = 4095;

export function checkAppArmor(profile: AppArmorProfile | undefined, path: Path): FieldError[] {
  if (!profile) return [];
  const type: string = profile.type;
  const name = profile.localhostProfile;
  const field = path.child('localhostProfile');
  if (type === '') return [required(path.child('type'), 'type is required when appArmorProfile is set')];
  if (!PROFILE_TYPES.includes(type)) return [notSupported(path.child('type'), type, PROFILE_TYPES)];
  if (type !== 'Localhost') return name === undefined ? [] : [invalid(field, name, 'can only be set when AppArmor type is Localhost')];
  if (name === undefined) return [required(field, 'must be set when AppArmor type is Localhost')];
  const errors: FieldError[] = [];
  if (name.trim() !== name) errors.push(invalid(field, name, 'must not be padded with whitespace'));
  else if (name === '') errors.push(required(field, 'must be set when AppArmor type is Localhost'));
  return bytes(name) > PROFILE_LIMIT_BYTES ? [...errors, tooLong(field, PROFILE_LIMIT_BYTES)] : errors;
}

export function checkSeccomp(profile: SeccompProfile | undefined, path: Path): FieldError[] {
  if (!profile) return [];
  const type: string = profile.type;
  const name = profile.localhostProfile;
  const field = path.child('localhostProfile');
  const errors: FieldError[] = [];
  if (type === '') errors.push(required(path.child('type'), 'type is required when seccompProfile is set'));
  else if (!PROFILE_TYPES.includes(type)) errors.push(notSupported(path.child('type'), type, PROFILE_TYPES));
  if (type !== 'Localhost') {
    if (name === undefined) return errors;
    return [...errors, invalid(field, { Type: type, LocalhostProfile: name }, 'can only be set when seccomp type is Localhost')];
  }
  if (name === undefined) return [...errors, required(field, 'must be set when seccomp type is Localhost')];
  return [...errors, ...descending(name, field)];
}

export function checkHostUsers(spec: PodSpec, path: Path): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const errors: FieldError[] = [];
  const why = 'when `hostUsers` is false';
  if (spec.hostNetwork) errors.push(forbiddenField(path.child('hostNetwork'), why));
  if (spec.hostPID) errors.push(forbiddenField(path.child('HostPID'), why));
  if (spec.hostIPC) errors.push(forbiddenField(path.child('HostIPC'), why));
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [at, container] of (spec[list] ?? []).entries()) {
      if (container.volumeDevices?.length) errors.push(forbiddenField(path.child(list).index(at).child('volumeDevices'), why));
    }
  }
  return errors;
}

function checkId(id: number | undefined, path: Path): FieldError[] {
  return id === undefined ? [] : userOrGroupId(id).map((why) => invalid(path, id, why));
}

function oneOf(value: string | undefined, allowed: readonly string[], path: Path): FieldError[] {
  return value === undefined || allowed.includes(value) ? [] : [notSupported(path, value, allowed)];
}

const PROC_MOUNTS = ['Default', 'Unmasked'];

function checkProcMount(type: string, hostUsers: boolean, path: Path): FieldError[] {
  if (!PROC_MOUNTS.includes(type)) return [notSupported(path, type, PROC_MOUNTS)];
  return hostUsers && type === 'Unmasked' ? [invalid(path, type, '`hostUsers` must be false to use `Unmasked`')] : [];
}

const SYSCTL_SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SYSCTL = `(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}`;
const SYSCTL_REGEXP = new RegExp(`^${SYSCTL}$`);
const SYSCTL_LIMIT = 253;

function checkSysctls(context: PodSecurityContext, spec: PodSpec, path: Path): FieldError[] {
  const names = new Set<string>();
  return (context.sysctls ?? []).flatMap(({ name }, at) => {
    const field = path.index(at).child('name');
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(field));
    else if (name.length > SYSCTL_LIMIT || !SYSCTL_REGEXP.test(name)) {
      errors.push(invalid(field, name, `must have at most ${SYSCTL_LIMIT} characters and match regex ^${SYSCTL}$`));
    } else if (names.has(name)) errors.push(duplicate(field, name));
    names.add(name);
    const dotted = name.replaceAll('/', '.');
    if (spec.hostNetwork && dotted.startsWith('net.')) errors.push(invalid(field, name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC && isIpcSysctl(dotted)) errors.push(invalid(field, name, "may not be specified when 'hostIPC' is true"));
    return errors;
  });
}

function isIpcSysctl(name: string): boolean {
  return name === 'kernel.sem' || /^(kernel\.(shm|msg)|fs\.mqueue\.)/.test(name);
}
