/** Turns for work that can wait: a busy process does little of it in each turn of the event loop, an idle one gets through it at once. */
import type { Clock } from '../std/clock.ts';

/** So much begins in one turn, whoever asks. */
const PER_TURN = 2;

/** One queue for all who go by one clock, so that a simulation repeats itself. Bounded by the queues of those who ask, each of whom waits for his turn. */
const queues = new WeakMap<Clock, (() => void)[]>();

export function backgroundTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const queue = queues.get(clock);
    if (queue) return void queue.push(resolve);
    queues.set(clock, [resolve]);
    setImmediate(() => turn(clock));
  });
}

function turn(clock: Clock): void {
  const queue = queues.get(clock) ?? [];
  for (const resolve of queue.splice(0, PER_TURN)) resolve();
  if (queue.length > 0) setImmediate(() => turn(clock));
  else queues.delete(clock);
}
