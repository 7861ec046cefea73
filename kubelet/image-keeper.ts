/** Remembers when each image was last used, and removes some when the disk fills up. */
import { statfs } from 'node:fs/promises';
import type { Clock } from '../std/clock.ts';
import type { Log } from './context.ts';
import type { KubeletSeries } from './metrics/series.ts';
import { type ImageUse, imagesToRemove } from './image-gc.ts';
import type { Image, Runtime } from './runtime/runtime.ts';

export interface ImageKeeperOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: string;
  /** Sandboxes use images that no container names. */
  readonly isPinned: (tags: readonly string[]) => boolean;
  readonly series?: Pick<KubeletSeries, 'imagesRemoved'> | undefined;
}

export class ImageKeeper {
  readonly #options: ImageKeeperOptions;
  readonly #seen = new Map<string, { firstSeenAt: number; lastUsedAt: number }>();

  constructor(options: ImageKeeperOptions) {
    this.#options = options;
  }

  async look(): Promise<void> {
    const { clock, directory } = this.#options;
    const [uses, disk] = await Promise.all([this.#uses(), statfs(directory)]);
    await this.#remove(imagesToRemove(uses, { totalBytes: disk.blocks * disk.bsize, usedBytes: (disk.blocks - disk.bavail) * disk.bsize }, clock.now()));
  }

  /** All that nobody uses, when the disk is about to be full. */
  async removeUnused(): Promise<void> {
    await this.#remove(imagesToRemove(await this.#uses(), undefined, this.#options.clock.now()));
  }

  async #uses(): Promise<readonly ImageUse[]> {
    const { runtime, clock, isPinned } = this.#options;
    const [images, containers] = await Promise.all([runtime.listImages(), runtime.listContainers()]);
    const now = clock.now();
    const used = new Set(containers.flatMap(({ image, imageId }) => [image, imageId]));
    const uses = images.map((image) => {
      const inUse = isPinned(image.tags) || [image.id, ...image.tags, ...image.digests].some((name) => used.has(name));
      const known = this.#seen.get(image.id) ?? { firstSeenAt: now, lastUsedAt: now };
      if (inUse) known.lastUsedAt = now;
      this.#seen.set(image.id, known);
      return { image, inUse, ...known };
    });
    const present = new Set(images.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!present.has(id)) this.#seen.delete(id);
    return uses;
  }

  async #remove(images: readonly Image[]): Promise<void> {
    const { runtime, log, series } = this.#options;
    for (const image of images) {
      log.info({ image: image.tags[0] ?? image.id, bytes: image.sizeBytes }, 'an unused image is removed, for the disk is filling up');
      await runtime.removeImage(image.id);
      series?.imagesRemoved('space', 1);
    }
  }
}
