/** Windows options of security contexts, and which options a pod's operating system rules out. */
import { type FieldError, type Path, forbiddenField, invalid } from '../../field-error.ts';
import type { PodSpec, SecurityContext, WindowsSecurityContextOptions } from '../../types/core.v1.ts';
import { bytes, dnsSubdomain } from './formats.ts';

const SPEC_LIMIT_KIB = 64;
const DOMAIN_LIMIT = 256;
const USER_LIMIT = 104;

export function checkWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: Path): FieldError[] {
  if (!options) return [];
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  const errors: FieldError[] = [];
  if (name !== undefined) errors.push(...dnsSubdomain(name).map((why) => invalid(path.child('gmsaCredentialSpecName'), name, why)));
  if (spec === '') errors.push(invalid(path.child('gmsaCredentialSpec'), spec, 'gmsaCredentialSpec cannot be an empty string'));
  else if (spec !== undefined && bytes(spec) > SPEC_LIMIT_KIB * 1024) {
    errors.push(invalid(path.child('gmsaCredentialSpec'), spec, `gmsaCredentialSpec size must be under ${SPEC_LIMIT_KIB} KiB`));
  }
  if (user !== undefined) errors.push(...userNameProblems(user).map((why) => invalid(path.child('runAsUserName'), user, `runAsUserName${why}`)));
  return errors;
}

/** Every container of a pod is a host process, or none is. */
export function checkHostProcess(spec: PodSpec, path: Path): FieldError[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const errors: FieldError[] = [];
  let hostProcesses = 0;
  const all = containersWithPaths(spec, path);
  for (const { context, here } of all) {
    const own = context?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const field = here.child('securityContext', 'windowsOptions', 'hostProcess');
      errors.push(invalid(field, own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`));
    }
    if (own ?? ofPod) hostProcesses++;
  }
  if (hostProcesses === 0) return errors;
  if (hostProcesses !== all.length) {
    errors.push(invalid(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers'));
  }
  if (!spec.hostNetwork) {
    errors.push(invalid(path.child('hostNetwork'), false, 'hostNetwork must be true if pod contains any hostProcess containers'));
  }
  return errors;
}

const NOT_ON_WINDOWS = 'cannot be set for a windows pod';
const POD_CONTEXT = ['appArmorProfile', 'seLinuxOptions'] as const;
const POD_SPEC = ['hostUsers', 'hostPID', 'hostIPC'] as const;
const MORE_POD_CONTEXT = ['seccompProfile', 'fsGroup', 'fsGroupChangePolicy', 'sysctls'] as const;
const LAST_POD_CONTEXT = ['runAsUser', 'runAsGroup', 'supplementalGroups', 'supplementalGroupsPolicy', 'seLinuxChangePolicy'] as const;
const CONTAINER_CONTEXT = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

/** `spec.os` rules out what only the other system has. */
export function checkForSystem(spec: PodSpec, path: Path): FieldError[] {
  if (spec.os?.name === 'linux') {
    const why = 'windows options cannot be set for a linux pod';
    const field = path.child('securityContext', 'windowsOptions');
    const ofPod = spec.securityContext?.windowsOptions ? [forbiddenField(field, why)] : [];
    const rest = containersWithPaths(spec, path).filter(({ context }) => context?.windowsOptions);
    return [...ofPod, ...rest.map(({ here }) => forbiddenField(here.child('securityContext', 'windowsOptions'), why))];
  }
  if (spec.os?.name !== 'windows') return [];
  const context = spec.securityContext ?? {};
  const set = (fields: readonly string[], owner: object, at: Path): FieldError[] =>
    fields.filter((field) => isSet((owner as Record<string, unknown>)[field])).map((field) => forbiddenField(at.child(field), NOT_ON_WINDOWS));
  const contextPath = path.child('securityContext');
  return [
    ...set(POD_CONTEXT, context, contextPath),
    ...(spec.hostUsers === undefined ? [] : [forbiddenField(path.child('hostUsers'), NOT_ON_WINDOWS)]),
    ...set(POD_SPEC.slice(1), spec, path),
    ...set(MORE_POD_CONTEXT, context, contextPath),
    ...(spec.shareProcessNamespace === undefined ? [] : [forbiddenField(path.child('shareProcessNamespace'), NOT_ON_WINDOWS)]),
    ...set(LAST_POD_CONTEXT, context, contextPath),
    ...containersWithPaths(spec, path).flatMap(({ context: own, here }) => {
      const fields = CONTAINER_CONTEXT.filter((field) => own?.[field] !== undefined);
      return fields.map((field) => forbiddenField(here.child('securityContext', field), NOT_ON_WINDOWS));
    }),
  ];
}

function containersWithPaths(spec: PodSpec, path: Path): { context: SecurityContext | undefined; here: Path }[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, at) => ({ context: container.securityContext, here: path.child(list).index(at) })),
  );
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return !Array.isArray(value) || value.length > 0;
}

function userNameProblems(text: string): string[] {
  if (text === '') return [' cannot be an empty string'];
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) return [' cannot contain control characters'];
  const parts = text.split('\\');
  if (parts.length > 2) return [' cannot contain more than one backslash'];
  const user = parts.at(-1) ?? '';
  const domain = parts.length === 2 ? parts[0] : undefined;
  const reasons: string[] = [];
  if ((domain ?? '').length >= DOMAIN_LIMIT) reasons.push(`'s Domain length must be under ${DOMAIN_LIMIT} characters`);
  if (domain !== undefined && !isNetBios(domain) && !/^(?=.{1,255}$)(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.[A-Za-z0-9-]{1,63})*\.?$/.test(domain)) {
    reasons.push("'s Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === '') reasons.push("'s User cannot be empty");
  else if (user.length > USER_LIMIT) reasons.push(`'s User length must not be longer than ${USER_LIMIT} characters`);
  if (/^[. ]+$/.test(user)) reasons.push("'s User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) reasons.push(`'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  return reasons;
}

function isNetBios(domain: string): boolean {
  return /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/.test(domain);
}
