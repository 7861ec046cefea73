/** What the parts of `coracle up` share. */
import type { Door } from '../api/request.ts';
import type { Api } from './api.ts';
import type { ComponentName, UpFlags } from './flags.ts';
import type { Log } from './log.ts';
import type { Stopper } from './stopper.ts';
import type { systemClock } from '../std/clock.ts';
import type { systemRandom } from '../std/random.ts';

export interface Context {
  readonly flags: UpFlags;
  readonly dataDir: string;
  readonly nodeName: string;
  readonly components: ReadonlySet<ComponentName>;
  readonly api: Api;
  readonly doors: (who: string) => Door;
  readonly clock: typeof systemClock;
  readonly random: typeof systemRandom;
  readonly log: Log;
  readonly stopper: Stopper;
}
