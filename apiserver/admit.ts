/** Runs the admission plugins that have something to say about a write, in their fixed order. */
import type { AdmissionSeries, AdmissionStep } from './metrics/admission-series.ts';
import type { AdmissionPlugin, AdmissionRequest, MutationPass } from './admission/admission.ts';

export class Admission {
  readonly #plugins: readonly AdmissionPlugin[];

  readonly #series: AdmissionSeries | undefined;

  constructor(plugins: readonly AdmissionPlugin[], series?: AdmissionSeries) {
    this.#plugins = plugins;
    this.#series = series;
  }

  /** All of them look a second time when a policy or webhook has changed the object. */
  async mutate(request: AdmissionRequest): Promise<void> {
    const first: MutationPass = { round: 0, again: false, memory: new Map() };
    await this.#timed('admit', request, async () => {
      await this.#mutateOnce(request, first);
      if (first.again) await this.#mutateOnce(request, { ...first, round: 1 });
    });
  }

  async #mutateOnce(request: AdmissionRequest, pass: MutationPass): Promise<void> {
    for (const plugin of this.#plugins) {
      if (!plugin.mutate || !plugin.handles(request)) continue;
      const pending = this.#timed('admit', request, () => plugin.mutate?.(request, pass), plugin);
      if (pending) await pending;
    }
  }

  /** A plugin that refuses undoes what those before it had charged. */
  async validate(request: AdmissionRequest): Promise<void> {
    const passed: AdmissionPlugin[] = [];
    await this.#timed('validate', request, () => this.#validateAll(request, passed));
  }

  async #validateAll(request: AdmissionRequest, passed: AdmissionPlugin[]): Promise<void> {
    try {
      for (const plugin of this.#plugins) {
        if (!plugin.validate || !plugin.handles(request)) continue;
        const pending = this.#timed('validate', request, () => plugin.validate?.(request), plugin);
        if (pending) await pending;
        passed.push(plugin);
      }
    } catch (error) {
      for (const plugin of passed) plugin.undo?.(request);
      throw error;
    }
  }

  /** Counts how long it takes: of one plugin, or without one, of the whole step. */
  #timed(step: AdmissionStep, { operation }: AdmissionRequest, run: () => void | Promise<void>, plugin?: AdmissionPlugin): void | Promise<void> {
    const series = this.#series;
    if (!series) return run();
    const beganMs = series.now();
    const told = (rejected: boolean): void => (plugin ? series.plugin(plugin.name, step, operation, rejected, beganMs) : series.step(step, operation, rejected, beganMs));
    const failed = (error: unknown): never => {
      told(true);
      throw error;
    };
    try {
      const pending = run();
      if (pending) return pending.then(() => told(false), failed);
    } catch (error) {
      failed(error);
    }
    told(false);
  }

  /** The write did not come about. */
  undo(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) if (plugin.undo && plugin.handles(request)) plugin.undo(request);
  }
}
