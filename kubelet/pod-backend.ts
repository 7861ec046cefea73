/** What the kubelet's server serves: containers by name, their logs, streams through the runtime, and pages. */
import { join } from 'node:path';
import { BackendRefusal, type ContainerTarget, type KubeletBackend, type LogTarget } from './backend.ts';
import type { KubeletContext } from './context.ts';
import type { Measure } from './measure/measure.ts';
import type { Pages } from './pages/pages.ts';
import { summaryOf } from './pages/summary.ts';
import { type PodObject, allSpecs } from './pod.ts';
import type { Container } from './runtime/model.ts';
import { restartCount } from './status-containers.ts';

export interface PodBackendOptions {
  readonly context: KubeletContext;
  readonly find: (namespace: string, name: string) => PodObject | undefined;
  readonly pages: Pages;
  readonly measure: Measure;
}

export function podBackend({ context, find, pages, measure }: PodBackendOptions): KubeletBackend {
  const { observation, runtime } = context;
  const podOf = (namespace: string, name: string): PodObject => {
    const pod = find(namespace, name);
    if (!pod) throw new BackendRefusal(404, 'pod does not exist');
    return pod;
  };
  const runs = (pod: PodObject, name: string): readonly Container[] => observation.latest(pod.metadata.uid).containers.filter((container) => container.name === name);
  return {
    require(namespace, name, uid) {
      const pod = podOf(namespace, name);
      if (uid && uid !== pod.metadata.uid) throw new BackendRefusal(404, 'pod not found');
    },
    container(namespace, name, container): ContainerTarget {
      const pod = podOf(namespace, name);
      const wanted = container || (pod.spec.containers[0]?.name ?? '');
      const spec = allSpecs(pod).find((entry) => entry.spec.name === wanted)?.spec;
      const found = runs(pod, wanted)[0];
      if (!spec || !found) throw new BackendRefusal(404, `container not found (${JSON.stringify(wanted)})`);
      return { id: found.id, running: found.state === 'running', tty: spec.tty === true, stdin: spec.stdin === true };
    },
    log(namespace, name, container, { previous }): LogTarget {
      const pod = find(namespace, name);
      if (!pod) throw new BackendRefusal(404, `pod ${JSON.stringify(name)} does not exist`);
      if (!allSpecs(pod).some(({ spec }) => spec.name === container)) throw new BackendRefusal(404, `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`);
      const ofName = runs(pod, container).filter(({ state }) => state !== 'created');
      const found = previous ? ofName[1] : ofName[0];
      if (!found && previous) throw new BackendRefusal(400, `previous terminated container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} not found`);
      if (!found) throw new BackendRefusal(400, `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} is waiting to start: ${waitingReason(pod, container)}`);
      const { id } = found;
      return {
        isSimulated: context.isSimulated,
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
    page: pages,
    summary: async () => summaryOf(await measure('use'), { onlyCpuAndMemory: true }),
  };
}

function waitingReason(pod: PodObject, container: string): string {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const status = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(({ name }) => name === container);
  return status?.state?.waiting?.reason ?? 'ContainerCreating';
}
