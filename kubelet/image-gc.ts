/** Which images go when the disk fills up: the ones that nobody has used for longest, until there is room again. */
import type { Image } from './runtime/model.ts';

export interface Disk {
  readonly totalBytes: number;
  readonly usedBytes: number;
}

export interface ImageUse {
  readonly image: Image;
  readonly inUse: boolean;
  /** When it was last seen in use, or first seen. */
  readonly lastUsedAt: number;
  readonly firstSeenAt: number;
}

/** Above the first share images are removed, until the second is reached (upstream's defaults). */
const HIGH_SHARE = 0.85;
const LOW_SHARE = 0.8;
/** A pull that is not used yet will be. */
const MINIMUM_AGE_MS = 120_000;

/** Without a disk all that nobody uses. */
export function imagesToRemove(images: readonly ImageUse[], disk: Disk | undefined, now: number): readonly Image[] {
  if (disk && (disk.totalBytes === 0 || disk.usedBytes < disk.totalBytes * HIGH_SHARE)) return [];
  let excess = disk ? disk.usedBytes - disk.totalBytes * LOW_SHARE : Infinity;
  const unused = images.filter(({ inUse, firstSeenAt }) => !inUse && now - firstSeenAt >= MINIMUM_AGE_MS).toSorted((a, b) => a.lastUsedAt - b.lastUsedAt || a.firstSeenAt - b.firstSeenAt);
  return unused.flatMap(({ image }) => {
    if (excess <= 0) return [];
    excess -= image.sizeBytes;
    return [image];
  });
}
