import { VirtualClock } from '../std/clock.ts';
import { backgroundTurn } from './background.ts';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('backgroundTurn() lets a few begin in each turn of the event loop, in their order, each clock for itself', async () => {
  const began: string[] = [];
  const ask = (clock: VirtualClock, name: string): void => void backgroundTurn(clock).then(() => began.push(name));
  const [one, other] = [new VirtualClock(), new VirtualClock()];
  for (const name of ['a', 'b', 'c']) ask(one, name);
  ask(other, 'x');
  expect(began).toEqual([]);
  await tick();
  expect(began).toEqual(['a', 'b', 'x']);
  await tick();
  expect(began).toEqual(['a', 'b', 'x', 'c']);
  ask(one, 'd');
  await tick();
  expect(began.at(-1)).toBe('d');
});
