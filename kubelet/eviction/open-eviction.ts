/** Puts together what evictions on a real node are decided from. */
import type { KubeletContext } from '../context.ts';
import { readDisk } from '../measure/disk.ts';
import { readImages } from '../measure/look.ts';
import type { KubeletOptions } from '../options.ts';
import type { PodSet } from '../pod-set.ts';
import { Eviction } from './eviction.ts';
import { LocalLooks } from './local-looks.ts';

export interface OpenEvictionOptions {
  readonly options: Pick<KubeletOptions, 'directory'>;
  readonly context: KubeletContext;
  readonly set: PodSet;
}

export function openEviction({ options: { directory }, context, set }: OpenEvictionOptions): Eviction {
  const { clock, log, signal, series, runtime, observation, files, record } = context;
  const looks = new LocalLooks({ clock, runtime, seen: (uid) => observation.latest(uid), logDirectory: (pod) => files.logDirectory(pod), volumePaths: (uid) => files.volumePaths(uid) });
  return new Eviction({
    clock, log, signal, series, record,
    pods: set,
    localUse: (pods) => looks.of(pods),
    async hasImageDisk() {
      const [own, images] = await Promise.all([readDisk(directory, clock.now()), readImages(runtime, clock.now())]);
      return own !== undefined && images !== undefined && own.device !== images.device;
    },
  });
}
