/** What refused clients are told to wait: longer while a level goes on refusing many, shorter again when it does not. Pure. */

const LONGEST_SECONDS = 32;
/** So many refusals per second of the present wait double it. */
const MANY = 3;

export class RetryAfter {
  seconds = 1;
  /** Refusals by second, oldest first; none older than twice the longest wait. */
  #past: { readonly second: number; readonly count: number }[] = [];
  #second = 0;
  #count = 0;
  #raisedAt = 0;

  refused(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second === this.#second) {
      this.#count++;
      return;
    }
    const reach = Math.min(2 * this.seconds, LONGEST_SECONDS);
    if (this.#count > 0) this.#past.push({ second: this.#second, count: this.#count });
    this.#past = this.#past.filter((one) => second - one.second <= reach);
    this.#second = second;
    this.#count = 1;
    this.#adjust(second);
  }

  #adjust(second: number): void {
    let recent = 0;
    for (const past of this.#past) if (second - past.second <= this.seconds && past.second < second) recent += past.count;
    if (second - this.#raisedAt >= this.seconds && recent >= MANY * this.seconds) {
      this.seconds = Math.min(this.seconds * 2, LONGEST_SECONDS);
      this.#raisedAt = second;
    } else if (recent < this.seconds && this.seconds > 1) this.seconds--;
  }
}
