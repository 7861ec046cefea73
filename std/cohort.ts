/**
 * Those who come in the same turn of the event loop go on together. What is a chain of small steps then runs step by step for
 * all of them, and the code of a step stays in the processor's caches while it is needed: one after the other from beginning to
 * end, each would find the caches full of the ends of the others.
 */

/** Whoever is first waits for the last of its cohort. */
const LIMIT = 64;

export class Cohort {
  #waiting: (() => void)[] = [];
  #isDue = false;

  /** Resolves at the end of this turn, or as soon after it as those allow who came before. */
  join(): Promise<void> {
    if (!this.#isDue) this.#arm();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #arm(): void {
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      const left = this.#waiting.splice(LIMIT);
      const now = this.#waiting;
      this.#waiting = left;
      if (left.length > 0) this.#arm();
      for (const go of now) go();
    });
  }
}
