/** What pods with limits take of the node's disk, looked at again and again without taking much of its time. */
import { join } from 'node:path';
import type { Clock } from '../../std/clock.ts';
import { directoryUse } from '../measure/disk.ts';
import type { PodObject, PodRuntime } from '../pod.ts';
import type { ContainerStats, Runtime } from '../runtime/runtime.ts';
import { type LocalUse, isLocal, limitsAll, sizeLimit } from './limits.ts';

export interface LocalLooksOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly runtime: Pick<Runtime, 'stats'>;
  readonly seen: (uid: string) => PodRuntime;
  readonly logDirectory: (pod: PodObject['metadata']) => string;
  /** By volume. */
  readonly volumePaths: (uid: string) => ReadonlyMap<string, string>;
  /** Default: counts what is there. */
  readonly count?: (path: string) => Promise<{ readonly usedBytes: number }>;
}

/** A directory that took long to count is left alone for so many times as long. */
const REST = 20;

interface Look {
  readonly usedBytes: number;
  readonly againAt: number;
}

export class LocalLooks {
  readonly #options: LocalLooksOptions;
  /** By path. */
  #looks = new Map<string, Look>();

  constructor(options: LocalLooksOptions) {
    this.#options = options;
  }

  /** One pod after the other: who writes much is not to keep the disk busy as well. */
  async of(pods: readonly PodObject[]): Promise<ReadonlyMap<string, LocalUse>> {
    if (pods.length === 0) {
      this.#looks.clear();
      return new Map();
    }
    const stats = new Map((await this.#options.runtime.stats()).map((one) => [one.containerId, one]));
    const kept = new Map<string, Look>();
    const uses = new Map<string, LocalUse>();
    for (const pod of pods) uses.set(pod.metadata.uid, await this.#ofPod(pod, stats, kept));
    this.#looks = kept;
    return uses;
  }

  async #ofPod(pod: PodObject, stats: ReadonlyMap<string, ContainerStats>, kept: Map<string, Look>): Promise<LocalUse> {
    const { seen, logDirectory, volumePaths } = this.#options;
    const isWhole = limitsAll(pod);
    const containers = new Map<string, { layer: number; logs: number }>();
    const logs = logDirectory(pod.metadata);
    for (const { id, name, state } of isWhole ? seen(pod.metadata.uid).containers : []) {
      if (state === 'running') containers.set(name, { layer: stats.get(id)?.filesystemBytes ?? 0, logs: await this.#count(join(logs, name), kept) });
    }
    const volumes = new Map<string, number>();
    const paths = volumePaths(pod.metadata.uid);
    for (const volume of pod.spec.volumes ?? []) {
      const path = paths.get(volume.name);
      if (path !== undefined && (isWhole ? isLocal(volume) : sizeLimit(volume) !== undefined)) volumes.set(volume.name, await this.#count(path, kept));
    }
    return { containers, volumes };
  }

  async #count(path: string, kept: Map<string, Look>): Promise<number> {
    const { clock, count = directoryUse } = this.#options;
    const began = clock.monotonic();
    const known = this.#looks.get(path);
    if (known && began < known.againAt) {
      kept.set(path, known);
      return known.usedBytes;
    }
    const { usedBytes } = await count(path);
    const ended = clock.monotonic();
    kept.set(path, { usedBytes, againAt: ended + (ended - began) * REST });
    return usedBytes;
  }
}
