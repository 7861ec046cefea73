/** Gives running containers the resources that their pod asks for now, where that has changed since they were started. */
import { type PodObject, type PodRuntime, allSpecs, latest } from './pod.ts';
import { containerResources } from './resources.ts';
import type { Runtime } from './runtime/runtime.ts';

export class Resizer {
  readonly #runtime: Runtime;
  readonly #nodeMemoryBytes: number;
  /** By container id: what it has. */
  readonly #applied = new Map<string, string>();

  constructor(runtime: Runtime, nodeMemoryBytes: number) {
    this.#runtime = runtime;
    this.#nodeMemoryBytes = nodeMemoryBytes;
  }

  async follow(pod: PodObject, runtime: PodRuntime): Promise<void> {
    const seen = new Set<string>();
    for (const { spec } of allSpecs(pod)) {
      const container = latest(runtime, spec.name);
      if (container?.state !== 'running') continue;
      seen.add(container.id);
      const { oomScoreAdjust: _fixed, ...resources } = containerResources(pod, spec, this.#nodeMemoryBytes);
      const wanted = JSON.stringify(resources);
      const has = this.#applied.get(container.id);
      // What was found running has what its pod said then.
      if (has !== undefined && has !== wanted) await this.#runtime.updateResources(container.id, resources);
      this.#applied.set(container.id, wanted);
    }
    for (const id of this.#applied.keys()) if (!seen.has(id)) this.#applied.delete(id);
  }
}
