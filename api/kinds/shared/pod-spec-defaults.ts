/** Defaults of everything that holds a pod's specification: pods, templates, workloads. */
import { formatQuantity } from '../../quantity.ts';
import type { Container, HTTPGetAction, Pod, PodSpec, PodTemplateSpec, Probe, Volume } from '../../types/core.v1.ts';
import { imageTag } from './image-reference.ts';
import { containersNeed } from './pod-resources.ts';
import { type ResourceList, isHugePages, isOvercommitAllowed, isPodLevelResource, roundUpToMilli } from './resource-list.ts';
import { defaultVolume } from './volume-defaults.ts';

const OLD_INIT_ANNOTATIONS = ['init-containers', 'init-container-statuses'].flatMap((name) => [
  `pod.beta.kubernetes.io/${name}`,
  `pod.alpha.kubernetes.io/${name}`,
]);

export function defaultPod(pod: Pod): void {
  // Without containers it is refused later.
  const spec = ((pod as Partial<Pod>).spec ??= { containers: [] });
  (spec as Partial<typeof spec>).containers ??= [];
  dropOldAnnotations(pod.metadata?.annotations);
  for (const container of spec.containers ?? []) requestWhatIsLimited(container);
  for (const container of spec.initContainers ?? []) requestWhatIsLimited(container);
  defaultPodLevelLimits(spec);
  defaultPodLevelRequests(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork) {
    for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
      for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
    }
  }
  defaultPodSpec(spec);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
  pairAddresses(pod);
}

export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (!template) return;
  dropOldAnnotations(template.metadata?.annotations);
  if (template.spec) defaultPodSpec(template.spec);
}

export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  pairServiceAccount(spec);
  for (const volume of spec.volumes ?? []) defaultVolume(volume as Volume);
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of spec.containers ?? []) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
  roundUpToMilli(spec.overhead);
  roundUpToMilli(spec.resources?.limits);
  roundUpToMilli(spec.resources?.requests);
}

/** `serviceAccount` is the older name of `serviceAccountName`, and shows the same. */
function pairServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (name) {
    spec.serviceAccountName = name;
    spec.serviceAccount = name;
  }
}

function pairAddresses(pod: Pod): void {
  const status = pod.status;
  if (!status) return;
  const first = status.podIPs?.[0]?.ip;
  if (status.podIP && status.podIP !== first) status.podIPs = [{ ip: status.podIP }];
  else if (first) status.podIP = first;
}

function defaultContainer(container: Container): void {
  container.imagePullPolicy ||= imageTag(container.image ?? '') === 'latest' ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1';
    if (valueFrom?.fileKeyRef) valueFrom.fileKeyRef.optional ??= false;
  }
  roundUpToMilli(container.resources?.limits);
  roundUpToMilli(container.resources?.requests);
  if (container.livenessProbe) defaultProbe(container.livenessProbe);
  if (container.readinessProbe) defaultProbe(container.readinessProbe);
  if (container.startupProbe) defaultProbe(container.startupProbe);
  const { postStart, preStop } = container.lifecycle ?? {};
  if (postStart?.httpGet) defaultHttpGet(postStart.httpGet);
  if (preStop?.httpGet) defaultHttpGet(preStop.httpGet);
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.httpGet) defaultHttpGet(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= '';
}

function defaultHttpGet(action: HTTPGetAction): void {
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}

function requestWhatIsLimited(container: Container): void {
  const limits = container.resources?.limits;
  if (!container.resources || !limits || Object.keys(limits).length === 0) return;
  container.resources.requests = { ...limits, ...container.resources.requests };
}

/** Huge pages of the containers become the pod's own limit, where the pod has limits or requests of its own. */
function defaultPodLevelLimits(spec: PodSpec): void {
  const resources = spec.resources;
  if (!resources || size(resources.limits) + size(resources.requests) === 0) return;
  const limits: ResourceList = { ...resources.limits };
  for (const [name, limit] of containersNeed(spec, 'limits')) {
    if (isHugePages(name) && resources.requests?.[name] === undefined) limits[name] ??= formatQuantity(limit);
  }
  if (size(limits) > 0) resources.limits = limits;
}

/** What the containers request together is the pod's request; where they request nothing, its limit is. */
function defaultPodLevelRequests(spec: PodSpec): void {
  const resources = spec.resources;
  if (!resources || size(resources.limits) === 0) return;
  const requests: ResourceList = { ...resources.requests };
  for (const [name, request] of containersNeed(spec, 'requests')) {
    if (isPodLevelResource(name) && isOvercommitAllowed(name)) requests[name] ??= formatQuantity(request);
  }
  for (const [name, limit] of Object.entries(resources.limits ?? {})) if (isPodLevelResource(name)) requests[name] ??= limit;
  if (size(requests) > 0) resources.requests = requests;
}

function size(list: ResourceList | undefined): number {
  return Object.keys(list ?? {}).length;
}

function dropOldAnnotations(annotations: Record<string, string> | undefined): void {
  for (const name of OLD_INIT_ANNOTATIONS) if (annotations) delete annotations[name];
}
