import { Gate } from './gate.ts';

test('Gate lets so many in, in order, and goes on after failures', async () => {
  const gate = new Gate(2);
  const log: string[] = [];
  const doors: (() => void)[] = [];
  const enter = (name: string, fails = false): Promise<void> =>
    gate.run(async () => {
      log.push(name);
      await new Promise<void>((resolve) => doors.push(resolve));
      if (fails) throw new Error(name);
    });
  const all = Promise.allSettled([enter('a', true), enter('b'), enter('c'), enter('d')]);
  await Promise.resolve();
  expect(log).toEqual(['a', 'b']);
  for (let i = 0; i < 4; i++) {
    doors[i]?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
  expect(log).toEqual(['a', 'b', 'c', 'd']);
});
