/** What the diagnostics of a component are told of it. */
import type { Check } from '../../apiserver/readiness.ts';
import type { DiagnosticsFlags, SECURE_PORTS } from './flags.ts';
import type { Log } from '../log.ts';
import type { Connection } from '../../client/kubeconfig.ts';
import type { Clock } from '../../std/clock.ts';
import type { Meter } from '../../std/meter.ts';
import type { Random } from '../../std/random.ts';

export interface DiagnosticsOptions {
  readonly component: keyof typeof SECURE_PORTS;
  readonly flags: DiagnosticsFlags;
  readonly connection: Connection;
  readonly meter: Meter;
  /** By the name of a path: `healthz`. Looked up each time. */
  readonly checks: () => Readonly<Partial<Record<'healthz' | 'livez' | 'readyz', readonly Check[]>>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
