/** One alarm that only ever moves forward: of several delays the shortest counts, and what is due later asks again. */
import type { Clock, Timer } from '../std/clock.ts';

export class WakeTimer {
  readonly #clock: Clock;
  readonly #sleeper: { wake(): void };
  #armed: { readonly at: number; readonly timer: Timer } | undefined;
  /** What must not be tried again before its time. */
  #notBefore: Map<string, { readonly at: number; readonly failures: number }> | undefined;

  constructor(clock: Clock, sleeper: { wake(): void }) {
    this.#clock = clock;
    this.#sleeper = sleeper;
  }

  after(delayMs: number): void {
    const at = this.#clock.now() + Math.max(0, delayMs);
    if (this.#armed && this.#armed.at <= at) return;
    this.#armed?.timer.cancel();
    const timer = this.#clock.after(Math.max(0, delayMs), () => {
      this.#armed = undefined;
      this.#sleeper.wake();
    });
    this.#armed = { at, timer };
  }

  cancel(): void {
    this.#armed?.timer.cancel();
    this.#armed = undefined;
  }

  /** How often in a row something has failed. */
  failures(what: string): number {
    return this.#notBefore?.get(what)?.failures ?? 0;
  }

  /** It failed, and may be tried again after the delay. */
  retryLater(what: string, delayMs: number): void {
    (this.#notBefore ??= new Map()).set(what, { at: this.#clock.now() + delayMs, failures: this.failures(what) + 1 });
    this.after(delayMs);
  }

  /** It may be tried again at once; how often it failed is remembered. */
  retryNow(what: string): void {
    const known = this.#notBefore?.get(what);
    if (known) this.#notBefore?.set(what, { ...known, at: 0 });
  }

  succeeded(what: string): void {
    this.#notBefore?.delete(what);
  }

  /** Whether it has to wait; the alarm is set for when it need not. */
  isTooSoon(what: string): boolean {
    const left = (this.#notBefore?.get(what)?.at ?? 0) - this.#clock.now();
    if (left > 0) this.after(left);
    return left > 0;
  }
}
