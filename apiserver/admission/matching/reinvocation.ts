/** Who looks again in the second round: those that asked for it, where the object changed after they had looked. */
import { deepCopy, deepEqual } from '../../../std/deep.ts';
import type { AdmissionRequest, MutationPass } from '../admission.ts';

/** Of one plugin, for one request. Provenance: reinvocationcontext.go of the webhook and policy plugins of apiserver v0.36. */
export class Reinvocation {
  readonly #seen = new Set<string>();
  readonly #due = new Set<string>();
  #last: unknown;

  /** At the beginning of a round. */
  static of(plugin: string, request: AdmissionRequest, pass: MutationPass): Reinvocation {
    let own = pass.memory.get(plugin) as Reinvocation | undefined;
    if (!own) pass.memory.set(plugin, (own = new Reinvocation()));
    // Built-in plugins have changed it since.
    if (pass.round === 1 && own.#seen.size > 0 && !deepEqual(own.#last, request.object)) own.#callBack();
    return own;
  }

  /** In the second round nobody is called who was not called in the first. */
  isDue(id: string, pass: MutationPass): boolean {
    return pass.round === 0 || this.#due.has(id);
  }

  /** `again`: it wants to look once more if the object changes after this. */
  called(id: string, { changed, again }: { readonly changed: boolean; readonly again: boolean }, pass: MutationPass): void {
    if (changed) {
      this.#callBack();
      pass.again = true;
    }
    if (again) this.#seen.add(id);
  }

  /** Whoever asked for it looks again, also at what it did itself. */
  callAll(pass: MutationPass): void {
    this.#callBack();
    pass.again = true;
  }

  /** At the end of a round. */
  done(request: AdmissionRequest, pass: MutationPass): void {
    if (pass.round === 0 && this.#seen.size > 0) this.#last = deepCopy(request.object);
  }

  #callBack(): void {
    for (const id of this.#seen) this.#due.add(id);
    this.#seen.clear();
  }
}
