/** Which kernel parameters a pod may set: those that are its own and touch no other pod. Provenance: pkg/kubelet/sysctl of v1.36. Pure. */
import type { PodObject } from './pod.ts';

const SAFE: ReadonlyMap<string, 'IPC' | 'Net'> = new Map([
  ['kernel.shm_rmid_forced', 'IPC'],
  ...['ip_local_port_range', 'tcp_syncookies', 'ping_group_range', 'ip_unprivileged_port_start', 'ip_local_reserved_ports', 'tcp_keepalive_time', 'tcp_fin_timeout', 'tcp_keepalive_intvl', 'tcp_keepalive_probes', 'tcp_rmem', 'tcp_wmem']
    .map((name) => [`net.ipv4.${name}`, 'Net'] as const),
]);
const SHARED = { IPC: 'hostIPC', Net: 'hostNetwork' } as const;

/** Why the pod may not set what it wants to. */
export function forbiddenSysctl({ spec }: PodObject): string | undefined {
  for (const { name: written } of spec.securityContext?.sysctls ?? []) {
    const name = sysctlName(written);
    const namespace = SAFE.get(name);
    if (!namespace) return `forbidden sysctl: ${JSON.stringify(name)} not allowlisted`;
    if (spec[SHARED[namespace]]) return `forbidden sysctl: ${JSON.stringify(name)} not allowed with host ${namespace} enabled`;
  }
  return undefined;
}

/** With dots between its parts, where it was written with slashes. */
export function sysctlName(name: string): string {
  const first = /[./]/.exec(name)?.[0];
  return first === '/' ? name.replaceAll(/[./]/g, (separator) => (separator === '/' ? '.' : '/')) : name;
}
