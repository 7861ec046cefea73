/** The rules of the Pod Security levels, one row each, in the order in which they are reported. Pure. Provenance: pod-security-admission of v0.36. */
import type { Container, Pod, PodSpec, Volume } from '../../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { LevelVersion } from './policy.ts';

/** A pod or a pod template. */
export type Subject = DeepReadonly<Pick<Pod, 'spec'>> & { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } };

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

interface Check {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** The minor version that brought it; default 0. */
  readonly since?: number;
  /** The baseline check that this one replaces on the restricted level. */
  readonly replaces?: string;
  readonly find: (spec: Spec, minor: number, subject: Subject) => Violation | undefined;
}

type Spec = DeepReadonly<PodSpec>;
type AnyContainer = DeepReadonly<Pick<Container, 'name' | 'securityContext' | 'ports' | 'livenessProbe' | 'readinessProbe' | 'startupProbe' | 'lifecycle'>>;

/** What is wrong with a pod on this level. */
export function violations({ level, minor }: LevelVersion, subject: Subject): Violation[] {
  const { spec } = subject;
  if (level === 'privileged' || !spec) return [];
  const on = CHECKS.filter(({ since = 0, level: of }) => minor >= since && (level === 'restricted' || of === 'baseline'));
  const replaced = new Set(on.map(({ replaces }) => replaces));
  return on.flatMap(({ id, find }) => (replaced.has(id) ? [] : (find(spec, minor, subject) ?? [])));
}

/** `privileged (container "c" must not set …), hostPort (…)` */
export function described(found: readonly Violation[]): string {
  return found.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ');
}

