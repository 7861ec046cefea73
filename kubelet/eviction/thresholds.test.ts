import { DEFAULT_THRESHOLDS, parseThresholds, thresholdAmount } from './thresholds.ts';

test('the defaults are upstream\'s, reckoned as upstream does', () => {
  expect(DEFAULT_THRESHOLDS.map((one) => [one.signal, thresholdAmount(one, 1_000_000_000_000)])).toEqual([
    ['memory.available', 104_857_600],
    ['nodefs.available', 100_000_001_490],
    ['nodefs.inodesFree', 50_000_000_745],
    ['imagefs.available', 150_000_005_960],
    ['imagefs.inodesFree', 50_000_000_745],
  ]);
});

test.each<[Record<string, string>, unknown]>([
  [{ 'nodefs.available': '0%', 'pid.available': '100' }, [{ signal: 'pid.available', below: { amount: 100 } }]],
  [{ 'nodefs.available': '100%' }, []],
  [{ 'nodefs.available': '101%' }, 'eviction percentage threshold nodefs.available must be <= 100%: 101%'],
  [{ 'memory.available': '0' }, 'eviction threshold memory.available must be positive: 0'],
  [{ 'memory.available': 'much' }, 'eviction threshold memory.available must be positive: much'],
  [{ 'containerfs.available': '1' }, 'unsupported eviction signal containerfs.available'],
])('parseThresholds() reads %j', (texts, expected) => {
  const read = (): unknown => {
    try {
      return parseThresholds(texts);
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(read()).toEqual(expected);
});
