/** What the kubelet's server serves: containers by name, their logs, streams through the runtime, pods and their use of the node. */
import { join } from 'node:path';
import { microTimeText } from '../client/time.ts';
import { BackendRefusal, type ContainerTarget, type KubeletBackend, type LogTarget } from './backend.ts';
import type { KubeletContext } from './context.ts';
import { readMachineUse } from './machine-use.ts';
import { type PodObject, type PodRuntime, allSpecs } from './pod.ts';
import type { Container } from './runtime/model.ts';
import { restartCount } from './status-containers.ts';

export interface PodBackendOptions {
  readonly context: KubeletContext;
  readonly find: (namespace: string, name: string) => PodObject | undefined;
  readonly pods: () => readonly PodObject[];
}

export function podBackend({ context, find, pods }: PodBackendOptions): KubeletBackend {
  const { observation, runtime } = context;
  const podOf = (namespace: string, name: string): PodObject => {
    const pod = find(namespace, name);
    if (!pod) throw new BackendRefusal(404, `pod ${JSON.stringify(name)} not found in namespace ${JSON.stringify(namespace)}`);
    return pod;
  };
  const runs = (pod: PodObject, name: string): readonly Container[] => observation.latest(pod.metadata.uid).containers.filter((container) => container.name === name);
  return {
    container(namespace, name, container): ContainerTarget {
      const pod = podOf(namespace, name);
      const wanted = container || (pod.spec.containers[0]?.name ?? '');
      const spec = allSpecs(pod).find((entry) => entry.spec.name === wanted)?.spec;
      const found = runs(pod, wanted)[0];
      if (!spec || !found) throw new BackendRefusal(404, `container not found (${JSON.stringify(wanted)})`);
      return { id: found.id, running: found.state === 'running', tty: spec.tty === true, stdin: spec.stdin === true };
    },
    log(namespace, name, container, { previous }): LogTarget {
      const pod = podOf(namespace, name);
      if (!allSpecs(pod).some(({ spec }) => spec.name === container)) throw new BackendRefusal(400, `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`);
      const ofName = runs(pod, container).filter(({ state }) => state !== 'created');
      const found = previous ? ofName[1] : ofName[0];
      if (!found && previous) throw new BackendRefusal(400, `previous terminated container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} not found`);
      if (!found) throw new BackendRefusal(400, `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} is waiting to start: ${waitingReason(pod, container)}`);
      const { id } = found;
      return {
        path: join(context.files.logDirectory(pod.metadata), container, `${restartCount(found)}.log`),
        isRunning: () => observation.latest(pod.metadata.uid).containers.some((one) => one.id === id && one.state === 'running'),
      };
    },
    exec: ({ id }, command, request) => runtime.exec(id, command, request),
    attach: ({ id }, request) => runtime.attach(id, request),
    portForward(namespace, name, port) {
      const pod = podOf(namespace, name);
      const sandbox = observation.latest(pod.metadata.uid).sandboxes.find(({ state }) => state === 'ready');
      if (!sandbox) throw new BackendRefusal(404, `no running sandbox of pod ${JSON.stringify(name)} found`);
      return runtime.portForward(sandbox.id, port);
    },
    pods: () => ({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods() }),
    summary: () => summary(context, pods()),
  };
}

function waitingReason(pod: PodObject, container: string): string {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const status = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(({ name }) => name === container);
  return status?.state?.waiting?.reason ?? 'ContainerCreating';
}

/** `/stats/summary`, as far as the runtime tells. */
async function summary({ runtime, observation, node, clock, isSimulated }: KubeletContext, pods: readonly PodObject[]): Promise<unknown> {
  const stats = new Map((await runtime.stats()).map((one) => [one.containerId, one]));
  // Rates are made of these times: whole seconds would not do.
  const time = microTimeText(clock.now());
  const podStats = pods.map((pod) => {
    const { name, namespace, uid } = pod.metadata;
    const seen: PodRuntime = observation.latest(uid);
    const running = seen.containers.filter(({ state }) => state === 'running');
    const containers = running.flatMap((container) => {
      const one = stats.get(container.id);
      if (!one) return [];
      const at = microTimeText(one.at);
      return [{
        name: container.name,
        startTime: microTimeText(container.startedAt),
        cpu: { time: at, usageCoreNanoSeconds: one.cpuNanoseconds },
        memory: { time: at, workingSetBytes: one.memoryWorkingSetBytes },
        rootfs: { time: at, usedBytes: one.filesystemBytes },
      }];
    });
    const sum = (of: (c: (typeof containers)[number]) => number): number => containers.reduce((total, container) => total + of(container), 0);
    return {
      podRef: { name, namespace, uid },
      startTime: pod.status?.startTime ?? time,
      containers,
      cpu: { time, usageCoreNanoSeconds: sum(({ cpu }) => cpu.usageCoreNanoSeconds) },
      memory: { time, workingSetBytes: sum(({ memory }) => memory.workingSetBytes) },
    };
  });
  const total = (of: (p: (typeof podStats)[number]) => number): number => podStats.reduce((sum, pod) => sum + of(pod), 0);
  const ofPods = total(({ memory }) => memory.workingSetBytes);
  const machine = isSimulated ? undefined : await readMachineUse();
  return {
    node: {
      nodeName: node.name,
      cpu: { time, usageCoreNanoSeconds: machine?.cpuNanoseconds ?? total(({ cpu }) => cpu.usageCoreNanoSeconds) },
      memory: { time, workingSetBytes: machine?.memoryWorkingSetBytes ?? ofPods, availableBytes: machine?.memoryAvailableBytes ?? Math.max(0, node.memoryBytes - ofPods) },
    },
    pods: podStats,
  };
}
