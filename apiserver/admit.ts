/** Runs the admission plugins that have something to say about a write, in their fixed order. */
import type { AdmissionPlugin, AdmissionRequest, MutationPass } from './admission/admission.ts';

export class Admission {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  /** All of them look a second time when a policy or webhook has changed the object. */
  async mutate(request: AdmissionRequest): Promise<void> {
    const first: MutationPass = { round: 0, again: false, memory: new Map() };
    await this.#mutateOnce(request, first);
    if (first.again) await this.#mutateOnce(request, { ...first, round: 1 });
  }

  async #mutateOnce(request: AdmissionRequest, pass: MutationPass): Promise<void> {
    for (const plugin of this.#plugins) {
      if (!plugin.mutate || !plugin.handles(request)) continue;
      const pending = plugin.mutate(request, pass);
      if (pending) await pending;
    }
  }

  /** A plugin that refuses undoes what those before it had charged. */
  async validate(request: AdmissionRequest): Promise<void> {
    const passed: AdmissionPlugin[] = [];
    try {
      for (const plugin of this.#plugins) {
        if (!plugin.validate || !plugin.handles(request)) continue;
        const pending = plugin.validate(request);
        if (pending) await pending;
        passed.push(plugin);
      }
    } catch (error) {
      for (const plugin of passed) plugin.undo?.(request);
      throw error;
    }
  }

  /** The write did not come about. */
  undo(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) if (plugin.undo && plugin.handles(request)) plugin.undo(request);
  }
}
