/** Which nodes have which images already, and how much that speaks for them. Follows the framework's ImageLocality. */
import type { Node, PodSpec } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { DeepReadonly } from '../std/deep.ts';

const MB = 1024 * 1024;
const LEAST_BYTES = 23 * MB;
const MOST_BYTES_PER_CONTAINER = 1000 * MB;
const MAX = 100;

export class Images {
  /** Moves whenever some node's images change, or the number of nodes. */
  version = 1;
  readonly #holders = new Map<string, Map<number, number>>();
  readonly #at = new Map<number, readonly string[]>();

  set(row: number, node: Stored<Node> | undefined): void {
    const images = node?.status?.images ?? [];
    const known = this.#at.get(row) ?? [];
    const names = images.flatMap((image) => image.names ?? []);
    if (names.length === known.length && names.every((name, i) => name === known[i])) return;
    for (const name of known) {
      const holders = this.#holders.get(name);
      if (holders?.delete(row) && holders.size === 0) this.#holders.delete(name);
    }
    for (const { names: of = [], sizeBytes = 0 } of images) {
      for (const name of of) {
        const holders = this.#holders.get(name);
        if (holders) holders.set(row, Number(sizeBytes));
        else this.#holders.set(name, new Map([[row, Number(sizeBytes)]]));
      }
    }
    if (names.length > 0) this.#at.set(row, names);
    else this.#at.delete(row);
    this.version++;
  }

  /** From 0 to 100 per row; undefined where no node has any of them. An image counts the more, the more nodes have it. */
  scores(images: readonly string[], containers: number, rows: number, nodes: number): Float64Array | undefined {
    const found = images.flatMap((image) => this.#holders.get(image) ?? []);
    if (found.length === 0) return undefined;
    const sums = new Float64Array(rows);
    for (const holders of found) for (const [row, bytes] of holders) sums[row] = (sums[row] as number) + Math.trunc((bytes * holders.size) / nodes);
    const most = MOST_BYTES_PER_CONTAINER * containers;
    return sums.map((sum) => Math.trunc((MAX * (Math.min(most, Math.max(LEAST_BYTES, sum)) - LEAST_BYTES)) / (most - LEAST_BYTES)));
  }
}

/** One name per container and image volume, with a tag where the pod leaves it out. */
export function imagesOf(spec: DeepReadonly<PodSpec>): string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => image ?? '');
  const volumes = (spec.volumes ?? []).flatMap(({ image }) => image?.reference ?? []);
  return [...containers, ...volumes].map((name) => (name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name));
}
