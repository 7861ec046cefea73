/** Security contexts of pods and containers as the runtime takes them. */
import { ConfigError } from './environment/environment.ts';
import { type PodObject, type Spec, podText } from './pod.ts';
import type { ContainerSecurity, Image, SandboxSecurity } from './runtime/model.ts';

export function sandboxSecurity(pod: PodObject): SandboxSecurity {
  const context = pod.spec.securityContext ?? {};
  const specs = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return {
    // A privileged container needs a privileged sandbox.
    privileged: specs.some(({ securityContext }) => securityContext?.privileged === true),
    ...(context.runAsUser !== undefined && { runAsUser: context.runAsUser }),
    ...(context.runAsGroup !== undefined && context.runAsUser !== undefined && { runAsGroup: context.runAsGroup }),
    supplementalGroups: groups(pod),
    seccomp: 'RuntimeDefault',
  };
}

/** Refuses a container that would run as root although it must not. */
export function containerSecurity(pod: PodObject, spec: Spec, image: Image | undefined): ContainerSecurity {
  const own = spec.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const runAsUser = own.runAsUser ?? shared.runAsUser;
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  if (own.runAsNonRoot ?? shared.runAsNonRoot) verifyNonRoot(pod, spec, runAsUser, image);
  const privileged = own.privileged === true;
  const masked = own.procMount !== 'Unmasked' && !privileged;
  return {
    privileged,
    ...(runAsUser !== undefined && { runAsUser }),
    ...(runAsGroup !== undefined && { runAsGroup }),
    supplementalGroups: groups(pod),
    seccomp: seccomp(own.seccompProfile ?? shared.seccompProfile),
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    readOnlyRootFilesystem: own.readOnlyRootFilesystem === true,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    maskedPaths: masked ? MASKED_PATHS : [],
    readonlyPaths: masked ? READONLY_PATHS : [],
    hostPid: pod.spec.hostPID === true,
    hostIpc: pod.spec.hostIPC === true,
    hostNetwork: pod.spec.hostNetwork === true,
  };
}

const MASKED_PATHS = [
  '/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list',
  '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

function groups(pod: PodObject): readonly number[] {
  const { supplementalGroups = [], fsGroup } = pod.spec.securityContext ?? {};
  return fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
}

function seccomp(profile: { readonly type: string; readonly localhostProfile?: string } | undefined): SandboxSecurity['seccomp'] {
  if (profile?.type === 'RuntimeDefault') return 'RuntimeDefault';
  if (profile?.type === 'Localhost') return { localhost: `/var/lib/kubelet/seccomp/${profile.localhostProfile ?? ''}` };
  return 'Unconfined';
}

function verifyNonRoot(pod: PodObject, spec: Spec, runAsUser: number | undefined, image: Image | undefined): void {
  const where = `(pod: ${JSON.stringify(podText(pod))}, container: ${spec.name})`;
  if (runAsUser === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
  if (runAsUser !== undefined) return;
  const user = image?.user;
  if (user && 'name' in user) throw new ConfigError(`container has runAsNonRoot and image has non-numeric user (${user.name}), cannot verify user is non-root ${where}`);
  if (!user || user.uid === 0) throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
}