const BASELINE_CAPABILITIES = ['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'];
const SYSCTLS: readonly (readonly [since: number, names: readonly string[]])[] = [
  [0, ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start']],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [29, ['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes']],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];
const ALLOWED_VOLUMES = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'];
const PROFILES = ['RuntimeDefault', 'Localhost'];
/** From here on pods in a user namespace of their own may be root in it. */
const USER_NAMESPACES_SINCE = 35;
/** From here on what Linux alone knows is not asked of Windows pods. */
const WINDOWS_SINCE = 25;

const CHECKS: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', find: appArmor },
  { id: 'capabilities_baseline', level: 'baseline', find: (spec) => addedCapabilities(spec, BASELINE_CAPABILITIES, 'non-default capabilities') },
  { id: 'hostNamespaces', level: 'baseline', find: hostNamespaces },
  {
    id: 'hostPathVolumes', level: 'baseline',
    find: ({ volumes = [] }) => named('hostPath volumes', volumes.filter(({ hostPath }) => hostPath), (which) => `${which}`, 'volume'),
  },
  { id: 'hostPorts', level: 'baseline', find: hostPorts },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', since: 34, find: hostProbes },
  { id: 'privileged', level: 'baseline', find: (spec) => named('privileged', having(spec, (of) => of?.privileged === true), (which) => `${which} must not set securityContext.privileged=true`) },
  { id: 'procMount', level: 'baseline', find: (spec, minor) => (inUserNamespace(spec, minor) ? undefined : procMount(spec)) },
  { id: 'seLinuxOptions', level: 'baseline', find: seLinux },
  { id: 'seccompProfile_baseline', level: 'baseline', find: (spec, minor, subject) => (minor < 19 ? seccompAnnotations(spec, subject) : explicitSeccomp(spec)) },
  { id: 'sysctls', level: 'baseline', find: sysctls },
  { id: 'windowsHostProcess', level: 'baseline', find: hostProcess },
  {
    id: 'allowPrivilegeEscalation', level: 'restricted', since: 8,
    find: (spec, minor) => (isWindows(spec, minor) ? undefined : named('allowPrivilegeEscalation != false', having(spec, (of) => of?.allowPrivilegeEscalation !== false), (which) => `${which} must set securityContext.allowPrivilegeEscalation=false`)),
  },
  { id: 'capabilities_restricted', level: 'restricted', since: 22, replaces: 'capabilities_baseline', find: (spec, minor) => (isWindows(spec, minor) ? undefined : restrictedCapabilities(spec)) },
  { id: 'procMount_restricted', level: 'restricted', since: 35, replaces: 'procMount', find: procMount },
  { id: 'restrictedVolumes', level: 'restricted', replaces: 'hostPathVolumes', find: volumeTypes },
  { id: 'runAsNonRoot', level: 'restricted', find: (spec, minor) => (inUserNamespace(spec, minor) ? undefined : nonRoot(spec)) },
  { id: 'runAsUser', level: 'restricted', since: 23, find: (spec, minor) => (inUserNamespace(spec, minor) ? undefined : rootUser(spec)) },
  { id: 'seccompProfile_restricted', level: 'restricted', since: 19, replaces: 'seccompProfile_baseline', find: (spec, minor) => (isWindows(spec, minor) ? undefined : requiredSeccomp(spec)) },
];

type SecurityContext = AnyContainer['securityContext'];

function containersOf(spec: Spec): readonly AnyContainer[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
}

function having(spec: Spec, test: (context: SecurityContext) => boolean): readonly AnyContainer[] {
  return containersOf(spec).filter(({ securityContext }) => test(securityContext));
}

function quoted(items: readonly string[]): string {
  // What is in them is not escaped: upstream's doing.
  return items.map((item) => `"${item}"`).join(', ');
}

function sorted(items: readonly string[]): string[] {
  return [...new Set(items)].sort();
}

/** `container "a"`, `containers "a", "b"` */
function counted(items: readonly { readonly name: string }[], word: string): string {
  return `${items.length === 1 ? word : `${word}s`} ${quoted(items.map(({ name }) => name))}`;
}

function named(reason: string, items: readonly { readonly name: string }[], detail: (which: string) => string, word = 'container'): Violation | undefined {
  return items.length === 0 ? undefined : { reason, detail: detail(counted(items, word)) };
}

/** `pod and container "c"`; '' when neither. */
function setters(pod: boolean, bad: readonly AnyContainer[]): string {
  return [...(pod ? ['pod'] : []), ...(bad.length > 0 ? [counted(bad, 'container')] : [])].join(' and ');
}

function isWindows({ os }: Spec, minor: number): boolean {
  return minor >= WINDOWS_SINCE && os?.name === 'windows';
}

function inUserNamespace({ hostUsers }: Spec, minor: number): boolean {
  return minor >= USER_NAMESPACES_SINCE && hostUsers === false;
}

function isForbiddenProfile(type: string | undefined): boolean {
  return type !== undefined && !PROFILES.includes(type);
}

function appArmor(spec: Spec, _minor: number, { metadata }: Subject): Violation | undefined {
  const own = spec.securityContext?.appArmorProfile?.type;
  const bad = having(spec, (of) => isForbiddenProfile(of?.appArmorProfile?.type));
  const annotations = Object.entries(metadata?.annotations ?? {})
    .filter(([key, value]) => key.startsWith('container.apparmor.security.beta.kubernetes.io/') && value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/'))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const who = [setters(isForbiddenProfile(own), bad), annotations.length === 0 ? '' : annotations.length === 1 ? 'annotation' : 'annotations'].filter(Boolean).join(' and ');
  if (who === '') return undefined;
  const values = [...sorted([own, ...bad.map(({ securityContext }) => securityContext?.appArmorProfile?.type)].filter((type) => isForbiddenProfile(type)) as string[]), ...annotations];
  return { reason: values.length === 1 ? 'forbidden AppArmor profile' : 'forbidden AppArmor profiles', detail: `${who} must not set AppArmor profile type to ${quoted(values)}` };
}

function addedCapabilities(spec: Spec, allowed: readonly string[], reason: string): Violation | undefined {
  const forbidden = (of: SecurityContext): string[] => (of?.capabilities?.add ?? []).filter((name) => !allowed.includes(name));
  const bad = having(spec, (of) => forbidden(of).length > 0);
  return named(reason, bad, (which) => `${which} must not include ${quoted(sorted(bad.flatMap(({ securityContext }) => forbidden(securityContext))))} in securityContext.capabilities.add`);
}

function restrictedCapabilities(spec: Spec): Violation | undefined {
  const keeping = named('', having(spec, (of) => !of?.capabilities?.drop?.includes('ALL')), (which) => `${which} must set securityContext.capabilities.drop=["ALL"]`);
  const adding = addedCapabilities(spec, ['NET_BIND_SERVICE'], '');
  const details = [keeping, adding].flatMap((found) => found?.detail ?? []);
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

function hostNamespaces({ hostNetwork, hostPID, hostIPC }: Spec): Violation | undefined {
  const used = Object.entries({ hostNetwork, hostPID, hostIPC }).flatMap(([name, set]) => (set ? [`${name}=true`] : []));
  return used.length === 0 ? undefined : { reason: 'host namespaces', detail: used.join(', ') };
}

function hostPorts(spec: Spec): Violation | undefined {
  const bad = containersOf(spec).filter(({ ports }) => ports?.some(({ hostPort }) => hostPort));
  const ports = sorted(bad.flatMap((container) => (container.ports ?? []).flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []))));
  return named('hostPort', bad, (which) => `${which} ${bad.length === 1 ? 'uses' : 'use'} ${ports.length === 1 ? 'hostPort' : 'hostPorts'} ${ports.join(', ')}`);
}

function hostProbes(spec: Spec): Violation | undefined {
  const bad = containersOf(spec).filter((container) => hostsOf(container).length > 0);
  const found = sorted(bad.flatMap(hostsOf));
  const names = sorted(bad.map(({ name }) => name)).map((name) => ({ name }));
  return named('probe or lifecycle host', names, (which) => `${which} ${names.length === 1 ? 'uses' : 'use'} ${found.length === 1 ? 'probe or lifecycle host' : 'probe or lifecycle hosts'} ${quoted(found)}`);
}

function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: AnyContainer): string[] {
  const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
  return handlers.flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host) => host !== undefined && host !== '') as string[]);
}

