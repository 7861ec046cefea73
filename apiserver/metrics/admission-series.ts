/** How long admission takes: each plugin, and all of them together, under upstream's names. */
import type { Clock } from '../../std/clock.ts';
import type { HistogramCell, Meter } from '../../std/meter.ts';

export type AdmissionStep = 'admit' | 'validate';

export interface AdmissionSeries {
  now(): number;
  plugin(name: string, step: AdmissionStep, operation: string, rejected: boolean, beganMs: number): void;
  step(step: AdmissionStep, operation: string, rejected: boolean, beganMs: number): void;
}

const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5];

export function admissionSeries(meter: Meter, clock: Clock): AdmissionSeries {
  const plugins = meter.histogram({ name: 'apiserver_admission_controller_admission_duration_seconds', help: 'How long admission plugins took.', labels: ['name', 'type', 'operation', 'rejected'], buckets: SECONDS });
  const steps = meter.histogram({ name: 'apiserver_admission_step_admission_duration_seconds', help: 'How long admission took.', labels: ['type', 'operation', 'rejected'], buckets: SECONDS });
  const known = new Map<string, HistogramCell>();
  const cell = (key: string, make: () => HistogramCell): HistogramCell => {
    let found = known.get(key);
    if (!found) known.set(key, (found = make()));
    return found;
  };
  return {
    now: () => clock.monotonic(),
    plugin(name, step, operation, rejected, beganMs) {
      const one = cell(`${name} ${step} ${operation} ${rejected}`, () => plugins.of(name, step, operation, String(rejected)));
      one.observe((clock.monotonic() - beganMs) / 1000);
    },
    step(step, operation, rejected, beganMs) {
      const one = cell(`${step} ${operation} ${rejected}`, () => steps.of(step, operation, String(rejected)));
      one.observe((clock.monotonic() - beganMs) / 1000);
    },
  };
}
