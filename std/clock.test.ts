import { VirtualClock, every, sleep } from './clock.ts';

describe('VirtualClock', () => {
  test('runs timers in the order of their time, then of their making', async () => {
    const clock = new VirtualClock(0);
    const ran: string[] = [];
    clock.after(20, () => ran.push('b'));
    clock.after(10, () => ran.push('a'));
    clock.after(20, () => ran.push('c'));
    clock.after(30, () => ran.push('too late'));
    await clock.advance(25);
    expect(ran).toEqual(['a', 'b', 'c']);
    expect(clock.now()).toBe(25);
  });

  test('does not run a cancelled timer, and does not name it as the next', () => {
    const clock = new VirtualClock(0);
    clock.after(5, () => undefined).cancel();
    expect(clock.next()).toBeUndefined();
  });

  test('step() runs one moment at a time, without what was cancelled in it', () => {
    const clock = new VirtualClock(0);
    const ran: string[] = [];
    clock.after(10, () => {
      ran.push('a');
      second.cancel();
    });
    const second = clock.after(10, () => ran.push('cancelled'));
    clock.after(15, () => ran.push('b'));
    expect([clock.step(12), clock.monotonic()]).toEqual([true, 10]);
    expect([clock.step(4), clock.monotonic()]).toEqual([false, 14]);
    expect([clock.step(100), clock.monotonic()]).toEqual([true, 15]);
    expect(ran).toEqual(['a', 'b']);
  });

  test('shift() moves the time of day and no timer; leap() makes timers late', () => {
    const clock = new VirtualClock(1000);
    const at: number[] = [];
    clock.after(10, () => at.push(clock.now()));
    clock.after(20, () => at.push(clock.now()));
    clock.shift(-500);
    expect([clock.now(), clock.monotonic()]).toEqual([500, 1000]);
    clock.leap(60);
    clock.step(0);
    expect(at).toEqual([560, 560]);
  });

  test('runs timers that others started on the way', async () => {
    const clock = new VirtualClock(0);
    const at: number[] = [];
    const timer = every(clock, 10, () => void at.push(clock.now()), fail);
    await clock.advance(35);
    timer.cancel();
    await clock.advance(100);
    expect(at).toEqual([10, 20, 30]);
  });
});

test('sleep() ends early when its signal is aborted', async () => {
  const clock = new VirtualClock(0);
  const controller = new AbortController();
  const slept = sleep(clock, 1000, controller.signal);
  controller.abort();
  await slept;
  expect(clock.next()).toBeUndefined();
});

function fail(error: unknown): void {
  throw error;
}
