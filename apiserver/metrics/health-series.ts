/** What health checks have found, for `/metrics/slis`. */
import { Meter } from '../../std/meter.ts';

export interface HealthSeries {
  readonly meter: Meter;
  seen(check: string, root: string, passed: boolean): void;
}

export function healthSeries(startedMs: number): HealthSeries {
  const meter = new Meter();
  const last = meter.gauge({ name: 'kubernetes_healthcheck', help: 'Whether a health check passed the last time.', labels: ['name', 'type'] });
  const total = meter.counter({ name: 'kubernetes_healthchecks_total', help: 'Results of health checks.', labels: ['name', 'type', 'status'] });
  meter.gauge({ name: 'process_start_time_seconds', help: 'When the process started.' }).of().set(startedMs / 1000);
  return {
    meter,
    seen(check, root, passed) {
      last.of(check, root).set(passed ? 1 : 0);
      total.of(check, root, passed ? 'success' : 'error').add();
    },
  };
}
