/** Gives running containers the resources that their pod asks for now, where that has changed since they were started. */
import { deepEqual } from '../std/deep.ts';
import { type PodObject, type PodRuntime, allSpecs, latest } from './pod.ts';
import { containerResources } from './resources.ts';
import type { Runtime } from './runtime/runtime.ts';

export interface Resize {
  readonly pod: PodObject;
  /** As it was when they were given what it asks for, if it has been seen before: what was found running has what its pod said then. */
  readonly before: PodObject['spec'] | undefined;
  readonly containers: PodRuntime;
  readonly runtime: Runtime;
  readonly nodeMemoryBytes: number;
}

/** Returns what they have now. */
export async function resize({ pod, before, containers, runtime, nodeMemoryBytes }: Resize): Promise<PodObject['spec']> {
  if (!before || before === pod.spec) return pod.spec;
  const old = allSpecs({ spec: before });
  for (const { spec } of allSpecs(pod)) {
    const container = latest(containers, spec.name);
    const known = old.find((one) => one.spec.name === spec.name)?.spec;
    if (container?.state !== 'running' || !known) continue;
    const { oomScoreAdjust: _fixed, ...resources } = containerResources(pod, spec, nodeMemoryBytes);
    const { oomScoreAdjust: _was, ...had } = containerResources(pod, known, nodeMemoryBytes);
    if (!deepEqual(resources, had)) await runtime.updateResources(container.id, resources);
  }
  return pod.spec;
}
