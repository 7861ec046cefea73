/** A pod and its containers as the runtime is asked for them. */
import { type ClusterDns, podDns } from './dns.ts';
import { expand } from './expand.ts';
import { podHostname } from './hosts-file.ts';
import { ANNOTATIONS, LABELS, type PodObject, type Spec, containerHash, isHostNetwork } from './pod.ts';
import { containerResources } from './resources.ts';
import type { ContainerConfig, Image, Mount, SandboxConfig } from './runtime/model.ts';
import { containerSecurity, sandboxSecurity } from './security.ts';
import { sysctlName } from './sysctls.ts';

export interface SandboxInput {
  readonly pod: PodObject;
  readonly attempt: number;
  readonly logDirectory: string;
  readonly dns: ClusterDns;
  readonly runtimeHandler: string;
}

export function sandboxConfig({ pod, attempt, logDirectory, dns, runtimeHandler }: SandboxInput): SandboxConfig {
  const { name, namespace, uid } = pod.metadata;
  const { labels = {}, annotations = {} } = pod.metadata as { labels?: Readonly<Record<string, string>>; annotations?: Readonly<Record<string, string>> };
  const specs = [...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'), ...pod.spec.containers];
  return {
    name,
    namespace,
    uid,
    attempt,
    hostname: isHostNetwork(pod) ? '' : podHostname(pod, dns.domain),
    logDirectory,
    labels: { ...labels, ...podLabels(pod) },
    annotations,
    dns: podDns(pod, dns),
    ports: isHostNetwork(pod)
      ? []
      : specs.flatMap(({ ports = [] }) =>
          ports.map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP }) => ({ protocol, containerPort, hostPort, ...(hostIP && { hostIp: hostIP }) })),
        ),
    cgroupParent: '',
    hostNetwork: isHostNetwork(pod),
    hostPid: pod.spec.hostPID === true,
    hostIpc: pod.spec.hostIPC === true,
    shareProcesses: pod.spec.shareProcessNamespace === true,
    sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [sysctlName(name), value])),
    runtimeHandler,
    security: sandboxSecurity(pod),
  };
}

export interface ContainerInput {
  readonly pod: PodObject;
  readonly spec: Spec;
  readonly restartCount: number;
  readonly image: Image | undefined;
  /** The reference by which the runtime knows the image. */
  readonly imageReference: string;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly nodeMemoryBytes: number;
  readonly terminationMessageFile?: string;
  /** For ephemeral containers: the container whose processes it shares. */
  readonly targetId?: string;
}

export function containerConfig(input: ContainerInput): ContainerConfig {
  const { pod, spec, restartCount } = input;
  const variables = new Map(input.environment.map(({ name, value }) => [name, value]));
  const expanded = (texts: readonly string[] | undefined): readonly string[] => (texts ?? []).map((text) => expand(text, (name) => variables.get(name)));
  return {
    name: spec.name,
    attempt: restartCount,
    image: input.imageReference,
    command: expanded(spec.command),
    args: expanded(spec.args),
    workingDirectory: spec.workingDir ?? '',
    environment: input.environment,
    mounts: input.mounts,
    devices: [],
    labels: { ...podLabels(pod), [LABELS.containerName]: spec.name },
    annotations: {
      [ANNOTATIONS.hash]: containerHash(spec),
      [ANNOTATIONS.restartCount]: String(restartCount),
      [ANNOTATIONS.terminationMessagePath]: spec.terminationMessagePath ?? '/dev/termination-log',
      [ANNOTATIONS.terminationMessagePolicy]: spec.terminationMessagePolicy ?? 'File',
      ...(input.terminationMessageFile && { [ANNOTATIONS.terminationMessageFile]: input.terminationMessageFile }),
    },
    logPath: `${spec.name}/${restartCount}.log`,
    stdin: spec.stdin === true,
    stdinOnce: spec.stdinOnce === true,
    tty: spec.tty === true,
    resources: containerResources(pod, spec, input.nodeMemoryBytes),
    security: { ...containerSecurity(pod, spec, input.image), ...(input.targetId && { targetPid: input.targetId }) },
  };
}

function podLabels({ metadata: { name, namespace, uid } }: PodObject): Record<string, string> {
  return { [LABELS.podName]: name, [LABELS.podNamespace]: namespace, [LABELS.podUid]: uid };
}
