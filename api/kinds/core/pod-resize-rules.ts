/** What a pod may ask for while it runs: other amounts of processor and memory, and nothing else. Provenance: ValidatePodResize of v1.36. */
import { type FieldError, Path, forbiddenField, invalid } from '../../field-error.ts';
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../types/core.v1.ts';
import { MIRROR_POD } from '../shared/pod-annotation-rules.ts';
import { podQos } from '../shared/pod-qos.ts';
import { isSidecar } from '../shared/pod-resources.ts';
import type { ResourceList } from '../shared/resource-list.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { checkWholePod } from './pod-rules.ts';

const SPEC = Path.of('spec');
const ONLY = 'only cpu and memory resources are mutable';
const LISTS = ['containers', 'initContainers'] as const;
const AMOUNTS = ['requests', 'limits'] as const;

export function validatePodResize(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[MIRROR_POD] !== undefined) return [forbiddenField(Path.of('[]'), 'static pods cannot be resized')];
  if (old.spec.os?.name === 'windows') return [forbiddenField(Path.of('[]'), 'windows pods cannot be resized')];
  const errors = checkWholePod(pod, old);
  if ((old.status?.qosClass || podQos(old.spec)) !== podQos(pod.spec)) {
    errors.push(invalid(SPEC, pod.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'));
  }
  const running = old.status?.containerStatuses?.find((status) => status.state?.running);
  if (running && !running.resources) errors.push(forbiddenField(SPEC, 'Pod running on node without support for resize'));
  const ownAmounts = [old, pod].some(({ spec }) => AMOUNTS.some((list) => Object.keys(spec.resources?.[list] ?? {}).length > 0));
  if (ownAmounts) errors.push(...checkPodResources(pod.spec, old.spec));
  if (old.status?.nodeAllocatableResourceClaimStatuses?.length) errors.push(forbiddenField(SPEC, 'pods with node allocatable resource claims cannot be resized'));
  const order = LISTS.flatMap((list) => checkOrder(pod.spec, old.spec, list));
  if (order.length > 0) return [...errors, ...order];
  errors.push(...checkAmountsKept(pod.spec, old.spec), ...checkContainers(pod.spec, old.spec), ...checkInitContainers(pod.spec, old.spec));
  if (errors.length > 0) return errors;
  return semanticEqual(undone(pod.spec, old.spec, ownAmounts), old.spec) ? [] : [forbiddenField(SPEC, ONLY)];
}

function checkPodResources({ resources }: PodSpec, { resources: old }: PodSpec): FieldError[] {
  const path = SPEC.child('resources');
  if (old && !resources) return [forbiddenField(path, 'pod-level resources cannot be removed')];
  const removed = AMOUNTS.filter((list) => isRemoved(resources?.[list], old?.[list]));
  const errors = removed.map((list) => forbiddenField(path.child(list), `pod-level resource ${list} cannot be removed`));
  return semanticEqual(ofPodUndone(resources, old), old) ? errors : [...errors, forbiddenField(SPEC, `${ONLY} at pod-level`)];
}

function checkOrder(spec: PodSpec, old: PodSpec, list: 'containers' | 'initContainers'): FieldError[] {
  const [now, before] = [spec[list] ?? [], old[list] ?? []];
  if (now.length !== before.length) return [forbiddenField(SPEC.child(list), `${list} may not be added or removed on resize`)];
  const renamed = [...before.keys()].filter((at) => now[at]?.name !== before[at]?.name);
  return renamed.map((at) => forbiddenField(SPEC.child(list).index(at).child('name'), `${list} may not be renamed or reordered on resize`));
}

function checkAmountsKept(spec: PodSpec, old: PodSpec): FieldError[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap(({ resources }, at) => {
      const before = old[list]?.[at]?.resources;
      const removed = AMOUNTS.filter((amounts) => isRemoved(resources?.[amounts], before?.[amounts]));
      return removed.map((amounts) => forbiddenField(SPEC.child(list).index(at).child('resources', amounts), `resource ${amounts} cannot be removed`));
    }),
  );
}

function checkContainers(spec: PodSpec, old: PodSpec): FieldError[] {
  const changed = spec.containers.filter((container, at) => !semanticEqual(containerUndone(container, old.containers[at]), bare(old.containers[at])));
  return changed.map(() => forbiddenField(SPEC, ONLY));
}

function checkInitContainers(spec: PodSpec, old: PodSpec): FieldError[] {
  return (spec.initContainers ?? []).flatMap((container, at) => {
    const before = old.initContainers?.[at];
    const here = SPEC.child('initContainers').index(at);
    const kept = semanticEqual(containerUndone(container, before), bare(before));
    const errors = kept ? [] : [forbiddenField(here, 'only cpu and memory resources for init or sidecar containers are mutable')];
    if (isSidecar(container) || semanticEqual(bare(container), bare(before))) return errors;
    const restarts = (container.resizePolicy ?? []).filter(({ restartPolicy }) => restartPolicy === 'RestartContainer');
    return [...errors, ...restarts.map(() => forbiddenField(here, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized'))];
  });
}

function isRemoved(list: ResourceList | undefined, old: ResourceList | undefined): boolean {
  return Object.keys(old ?? {}).some((name) => list?.[name] === undefined);
}

function undone(spec: PodSpec, old: PodSpec, ownAmounts: boolean): unknown {
  const { resources, ...rest } = spec;
  const own = ownAmounts ? ofPodUndone(resources, old.resources) : resources;
  return {
    ...rest,
    ...(own && { resources: own }),
    containers: spec.containers.map((container, at) => containerUndone(container, old.containers[at])),
    ...(spec.initContainers && { initContainers: spec.initContainers.map((container, at) => containerUndone(container, old.initContainers?.[at])) }),
  };
}

/** No resources are empty resources. */
function bare(container: Container | undefined): Container | undefined {
  return container && { ...container, resources: container.resources ?? {} };
}

function containerUndone(container: Container, old: Container | undefined): Container {
  const resources: ResourceRequirements = {};
  for (const list of AMOUNTS) {
    const amounts = amountsUndone(container.resources?.[list], old?.resources?.[list]);
    if (amounts) resources[list] = amounts;
  }
  return { ...container, resources };
}

function ofPodUndone(resources: ResourceRequirements | undefined, old: ResourceRequirements | undefined): ResourceRequirements | undefined {
  if (!resources) return undefined;
  const result: ResourceRequirements = resources.claims ? { claims: resources.claims } : {};
  for (const list of AMOUNTS) {
    const amounts = amountsUndone(resources[list], old?.[list]);
    if (amounts) result[list] = amounts;
  }
  return !old && Object.keys(result).length === 0 ? undefined : result;
}

function amountsUndone(list: ResourceList | undefined, old: ResourceList | undefined): ResourceList | undefined {
  if (!old && !list) return undefined;
  const { cpu: _cpu, memory: _memory, ...others } = list ?? {};
  const { cpu, memory } = old ?? {};
  const amounts = { ...others, ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) };
  return !old && Object.keys(amounts).length === 0 ? undefined : amounts;
}
