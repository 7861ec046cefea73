/** One step of the path of a request: changes the exchange, or refuses by throwing an `ApiError`. */
import type { Exchange } from '../exchange.ts';

export type Step = (exchange: Exchange) => void | Promise<void>;

/** Runs the steps in order. What they leave to be done afterwards `finish` does, whatever happens. */
export async function runChain(steps: readonly Step[], exchange: Exchange): Promise<void> {
  for (const step of steps) {
    const pending = step(exchange);
    if (pending) await pending;
  }
}

export function finish(exchange: Exchange): void {
  for (const done of exchange.after.splice(0)) done();
}
