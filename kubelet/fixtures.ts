/** Pods and containers for the tests of this folder, with as little said as each case needs. */
import type { PodObject, PodRuntime } from './pod.ts';
import { ANNOTATIONS } from './pod.ts';
import type { Container, ContainerState, Sandbox } from './runtime/model.ts';

export const NOW = Date.UTC(2026, 0, 1, 12);

export function podOf(spec: object, metadata: object = {}, status?: object): PodObject {
  return {
    metadata: { name: 'web', namespace: 'default', uid: 'u1', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', generation: 1, ...metadata },
    spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, containers: [{ name: 'app', image: 'app:1' }], ...spec },
    ...(status && { status }),
  } as unknown as PodObject;
}

export interface Run {
  readonly name?: string;
  readonly state?: ContainerState;
  readonly code?: number;
  /** Seconds ago. */
  readonly ended?: number;
  readonly started?: number;
  readonly attempt?: number;
  readonly image?: string;
  readonly sandbox?: string;
  readonly message?: string;
}

let made = 0;

/** Ids are the name and the attempt: `app-0`. */
export function run({ name = 'app', state = 'running', code = 0, ended = 1, started = 60, attempt = 0, image = `${name}:1`, sandbox = 's0', message = '' }: Run = {}): Container {
  return {
    id: `${name}-${attempt}`,
    sandboxId: sandbox,
    name,
    attempt,
    state,
    image,
    imageId: `sha256:${image}`,
    createdAt: NOW - started * 1000 + made++ / 1000,
    startedAt: state === 'created' ? 0 : NOW - started * 1000,
    finishedAt: state === 'exited' ? NOW - ended * 1000 : 0,
    exitCode: code,
    reason: state !== 'exited' ? '' : code === 0 ? 'Completed' : 'Error',
    message,
    labels: {},
    annotations: { [ANNOTATIONS.hash]: `${name} ${image}`, [ANNOTATIONS.restartCount]: String(attempt) },
  };
}

export function sandbox({ id = 's0', state = 'ready', attempt = 0, ips = ['10.244.0.5'] }: Partial<Sandbox> = {}): Sandbox {
  return { id, name: 'web', namespace: 'default', uid: 'u1', attempt, state, createdAt: NOW - 100_000 + attempt, ips, labels: {} };
}

/** Containers are given oldest first. */
export function runtimeOf(containers: readonly Run[], sandboxes: readonly Sandbox[] = [sandbox()]): PodRuntime {
  return { sandboxes: sandboxes.toReversed(), containers: containers.map(run).toReversed() };
}