function procMount(spec: Spec): Violation | undefined {
  const bad = having(spec, (of) => of?.procMount !== undefined && of.procMount !== 'Default');
  return named('procMount', bad, (which) => `${which} must not set securityContext.procMount to ${quoted(sorted(bad.map(({ securityContext }) => securityContext?.procMount ?? '')))}`);
}

function seLinux(spec: Spec, minor: number): Violation | undefined {
  const allowed = ['', 'container_t', 'container_init_t', 'container_kvm_t', ...(minor >= 31 ? ['container_engine_t'] : [])];
  type Options = NonNullable<SecurityContext>['seLinuxOptions'];
  const isBad = (options: Options): boolean => options !== undefined && (!allowed.includes(options.type ?? '') || !!options.user || !!options.role);
  const own = spec.securityContext?.seLinuxOptions;
  const bad = having(spec, (of) => isBad(of?.seLinuxOptions));
  const who = setters(isBad(own), bad);
  if (who === '') return undefined;
  const options = [own, ...bad.map(({ securityContext }) => securityContext?.seLinuxOptions)];
  const types = sorted(options.flatMap((of) => (of && !allowed.includes(of.type ?? '') ? [of.type ?? ''] : [])));
  const details = [
    ...(types.length > 0 ? [`${types.length === 1 ? 'type' : 'types'} ${quoted(types)}`] : []),
    ...(options.some((of) => of?.user) ? ['user may not be set'] : []),
    ...(options.some((of) => of?.role) ? ['role may not be set'] : []),
  ];
  return { reason: 'seLinuxOptions', detail: `${who} set forbidden securityContext.seLinuxOptions: ${details.join('; ')}` };
}

function seccompAnnotations(spec: Spec, { metadata }: Subject): Violation | undefined {
  const keys = ['seccomp.security.alpha.kubernetes.io/pod', ...containersOf(spec).map(({ name }) => `container.seccomp.security.alpha.kubernetes.io/${name}`)];
  const forbidden = keys.flatMap((key) => {
    const value = metadata?.annotations?.[key];
    return value === undefined || value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/') ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  return forbidden.length === 0 ? undefined : { reason: 'seccompProfile', detail: `forbidden ${forbidden.length === 1 ? 'annotation' : 'annotations'} ${sorted(forbidden).join(', ')}` };
}

function explicitSeccomp(spec: Spec): Violation | undefined {
  const own = spec.securityContext?.seccompProfile?.type;
  const bad = having(spec, (of) => isForbiddenProfile(of?.seccompProfile?.type));
  const who = setters(isForbiddenProfile(own), bad);
  if (who === '') return undefined;
  const types = sorted([own, ...bad.map(({ securityContext }) => securityContext?.seccompProfile?.type)].filter(isForbiddenProfile) as string[]);
  return { reason: 'seccompProfile', detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(types)}` };
}

function requiredSeccomp(spec: Spec): Violation | undefined {
  const explicit = explicitSeccomp(spec);
  if (explicit || spec.securityContext?.seccompProfile) return explicit;
  return named('seccompProfile', having(spec, (of) => of?.seccompProfile === undefined), (which) => `pod or ${which} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`);
}

function sysctls({ securityContext }: Spec, minor: number): Violation | undefined {
  const allowed = SYSCTLS.flatMap(([since, names]) => (minor >= since ? names : []));
  const forbidden = (securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.includes(name));
  return forbidden.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: forbidden.join(', ') };
}

function hostProcess(spec: Spec): Violation | undefined {
  const who = setters(spec.securityContext?.windowsOptions?.hostProcess === true, having(spec, (of) => of?.windowsOptions?.hostProcess === true));
  return who === '' ? undefined : { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
}

function volumeTypes({ volumes = [] }: Spec): Violation | undefined {
  const bad = volumes.filter((volume) => !Object.keys(volume).some((key) => ALLOWED_VOLUMES.includes(key)));
  const types = sorted(bad.map(typeOf));
  return named('restricted volume types', bad, (which) => `${which} ${bad.length === 1 ? 'uses' : 'use'} ${types.length === 1 ? 'restricted volume type' : 'restricted volume types'} ${quoted(types)}`, 'volume');
}

function typeOf(volume: DeepReadonly<Volume>): string {
  return Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
}

function nonRoot(spec: Spec): Violation | undefined {
  const own = spec.securityContext?.runAsNonRoot;
  const who = setters(own === false, having(spec, (of) => of?.runAsNonRoot === false));
  if (who !== '') return { reason: 'runAsNonRoot != true', detail: `${who} must not set securityContext.runAsNonRoot=false` };
  if (own === true) return undefined;
  return named('runAsNonRoot != true', having(spec, (of) => of?.runAsNonRoot === undefined), (which) => `pod or ${which} must set securityContext.runAsNonRoot=true`);
}

function rootUser(spec: Spec): Violation | undefined {
  const who = setters(spec.securityContext?.runAsUser === 0, having(spec, (of) => of?.runAsUser === 0));
  return who === '' ? undefined : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` };
}
