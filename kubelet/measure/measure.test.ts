import { VirtualClock } from '../../std/clock.ts';
import { oneAtATime, type Scope } from './measure.ts';
import type { MeasuredNode } from './measured.ts';

function open() {
  const clock = new VirtualClock();
  const looks: Scope[] = [];
  let running = 0;
  const look = oneAtATime(async (scope = 'all') => {
    looks.push(scope);
    expect(++running).toBe(1);
    await new Promise<void>((resolve) => clock.after(100, resolve));
    running--;
    if (looks.length === 3) throw new Error('away');
    return { name: `${scope} ${looks.length}` } as MeasuredNode;
  }, clock);
  return { clock, looks, look, name: async (scope?: Scope) => (await look(scope)).name };
}

test('looks come one after the other, and who comes meanwhile shares them', async () => {
  const { clock, looks, name } = open();
  const answers = Promise.all([name('use'), name(), name('use'), name()]);
  await clock.advance(100);
  await clock.advance(100);
  expect(await answers).toEqual(['use 1', 'all 2', 'all 2', 'all 2']);
  await clock.advance(300);
  expect([await name(), await name('use'), looks]).toEqual(['all 2', 'all 2', ['use', 'all']]);
});

test('a look that failed is not shared any longer', async () => {
  const { clock, name } = open();
  for (const expected of ['all 1', 'all 2', 'away', 'all 4']) {
    const answer = name().catch((error: Error) => error.message);
    await clock.advance(100);
    expect(await answer).toBe(expected);
    if (expected !== 'away') await clock.advance(500);
  }
});
