/** How many seats a priority level could have used over a while: highest, time-weighted mean and deviation, smoothed. Pure. */

/** What is left of a past envelope after one period; lower demand is believed slowly, higher at once. */
const SMOOTHING = 0.977;

export class Demand {
  highest = 0;
  mean = 0;
  deviation = 0;
  smoothed = 0;
  #value = 0;
  #sinceMs: number;
  #startMs: number;
  #max = 0;
  #area = 0;
  #squares = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#startMs = nowMs;
  }

  set(value: number, nowMs: number): void {
    const span = nowMs - this.#sinceMs;
    if (span > 0) {
      this.#area += this.#value * span;
      this.#squares += this.#value * this.#value * span;
      this.#sinceMs = nowMs;
    }
    this.#value = value;
    if (value > this.#max) this.#max = value;
  }

  /** Ends a period: what it has shown, and the next begins. */
  settle(nowMs: number): void {
    this.set(this.#value, nowMs);
    const span = nowMs - this.#startMs;
    this.highest = this.#max;
    if (span > 0) {
      this.mean = this.#area / span;
      this.deviation = Math.sqrt(Math.max(0, this.#squares / span - this.mean * this.mean));
      const envelope = this.mean + this.deviation;
      this.smoothed = Math.max(envelope, SMOOTHING * this.smoothed + (1 - SMOOTHING) * envelope);
    }
    this.#startMs = nowMs;
    this.#max = this.#value;
    this.#area = 0;
    this.#squares = 0;
  }
}
