/** Drawing a free number: at random from the upper band, then from whatever is left. */
import { below, type Random } from '../../std/random.ts';

export interface PickOptions {
  readonly size: number;
  /** Numbers below it are drawn only when no others are free. */
  readonly staticBand: number;
  readonly isFree: (index: number) => boolean;
}

/** Free numbers, the drawn ones first; each is offered once, so that a caller who loses the race for one takes the next. */
export function* picks({ size, staticBand, isFree }: PickOptions, random: Random): Generator<number> {
  const bands = [{ from: staticBand, to: size }, { from: 0, to: Math.min(staticBand, size) }];
  for (const { from, to } of bands) {
    const count = to - from;
    if (count <= 0) continue;
    const start = below(random, count);
    for (let step = 0; step < count; step++) {
      const index = from + ((start + step) % count);
      if (isFree(index)) yield index;
    }
  }
}
