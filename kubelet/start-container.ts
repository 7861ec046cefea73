/** Starts one container: image, configuration, creation, start, postStart hook; each step's failure has its reason. */
import { containerConfig, sandboxConfig } from './configs.ts';
import type { KubeletContext } from './context.ts';
import { ConfigError, environment } from './environment/environment.ts';
import type { PodFacts } from './environment/field-ref.ts';
import { serviceVariables } from './environment/service-links.ts';
import { canRun, runHook } from './hooks.ts';
import type { LocalImage } from './images.ts';
import { CONTAINER_TYPES } from './metrics/pod-counting.ts';
import { aborted } from './interrupted.ts';
import { type ContainerKind, type PodObject, type PodRuntime, type Spec, isHostNetwork, latest } from './pod.ts';
import { credentialsFor } from './pull-secrets.ts';
import type { SandboxConfig } from './runtime/model.ts';
import { StartFailure } from './start-failure.ts';
import { restartCount as restartCountOf } from './status-containers.ts';

export interface StartRequest {
  readonly context: KubeletContext;
  readonly pod: PodObject;
  readonly spec: Spec;
  readonly kind: ContainerKind;
  readonly runtime: PodRuntime;
  /** Gives up between two steps. */
  readonly signal: AbortSignal;
}

const HOOK_TIMEOUT_MS = 30 * 60_000;

/** Returns the id of the new container. Throws `StartFailure`. */
export async function startContainer(request: StartRequest): Promise<string> {
  const { context, kind } = request;
  try {
    const id = await start(request);
    context.series?.containerStarted(CONTAINER_TYPES[kind]);
    return id;
  } catch (error) {
    if (error instanceof StartFailure) context.series?.containerStarted(CONTAINER_TYPES[kind], error.reason);
    throw error;
  }
}

async function start(request: StartRequest): Promise<string> {
  const { context, pod, spec, runtime, signal } = request;
  const record = (type: 'Normal' | 'Warning', reason: string, message: string): void => context.record(pod, { type, reason, message }, spec);
  const failed = (reason: string, error: unknown): StartFailure => {
    const message = (error as Error).message;
    record('Warning', 'Failed', `Error: ${message}`);
    return new StartFailure(reason, message);
  };
  const sandbox = runtime.sandboxes[0];
  if (!sandbox) throw new StartFailure('ContainerCreating', '');
  await context.references.known(pod.metadata.uid).catch((error: unknown) => {
    throw failed('CreateContainerConfigError', error);
  });
  const image = await ensureImage(request, record);
  signal.throwIfAborted();
  const asked = sandboxConfigOf(context, pod, sandbox.attempt, '');
  const config = await configure(request, image).catch((error: unknown) => {
    throw failed(error instanceof ConfigError ? 'CreateContainerConfigError' : 'CreateContainerError', error);
  });
  signal.throwIfAborted();
  const abandoned = latest(runtime, spec.name);
  if (abandoned?.state === 'created') await context.runtime.removeContainer(abandoned.id);
  const id = await context.runtime.createContainer(sandbox.id, config, asked).catch((error: unknown) => {
    throw failed('CreateContainerError', error);
  });
  record('Normal', 'Created', 'Container created');
  await context.runtime.startContainer(id).catch((error: unknown) => {
    throw failed('RunContainerError', error);
  });
  record('Normal', 'Started', 'Container started');
  await postStart(request, id);
  return id;
}

export function sandboxConfigOf(context: KubeletContext, pod: PodObject, attempt: number, runtimeHandler: string): SandboxConfig {
  return sandboxConfig({ pod, attempt, runtimeHandler, dns: context.dns, logDirectory: context.files.logDirectory(pod.metadata) });
}

export function podFacts({ node }: KubeletContext, pod: PodObject, { sandboxes }: PodRuntime): PodFacts {
  return { podIps: isHostNetwork(pod) ? node.hostIps : (sandboxes[0]?.ips ?? []), hostIps: node.hostIps, allocatable: node.allocatable };
}

