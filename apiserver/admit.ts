/** Runs the admission plugins that have something to say about a write, in their fixed order. */
import type { AdmissionSeries, AdmissionStep, Stopwatch } from './metrics/admission-series.ts';
import type { AdmissionPlugin, AdmissionRequest, MutationPass } from './admission/admission.ts';

/** The plugins that show objects to others before they change them. */
const EXTENSIONS: ReadonlySet<string> = new Set(['MutatingAdmissionPolicy', 'MutatingAdmissionWebhook']);

/** Most plugins answer at once: a promise is made only where one of them has to wait. Refusals are thrown, or reject the promise. */
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
    for (const plugin of this.#plugins) if (EXTENSIONS.has(plugin.name) && plugin.handles(request)) return true;
    return false;
  }

  /** All of them look a second time when a policy or webhook has changed the object. */
  mutate(request: AdmissionRequest): void | Promise<void> {
    const first = new Pass(0);
    return this.#counted('admit', request, () => {
      const mutateOnce = (pass: Pass): void | Promise<void> => this.#round(this.#mutating, 'admit', request, (plugin) => plugin.mutate?.(request, pass)).from(0);
      const again = (): void | Promise<void> => (first.again ? mutateOnce(new Pass(1, first)) : undefined);
      const pending = mutateOnce(first);
      return pending ? pending.then(again) : again();
    });
  }

  /** A plugin that refuses undoes what those before it had charged. */
  validate(request: AdmissionRequest): void | Promise<void> {
    const round = this.#round(this.#validating, 'validate', request, (plugin) => plugin.validate?.(request));
    return this.#counted('validate', request, () => round.from(0), () => round.undo());
  }

  /** The write did not come about. */
  undo(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) if (plugin.undo && plugin.handles(request)) plugin.undo(request);
  }

  #round(plugins: readonly AdmissionPlugin[], step: AdmissionStep, request: AdmissionRequest, call: Round['call']): Round {
    return new Round(plugins, request, call, this.#series?.stopwatch(step, request.operation));
  }

  #counted(step: AdmissionStep, { operation }: AdmissionRequest, run: () => void | Promise<void>, refused?: () => void): void | Promise<void> {
    const series = this.#series;
    const beganMs = series?.now() ?? 0;
    const passed = (): void => series?.step(step, operation, false, beganMs);
    const failed = (error: unknown): never => {
      refused?.();
      series?.step(step, operation, true, beganMs);
      throw error;
    };
    let pending;
    try {
      pending = run();
    } catch (error) {
      failed(error);
    }
    return pending ? pending.then(passed, failed) : passed();
  }
}

class Pass implements MutationPass {
  readonly round: 0 | 1;
  again = false;
  #memory: Map<string, unknown> | undefined;

  constructor(round: 0 | 1, before?: MutationPass) {
    this.round = round;
    this.#memory = before?.memory;
  }

  get memory(): Map<string, unknown> {
    return (this.#memory ??= new Map());
  }
}

/** All plugins, one after the other. */
class Round {
  readonly call: (plugin: AdmissionPlugin) => void | Promise<void>;
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #request: AdmissionRequest;
  readonly #watch: Stopwatch | undefined;
  /** Those that may have charged something. */
  #passed: AdmissionPlugin[] | undefined;

  constructor(plugins: readonly AdmissionPlugin[], request: AdmissionRequest, call: Round['call'], watch: Stopwatch | undefined) {
    this.#plugins = plugins;
    this.#request = request;
    this.call = call;
    this.#watch = watch;
  }

  from(start: number): void | Promise<void> {
    for (let at = start; at < this.#plugins.length; at++) {
      const plugin = this.#plugins[at] as AdmissionPlugin;
      if (!plugin.handles(this.#request)) continue;
      let pending;
      try {
        pending = this.call(plugin);
      } catch (error) {
        this.#refused(plugin, error);
      }
      if (pending) return this.#after(pending, at);
      this.#pass(plugin);
    }
    return undefined;
  }

  #after(pending: Promise<void>, at: number): Promise<void> {
    const plugin = this.#plugins[at] as AdmissionPlugin;
    return pending.then(() => (this.#pass(plugin), this.from(at + 1)), (error: unknown) => this.#refused(plugin, error));
  }

  undo(): void {
    for (const plugin of this.#passed ?? []) plugin.undo?.(this.#request);
  }

  #pass(plugin: AdmissionPlugin): void {
    this.#watch?.lap(plugin.name, false);
    if (plugin.undo) (this.#passed ??= []).push(plugin);
  }

  #refused(plugin: AdmissionPlugin, error: unknown): never {
    this.#watch?.lap(plugin.name, true);
    throw error;
  }
}
