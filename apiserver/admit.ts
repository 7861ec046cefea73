/** Runs the admission plugins that have something to say about a write, in their fixed order. */
import type { AdmissionSeries } from './metrics/admission-series.ts';
import type { AdmissionPlugin, AdmissionRequest, MutationPass } from './admission/admission.ts';

export class Admission {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #mutating: readonly AdmissionPlugin[];
  readonly #validating: readonly AdmissionPlugin[];
  readonly #series: AdmissionSeries | undefined;

  constructor(plugins: readonly AdmissionPlugin[], series?: AdmissionSeries) {
    this.#plugins = plugins;
    this.#mutating = plugins.filter(({ mutate }) => mutate);
    this.#validating = plugins.filter(({ validate }) => validate);
    this.#series = series;
  }

  /** Whether a policy or a webhook may look at the object before it is changed. */
  isExtended(request: AdmissionRequest): boolean {
    for (const plugin of this.#plugins) if (plugin.asksOthers && plugin.handles(request)) return true;
    return false;
  }

  /** Whether a policy or a webhook may look at the object at all. */
  isShown(request: AdmissionRequest): boolean {
    return this.#plugins.some((plugin) => (plugin.asksOthers || plugin.lastlyAsksOthers) && plugin.handles(request));
  }

  /** All of them look a second time when a policy or webhook has changed the object. */
  async mutate(request: AdmissionRequest): Promise<void> {
    const first: MutationPass = { round: 0, again: false, memory: new Map() };
    const beganMs = this.#series?.now() ?? 0;
    try {
      await this.#mutateOnce(request, first);
      if (first.again) await this.#mutateOnce(request, { ...first, round: 1 });
    } catch (error) {
      this.#series?.step('admit', request.operation, true, beganMs);
      throw error;
    }
    this.#series?.step('admit', request.operation, false, beganMs);
  }

  async #mutateOnce(request: AdmissionRequest, pass: MutationPass): Promise<void> {
    const watch = this.#series?.stopwatch('admit', request.operation);
    for (const plugin of this.#mutating) {
      if (!plugin.handles(request)) continue;
      try {
        const pending = plugin.mutate?.(request, pass);
        if (pending) await pending;
      } catch (error) {
        watch?.lap(plugin.name, true);
        throw error;
      }
      watch?.lap(plugin.name, false);
    }
  }

  /** A plugin that refuses undoes what those before it had charged. */
  async validate(request: AdmissionRequest): Promise<void> {
    const passed: AdmissionPlugin[] = [];
    const beganMs = this.#series?.now() ?? 0;
    try {
      await this.#validateAll(request, passed);
    } catch (error) {
      for (const plugin of passed) plugin.undo?.(request);
      this.#series?.step('validate', request.operation, true, beganMs);
      throw error;
    }
    this.#series?.step('validate', request.operation, false, beganMs);
  }

  async #validateAll(request: AdmissionRequest, passed: AdmissionPlugin[]): Promise<void> {
    const watch = this.#series?.stopwatch('validate', request.operation);
    for (const plugin of this.#validating) {
      if (!plugin.handles(request)) continue;
      try {
        const pending = plugin.validate?.(request);
        if (pending) await pending;
      } catch (error) {
        watch?.lap(plugin.name, true);
        throw error;
      }
      watch?.lap(plugin.name, false);
      if (plugin.undo) passed.push(plugin);
    }
  }

  /** The write did not come about. */
  undo(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) if (plugin.undo && plugin.handles(request)) plugin.undo(request);
  }
}
