/** Room for the numbers of one decision, used again for the next: thousands of nodes would leave much garbage each time. */

type Numbers = Float64Array | Int32Array | Uint8Array;

export class Scratch<T extends Numbers> {
  readonly #make: new (length: number) => T;
  #room: T;

  constructor(make: new (length: number) => T) {
    this.#make = make;
    this.#room = new make(0);
  }

  /** So many zeros, until it is asked again. */
  zeros(count: number): T {
    if (this.#room.length < count) this.#room = new this.#make(2 * count);
    return this.#room.subarray(0, count).fill(0) as T;
  }
}
