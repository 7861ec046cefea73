/** What stands between this server and readiness, by the names that `/readyz?verbose` shows. */
export class Readiness {
  readonly #pending = new Set<string>(['poststarthook/bootstrap']);
  readonly #done = new Set<string>();
  #stopping = false;

  done(check: string): void {
    this.#pending.delete(check);
    this.#done.add(check);
  }

  /** From now on the server is alive and not ready. */
  stop(): void {
    this.#stopping = true;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get pending(): ReadonlySet<string> {
    return this.#pending;
  }

  get checks(): readonly string[] {
    return [...this.#pending, ...this.#done];
  }
}
