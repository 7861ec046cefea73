/** How long admission takes: each plugin, and all of them together, under upstream's names. */
import type { Clock } from '../../std/clock.ts';
import type { HistogramCell, Meter } from '../../std/meter.ts';

export type AdmissionStep = 'admit' | 'validate';

export interface AdmissionSeries {
  now(): number;
  stopwatch(step: AdmissionStep, operation: string): Stopwatch;
  step(step: AdmissionStep, operation: string, rejected: boolean, beganMs: number): void;
}

/** Goes on from plugin to plugin: where one ends, the next begins. */
export interface Stopwatch {
  lap(plugin: string, rejected: boolean): void;
}

const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5];

export function admissionSeries(meter: Meter, clock: Clock): AdmissionSeries {
  const plugins = meter.histogram({ name: 'apiserver_admission_controller_admission_duration_seconds', help: 'How long admission plugins took.', labels: ['name', 'type', 'operation', 'rejected'], buckets: SECONDS });
  const steps = meter.histogram({ name: 'apiserver_admission_step_admission_duration_seconds', help: 'How long admission took.', labels: ['type', 'operation', 'rejected'], buckets: SECONDS });
  /** Of plugins that let something pass: step, operation, plugin. */
  const passed = { admit: new Map<string, Map<string, HistogramCell>>(), validate: new Map<string, Map<string, HistogramCell>>() };
  const whole = { admit: new Map<string, HistogramCell>(), validate: new Map<string, HistogramCell>() };
  return {
    now: () => clock.monotonic(),
    stopwatch(step, operation) {
      let cells = passed[step].get(operation);
      if (!cells) passed[step].set(operation, (cells = new Map()));
      const known = cells;
      let beganMs = clock.monotonic();
      return {
        lap(plugin, rejected) {
          let cell = rejected ? plugins.of(plugin, step, operation, 'true') : known.get(plugin);
          if (!cell) known.set(plugin, (cell = plugins.of(plugin, step, operation, 'false')));
          const nowMs = clock.monotonic();
          cell.observe((nowMs - beganMs) / 1000);
          beganMs = nowMs;
        },
      };
    },
    step(step, operation, rejected, beganMs) {
      let cell = rejected ? steps.of(step, operation, 'true') : whole[step].get(operation);
      if (!cell) whole[step].set(operation, (cell = steps.of(step, operation, 'false')));
      cell.observe((clock.monotonic() - beganMs) / 1000);
    },
  };
}
