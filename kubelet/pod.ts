/** A pod as the kubelet sees it: the object wanted, and what the runtime has of it. */
import type { Stored } from '../client/client.ts';
import type { Container as ContainerSpec, EphemeralContainer, Pod, PodSpec } from '../api/types/core.v1.ts';
import type { DeepReadonly } from '../std/deep.ts';
import type { Container, Sandbox } from './runtime/model.ts';

export type PodObject = Stored<Pod> & { readonly spec: DeepReadonly<PodSpec> };
export type Spec = DeepReadonly<ContainerSpec>;
export type PodStatusObject = NonNullable<PodObject['status']>;
export type ContainerStatusObject = NonNullable<PodStatusObject['containerStatuses']>[number];

export type ContainerKind = 'init' | 'main' | 'ephemeral';

export interface PodRuntime {
  /** The newest first. */
  readonly sandboxes: readonly Sandbox[];
  /** The newest first, of all sandboxes. */
  readonly containers: readonly Container[];
}

export const NOTHING: PodRuntime = { sandboxes: [], containers: [] };

/** Labels by which the kubelet finds its own again, under the names that other tools look for. */
export const LABELS = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const;

export const ANNOTATIONS = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  /** Where the container's message stands on the host. */
  terminationMessageFile: 'coracle.dev/termination-message-file',
} as const;

/** What of a container makes a new one necessary when it changes. */
export function containerHash(container: Spec): string {
  return `${container.name} ${container.image ?? ''}`;
}

/** Ephemeral containers have all fields of containers that matter here. */
export function ephemeralSpecs(pod: Pick<PodObject, 'spec'>): readonly Spec[] {
  return (pod.spec.ephemeralContainers ?? []) as readonly (DeepReadonly<EphemeralContainer> & Spec)[];
}

export function allSpecs(pod: Pick<PodObject, 'spec'>): readonly { readonly kind: ContainerKind; readonly spec: Spec }[] {
  return [
    ...(pod.spec.initContainers ?? []).map((spec) => ({ kind: 'init' as const, spec })),
    ...pod.spec.containers.map((spec) => ({ kind: 'main' as const, spec })),
    ...ephemeralSpecs(pod).map((spec) => ({ kind: 'ephemeral' as const, spec })),
  ];
}

/** An init container that goes on beside the main ones. */
export function isSidecar(container: Spec): boolean {
  return container.restartPolicy === 'Always';
}

export function isSidecarOf({ spec }: PodObject, name: string): boolean {
  return (spec.initContainers ?? []).some((container) => container.name === name && isSidecar(container));
}

export function hasProbes(pod: PodObject): boolean {
  return allSpecs(pod).some(({ spec }) => spec.startupProbe || spec.livenessProbe || spec.readinessProbe);
}

export function latest(runtime: PodRuntime, name: string): Container | undefined {
  return runtime.containers.find((container) => container.name === name);
}

/** `web_default(uid)`, as messages name pods. */
export function podText({ metadata: { name, namespace, uid } }: PodObject): string {
  return `${name}_${namespace}(${uid})`;
}

export function isHostNetwork(pod: PodObject): boolean {
  return pod.spec.hostNetwork === true;
}

export function isTerminalPhase(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Where a container stands in its pod, as events say it: `spec.containers{app}`. */
export function containerPath(pod: PodObject, { name }: Spec): string {
  const has = (specs: readonly { readonly name: string }[] | undefined): boolean => (specs ?? []).some((one) => one.name === name);
  const list = has(pod.spec.initContainers) ? 'initContainers' : has(pod.spec.ephemeralContainers) ? 'ephemeralContainers' : 'containers';
  return `spec.${list}{${name}}`;
}
