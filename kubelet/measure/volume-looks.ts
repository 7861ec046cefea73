/** What volumes hold and have left. A look at one is good for a minute, as upstream's. */
import type { Clock } from '../../std/clock.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Volume } from '../../api/types/core.v1.ts';
import type { PodObject } from '../pod.ts';
import { directoryUse, readDisk } from './disk.ts';
import type { Disk, MeasuredVolume } from './measured.ts';

const GOOD_MS = 60_000;
/** What is made of the API's objects, and what stands in the pod's own directory. Paths of the machine are not the pod's to be counted. */
const OWN = ['emptyDir', 'configMap', 'secret', 'downwardAPI', 'projected'] as const;

interface Look {
  readonly until: number;
  readonly found: Promise<Omit<MeasuredVolume, 'name' | 'claim'> | undefined>;
}

export class VolumeLooks {
  readonly #clock: Clock;
  /** By pod, then by volume. */
  readonly #looks = new Map<string, Map<string, Look>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async of({ metadata: { uid, name: pod, namespace } }: PodObject, volume: DeepReadonly<Volume>, path: string | undefined): Promise<MeasuredVolume | undefined> {
    const isOwn = OWN.some((kind) => volume[kind] !== undefined);
    const claimed = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod}-${volume.name}` : undefined);
    if (path === undefined || (!isOwn && claimed === undefined)) return undefined;
    const now = this.#clock.monotonic();
    let looks = this.#looks.get(uid);
    if (!looks) this.#looks.set(uid, (looks = new Map()));
    let look = looks.get(volume.name);
    if (!look || look.until <= now) looks.set(volume.name, (look = { until: now + GOOD_MS, found: this.#look(path, isOwn) }));
    const found = await look.found;
    return found && { ...found, name: volume.name, ...(claimed !== undefined && { claim: { name: claimed, namespace } }) };
  }

  keep(pods: ReadonlySet<string>): void {
    for (const uid of this.#looks.keys()) if (!pods.has(uid)) this.#looks.delete(uid);
  }

  /** A claim's volume is asked as a file system, the pod's own directories for what they take of the machine's. */
  async #look(path: string, isOwn: boolean): Promise<Disk | undefined> {
    const disk = await readDisk(path, this.#clock.now());
    return disk && isOwn ? { ...disk, ...(await directoryUse(path)) } : disk;
  }
}
