/** Shares the server's seats out to priority levels: each gets the same fraction of what it aims at, within its bounds. Pure. */

export interface Claim {
  readonly least: number;
  readonly most: number;
  readonly target: number;
}

export interface Shares {
  readonly seats: readonly number[];
  /** Of its target, what a level gets whose bounds do not matter. */
  readonly fraction: number;
}

/** A level that aims at nothing still has some weight, so that spare seats go somewhere. */
const LEAST_TARGET = 0.001;
const CLOSE = 1e-7;
/** Halvings: each makes the interval half as wide, so that these exhaust the precision of a number. */
const STEPS = 100;

/** Undefined: the bounds do not allow the sum. */
export function shareOut(sum: number, claims: readonly Claim[]): Shares | undefined {
  const least = total(claims, ({ least: low }) => low);
  const most = total(claims, ({ most: high }) => high);
  if (sum < 0 || least > sum + CLOSE || most < sum - CLOSE) return undefined;
  const aims = claims.map(({ target }) => Math.max(target, LEAST_TARGET));
  const at = (fraction: number): number[] => claims.map((claim, index) => Math.min(claim.most, Math.max(claim.least, fraction * (aims[index] as number))));
  let low = 0;
  let high = Math.max(1, ...claims.map((claim, index) => claim.most / (aims[index] as number)));
  for (let step = 0; step < STEPS && high - low > CLOSE * low; step++) {
    const middle = (low + high) / 2;
    if (total(at(middle), (seats) => seats) < sum) low = middle;
    else high = middle;
  }
  return { seats: at(high), fraction: high };
}

function total<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
