/** Why a pod that has a node does not run or is not ready: images, missing configuration, crashes, probes, volumes, its node. */
import type { Container, ContainerStatus, Pod } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { type Finding, names } from './finding.ts';
import { type Picture, eventsOf } from './picture.ts';

type Status = DeepReadonly<ContainerStatus>;

const IMAGE_REASONS = new Set(['ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull', 'RegistryUnavailable', 'ImageInspectError']);

export function whyNotRunning(picture: Picture, pod: Stored<Pod>): Finding {
  const { metadata, spec, status } = pod;
  const name = `Pod ${metadata.name}`;
  const node = picture.nodes.find((one) => one.metadata.name === spec.nodeName);
  if (metadata.deletionTimestamp) return ending(pod, name);
  if (status?.phase === 'Succeeded') return { says: `${name} is done: its containers ended well.` };
  if (status?.phase === 'Failed') return { says: `${name} failed${status.reason ? `: ${status.reason}` : ''}${status.message ? ` (${status.message})` : ''}.`, because: (status.containerStatuses ?? []).flatMap((one) => crash(pod, one)) };
  if (!node) return { says: `${name} is on node ${spec.nodeName}, which is not there.`, change: [`kubectl delete pod ${metadata.name} -n ${metadata.namespace}: whatever owns it makes another`] };
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return { says: `${name} is on node ${spec.nodeName}, which is not ready: ${(ready?.message || 'its kubelet has not said anything').replace(/\.$/, '')}.`, change: [`look at the node: kubectl describe node ${spec.nodeName}`] };
  const because = [...initial(picture, pod), ...(status?.containerStatuses ?? []).flatMap((one) => notReady(picture, pod, one, spec.containers)), ...gates(pod)];
  if (status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')) return { says: `${name} runs on node ${spec.nodeName} and is ready.` };
  if (because.length > 0) return { says: `${name} is on node ${spec.nodeName} and is not ready:`, because };
  const last = eventsOf(picture, metadata.uid).findLast(({ type }) => type === 'Warning');
  return last ? { says: `${name} is starting on node ${spec.nodeName}: ${last.reason}: ${last.message}`, ...volumeChange(picture, pod, last.message ?? '') } : { says: `${name} is starting on node ${spec.nodeName}.` };
}

function ending({ metadata, spec }: Stored<Pod>, name: string): Finding {
  const finalizers = metadata.finalizers ?? [];
  if (finalizers.length > 0) return { says: `${name} is being deleted, and ${names(finalizers)} must let it go.`, change: [`whoever set ${names(finalizers)} removes it from metadata.finalizers when its work is done`] };
  return { says: `${name} is being deleted; its containers have ${spec.terminationGracePeriodSeconds ?? 30} s to end.` };
}

/** The first init container that has not ended well keeps everything else waiting. */
function initial(picture: Picture, pod: Stored<Pod>): Finding[] {
  for (const one of pod.status?.initContainerStatuses ?? []) {
    const container = pod.spec.initContainers?.find(({ name }) => name === one.name);
    const isDone = container?.restartPolicy === 'Always' ? one.started === true : one.state?.terminated?.exitCode === 0;
    if (isDone) continue;
    const why = notReady(picture, pod, one, pod.spec.initContainers ?? []);
    return [why[0] ?? { says: `init container ${one.name} is still running; the others wait for it`, change: [`kubectl logs ${pod.metadata.name} -c ${one.name} -n ${pod.metadata.namespace}`] }];
  }
  return [];
}

function notReady(picture: Picture, pod: Stored<Pod>, one: Status, containers: readonly DeepReadonly<Container>[]): Finding[] {
  const { waiting, running } = one.state ?? {};
  const container = containers.find(({ name }) => name === one.name);
  if (waiting?.reason && IMAGE_REASONS.has(waiting.reason)) return [image(pod, one, waiting.message ?? '')];
  if (waiting?.reason === 'CreateContainerConfigError') return [configuration(picture, pod, one.name, container, waiting.message ?? '')];
  if (waiting?.reason === 'CrashLoopBackOff' || one.state?.terminated) return crash(pod, one);
  if (waiting?.reason && waiting.reason !== 'ContainerCreating' && waiting.reason !== 'PodInitializing') return [{ says: `container ${one.name} waits: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}` }];
  if (running && !one.ready) return [probes(picture, pod, one, container)];
  return [];
}

function image({ spec, metadata }: Stored<Pod>, { name, image: what }: Status, message: string): Finding {
  const secrets = spec.imagePullSecrets?.length ? '' : ', and the pod names no imagePullSecrets';
  const denied = /unauthorized|denied|403|401/i.test(message);
  const change = denied ? `give the pod credentials of the registry (spec.imagePullSecrets${secrets ? '; it has none' : ''})` : `see that the name is right and the registry has it, then: kubectl set image ${ownerOf(metadata)} ${name}=NAME`;
  return { says: `container ${name}: its image ${what} cannot be had${message ? `: ${message}` : ''}`, change: [change] };
}

function ownerOf({ ownerReferences = [], name }: Stored<Pod>['metadata'] & { readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[] }): string {
  const [owner] = ownerReferences;
  return owner?.kind === 'ReplicaSet' ? `deployment/${owner.name.replace(/-[^-]*$/, '')}` : owner ? `${owner.kind.toLowerCase()}/${owner.name}` : `pod/${name}`;
}

function configuration({ configMaps, secrets }: Picture, { metadata }: Stored<Pod>, name: string, container: DeepReadonly<Container> | undefined, message: string): Finding {
  const refs = [
    ...(container?.env ?? []).map(({ valueFrom }) => ({ map: valueFrom?.configMapKeyRef, secret: valueFrom?.secretKeyRef })),
    ...(container?.envFrom ?? []).map(({ configMapRef, secretRef }) => ({ map: configMapRef, secret: secretRef })),
  ];
  const absent = refs.flatMap(({ map, secret }) => [
    ...(map?.name && !map.optional && configMaps && !configMaps.has(map.name) ? [`ConfigMap ${map.name}`] : []),
    ...(secret?.name && !secret.optional && secrets && !secrets.has(secret.name) ? [`Secret ${secret.name}`] : []),
  ]);
  const change = absent.length > 0 ? [`create ${names([...new Set(absent)])} in namespace ${metadata.namespace}`] : ['see that the ConfigMaps and Secrets it names are there with those keys'];
  return { says: `container ${name} cannot be made: ${message}`, change };
}

function crash({ metadata }: Stored<Pod>, { name, restartCount, state, lastState }: Status): Finding[] {
  const ended = state?.terminated ?? lastState?.terminated;
  if (!ended || (ended.exitCode === 0 && !state?.waiting)) return [];
  const logs = `read what it said: kubectl logs ${metadata.name} -c ${name}${state?.terminated ? '' : ' --previous'} -n ${metadata.namespace}`;
  const times = restartCount > 0 ? `, restarted ${restartCount} time${restartCount === 1 ? '' : 's'}` : '';
  if (ended.reason === 'OOMKilled') return [{ says: `container ${name} used more memory than its limit and was killed${times}`, change: ['raise resources.limits.memory of the container, or have it use less', logs] }];
  const meaning: Readonly<Record<number, string>> = { 126: ' (its command cannot be executed)', 127: ' (its command was not found)', 137: ' (killed)', 139: ' (it crashed)', 143: ' (told to end)' };
  return [{ says: `container ${name} ends with exit code ${ended.exitCode}${meaning[ended.exitCode] ?? ''}${times}${ended.message ? `: ${ended.message.trim()}` : ''}`, change: [logs] }];
}

function probes(picture: Picture, { metadata }: Stored<Pod>, { name, started }: Status, container: DeepReadonly<Container> | undefined): Finding {
  const failed = eventsOf(picture, metadata.uid).findLast(({ reason, involvedObject }) => reason === 'Unhealthy' && (!involvedObject?.fieldPath || involvedObject.fieldPath.includes(`{${name}}`)));
  const probe = started === false && container?.startupProbe ? 'startup' : 'readiness';
  const given = probe === 'startup' ? container?.startupProbe : container?.readinessProbe;
  const how = given?.httpGet ? ` (GET ${given.httpGet.path ?? '/'} on port ${given.httpGet.port})` : given?.tcpSocket ? ` (TCP port ${given.tcpSocket.port})` : given?.exec ? ` (${(given.exec.command ?? []).join(' ')})` : given?.grpc ? ` (gRPC port ${given.grpc.port})` : '';
  if (!given) return { says: `container ${name} runs and is about to be called ready` };
  const port = given.httpGet?.port ?? given.tcpSocket?.port;
  const isUnknown = typeof port === 'string' && !(container?.ports ?? []).some((one) => one.name === port);
  return {
    says: `container ${name} runs, but its ${probe} probe${how} does not succeed${failed?.message ? `: ${failed.message}` : ' yet'}`,
    change: [isUnknown ? `the container has no port called ${port}: correct the probe or name the port` : `make the program answer the probe, or correct the probe's path, port or times (initialDelaySeconds, timeoutSeconds, failureThreshold)`],
  };
}

function gates({ spec, status }: Stored<Pod>): Finding[] {
  const closed = (spec.readinessGates ?? []).map(({ conditionType }) => conditionType).filter((type) => !status?.conditions?.some((one) => one.type === type && one.status === 'True'));
  return closed.length > 0 ? [{ says: `readiness gate ${names(closed)} is not True`, change: [`whoever is to set the condition ${names(closed)} of the pod does so`] }] : [];
}

function volumeChange({ claims, configMaps, secrets }: Picture, { spec, metadata }: Stored<Pod>, message: string): { readonly change?: readonly string[] } {
  if (!/mount|volume/i.test(message)) return {};
  const absent = (spec.volumes ?? []).flatMap(({ configMap, secret, persistentVolumeClaim }) => [
    ...(configMap?.name && !configMap.optional && configMaps && !configMaps.has(configMap.name) ? [`ConfigMap ${configMap.name}`] : []),
    ...(secret?.secretName && !secret.optional && secrets && !secrets.has(secret.secretName) ? [`Secret ${secret.secretName}`] : []),
    ...(persistentVolumeClaim && !claims.some((claim) => claim.metadata.namespace === metadata.namespace && claim.metadata.name === persistentVolumeClaim.claimName) ? [`PersistentVolumeClaim ${persistentVolumeClaim.claimName}`] : []),
  ]);
  return absent.length > 0 ? { change: [`create ${names(absent)} in namespace ${metadata.namespace}`] } : {};
}
