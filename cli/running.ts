/** What the parts of a component that is a process of its own share. */
import type { Door } from '../api/request.ts';
import type { ComponentFlags } from './flags.ts';
import type { openLog } from './log.ts';
import type { Stopper } from './stopper.ts';
import type { HttpDoorOptions } from '../client/http.ts';
import type { Connection } from '../client/kubeconfig.ts';
import type { KubeletSeries } from '../kubelet/metrics/series.ts';
import type { systemClock } from '../std/clock.ts';
import type { Meter } from '../std/meter.ts';
import type { systemRandom } from '../std/random.ts';

export interface Running {
  readonly connection: Connection;
  readonly door: Door;
  readonly flags: ComponentFlags;
  readonly nodeName: string;
  readonly clock: typeof systemClock;
  readonly random: typeof systemRandom;
  readonly log: ReturnType<typeof openLog>;
  readonly stopper: Stopper;
  /** Of components that can be looked at. */
  readonly meter?: Meter;
  /** Of a kubelet, which counts more than others. */
  readonly series?: KubeletSeries;
  readonly onCall?: HttpDoorOptions['onCall'];
}
