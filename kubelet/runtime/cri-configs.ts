/** What the kubelet wants of sandboxes and containers, as messages of CRI. */
import type { ContainerConfig, ContainerSecurity, Resources, SandboxConfig, SandboxSecurity } from './model.ts';

/** CRI knows no relative cgroup parent; with the cgroupfs driver an absolute path is created where it is missing. */
export function sandboxMessage(config: SandboxConfig): object {
  return {
    metadata: { name: config.name, uid: config.uid, namespace: config.namespace, attempt: config.attempt },
    hostname: config.hostname,
    log_directory: config.logDirectory,
    dns_config: { servers: config.dns.servers, searches: config.dns.searches, options: config.dns.options },
    port_mappings: config.ports.map(({ protocol, containerPort, hostPort, hostIp }) => ({
      protocol,
      container_port: containerPort,
      host_port: hostPort,
      host_ip: hostIp ?? '',
    })),
    labels: config.labels,
    annotations: config.annotations,
    linux: {
      cgroup_parent: config.cgroupParent,
      sysctls: config.sysctls,
      security_context: {
        ...security(config.security),
        namespace_options: {
          network: config.hostNetwork ? 'NODE' : 'POD',
          pid: config.hostPid ? 'NODE' : config.shareProcesses ? 'POD' : 'CONTAINER',
          ipc: config.hostIpc ? 'NODE' : 'POD',
        },
      },
    },
  };
}

export function containerMessage(config: ContainerConfig, sandbox: SandboxConfig): object {
  return {
    metadata: { name: config.name, attempt: config.attempt },
    image: { image: config.image },
    command: config.command,
    args: config.args,
    working_dir: config.workingDirectory,
    envs: config.environment.map(({ name, value }) => ({ key: name, value: Buffer.from(value) })),
    mounts: config.mounts.map(({ hostPath, containerPath, readOnly, propagation }) => ({
      host_path: hostPath,
      container_path: containerPath,
      readonly: readOnly,
      propagation: PROPAGATION[propagation ?? 'None'],
    })),
    devices: config.devices.map(({ hostPath, containerPath, permissions }) => ({ host_path: hostPath, container_path: containerPath, permissions })),
    labels: config.labels,
    annotations: config.annotations,
    log_path: config.logPath,
    stdin: config.stdin,
    stdin_once: config.stdinOnce,
    tty: config.tty,
    linux: { resources: resourcesMessage(config.resources), security_context: containerSecurity(config.security, sandbox) },
  };
}

export function resourcesMessage(resources: Resources): object {
  return {
    ...(resources.cpuPeriod !== undefined && { cpu_period: resources.cpuPeriod }),
    ...(resources.cpuQuota !== undefined && { cpu_quota: resources.cpuQuota }),
    ...(resources.cpuShares !== undefined && { cpu_shares: resources.cpuShares }),
    ...(resources.memoryLimitBytes !== undefined && { memory_limit_in_bytes: resources.memoryLimitBytes }),
    ...(resources.oomScoreAdjust !== undefined && { oom_score_adj: resources.oomScoreAdjust }),
  };
}

const PROPAGATION = { None: 'PROPAGATION_PRIVATE', HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER', Bidirectional: 'PROPAGATION_BIDIRECTIONAL' };

function security(context: SandboxSecurity): object {
  return {
    privileged: context.privileged,
    ...(context.runAsUser !== undefined && { run_as_user: { value: context.runAsUser } }),
    ...(context.runAsGroup !== undefined && { run_as_group: { value: context.runAsGroup } }),
    supplemental_groups: context.supplementalGroups,
    seccomp:
      typeof context.seccomp === 'string'
        ? { profile_type: context.seccomp }
        : { profile_type: 'Localhost', localhost_ref: context.seccomp.localhost },
  };
}

function containerSecurity(context: ContainerSecurity, sandbox: SandboxConfig): object {
  const pid = context.targetPid ? 'TARGET' : context.hostPid ? 'NODE' : sandbox.shareProcesses ? 'POD' : 'CONTAINER';
  return {
    ...security(context),
    capabilities: { add_capabilities: context.addCapabilities, drop_capabilities: context.dropCapabilities },
    namespace_options: {
      network: context.hostNetwork ? 'NODE' : 'POD',
      pid,
      ipc: context.hostIpc ? 'NODE' : 'POD',
      ...(context.targetPid && { target_id: context.targetPid }),
    },
    readonly_rootfs: context.readOnlyRootFilesystem,
    no_new_privs: context.noNewPrivileges,
    masked_paths: context.maskedPaths,
    readonly_paths: context.readonlyPaths,
  };
}
