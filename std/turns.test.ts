import { VirtualClock } from './clock.ts';
import { Turns } from './turns.ts';

/** Runs cost so much processor time each. */
function rig(costMs: number): { readonly turns: Turns; readonly clock: VirtualClock; readonly ran: string[]; add(...names: string[]): void } {
  const clock = new VirtualClock();
  let usedMs = 0;
  const turns = new Turns({ clock, usedMs: () => usedMs });
  const ran: string[] = [];
  return {
    turns, clock, ran,
    add: (...names) => names.forEach((name) => turns.add(() => {
      usedMs += costMs;
      ran.push(name);
    })),
  };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('add() runs in this turn of the event loop, in order', async () => {
  const { add, ran } = rig(0.1);
  add('a', 'b');
  expect(ran).toEqual([]);
  await turn();
  add('c');
  await turn();
  expect(ran).toEqual(['a', 'b', 'c']);
});

test('after a long round the next one waits as long as that took', async () => {
  const { add, ran, clock } = rig(2);
  add('a', 'b');
  await turn();
  expect(ran).toEqual(['a', 'b']);
  add('c');
  await turn();
  await clock.advance(3);
  expect(ran).toEqual(['a', 'b']);
  await clock.advance(1);
  expect(ran).toEqual(['a', 'b', 'c']);
});

test('what is too much for one round is done in several, with pauses', async () => {
  const { add, ran, clock } = rig(1);
  add(...names(20));
  await turn();
  expect(ran).toEqual(names(16));
  await clock.advance(15);
  expect(ran).toEqual(names(16));
  await clock.advance(1);
  expect(ran).toEqual(names(20));
});

test('who is added during a round comes after those who wait', async () => {
  const { add, ran, turns } = rig(0);
  turns.add(() => add('c'));
  add('a', 'b');
  await turn();
  await turn();
  expect(ran).toEqual(['a', 'b', 'c']);
});
