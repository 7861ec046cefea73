/** One step of the path of a request: changes the exchange, or refuses by throwing an `ApiError`. */
import type { Exchange } from '../exchange.ts';

export type Step = (exchange: Exchange) => void | Promise<void>;

/** Runs the steps in order; a promise from where one of them has to wait. What they leave to be done afterwards `finish` does, whatever happens. */
export function runChain(steps: readonly Step[], exchange: Exchange, from = 0): void | Promise<void> {
  for (let at = from; at < steps.length; at++) {
    const pending = steps[at]?.(exchange);
    if (pending) return at === steps.length - 1 ? pending : goOn(pending, steps, exchange, at + 1);
  }
  return undefined;
}

function goOn(pending: Promise<void>, steps: readonly Step[], exchange: Exchange, from: number): Promise<void> {
  return pending.then(() => runChain(steps, exchange, from));
}

export function finish(exchange: Exchange): void {
  for (const done of exchange.after.splice(0)) done();
}