async function ensureImage({ context, pod, spec, signal }: StartRequest, record: (type: 'Normal' | 'Warning', reason: string, message: string) => void): Promise<LocalImage> {
  const { namespace } = pod.metadata;
  const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
  const secrets = names.map((name) => ({ name, secret: context.references.secret(namespace, name) }));
  const missing = secrets.filter(({ secret }) => !secret).map(({ name }) => name);
  if (missing.length > 0 && !context.isSimulated) {
    context.record(pod, {
      type: 'Warning',
      reason: 'FailedToRetrieveImagePullSecret',
      message: `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
    });
  }
  const credentials = credentialsFor(spec.image ?? '', secrets.flatMap(({ secret }) => (secret ? [secret] : [])));
  const ensured = context.images.ensure({ pod, spec, credentials, record });
  ensured.catch(() => undefined);
  try {
    return await Promise.race([ensured, aborted(signal)]);
  } catch (error) {
    if (error instanceof StartFailure) record('Warning', 'Failed', `Error: ${error.reason}`);
    throw error;
  }
}

async function configure({ context, pod, spec, kind, runtime }: StartRequest, { image, reference }: LocalImage): Promise<ReturnType<typeof containerConfig>> {
  const facts = podFacts(context, pod, runtime);
  const variables = context.isSimulated ? [] : environmentOf(context, pod, spec, facts);
  const previous = latest(runtime, spec.name);
  const known = pod.status?.containerStatuses?.find(({ name }) => name === spec.name);
  // What was made but never started, because the kubelet was killed in between, was no run: this one takes its number.
  const runs = previous?.state === 'created' ? 0 : 1;
  const restartCount = previous ? restartCountOf(previous) + runs : known?.containerID ? known.restartCount + 1 : 0;
  const files = await context.files.mounts({ pod, spec, restartCount, facts, environment: new Map(variables.map(({ name, value }) => [name, value])) });
  const target = kind === 'ephemeral' ? pod.spec.ephemeralContainers?.find(({ name }) => name === spec.name)?.targetContainerName : undefined;
  const targetId = target ? latest(runtime, target)?.id : undefined;
  if (target && !targetId) throw new ConfigError(`unable to find target container ${JSON.stringify(target)}`);
  return containerConfig({
    pod,
    spec,
    restartCount,
    image,
    imageReference: reference,
    environment: variables,
    mounts: files.mounts,
    nodeMemoryBytes: context.node.memoryBytes,
    ...(files.terminationMessageFile && { terminationMessageFile: files.terminationMessageFile }),
    ...(targetId && { targetId }),
  });
}

function environmentOf(context: KubeletContext, pod: PodObject, spec: Spec, facts: PodFacts): ReturnType<typeof environment> {
  const { namespace } = pod.metadata;
  return environment({
    pod,
    spec,
    facts,
    services: serviceVariables(context.services(), { namespace, links: pod.spec.enableServiceLinks !== false }),
    configMap: (name) => context.references.configMap(namespace, name),
    secret: (name) => context.references.secret(namespace, name),
  });
}

async function postStart({ context, pod, spec, runtime, signal }: StartRequest, containerId: string): Promise<void> {
  const handler = spec.lifecycle?.postStart;
  if (!handler || !canRun(handler, context)) return;
  const ip = podFacts(context, pod, runtime).podIps[0] ?? '';
  const hook = runHook({ runtime: context.runtime, clock: context.clock, handler, spec, containerId, ip, timeoutMs: HOOK_TIMEOUT_MS });
  hook.catch(() => undefined);
  try {
    await Promise.race([hook, aborted(signal)]);
  } catch (error) {
    if (signal.aborted) throw error;
    context.record(pod, { type: 'Warning', reason: 'FailedPostStartHook', message: 'PostStartHook failed' }, spec);
    context.record(pod, { type: 'Normal', reason: 'Killing', message: 'FailedPostStartHook' }, spec);
    await context.runtime.stopContainer(containerId, pod.spec.terminationGracePeriodSeconds ?? 30).catch(() => undefined);
    throw new StartFailure('PostStartHookError', (error as Error).message);
  }
}
