import { unifiedDiff } from './unified-diff.ts';

const lines = (count: number): string[] => Array.from({ length: count }, (_, at) => `line ${at + 1}`);

test('unifiedDiff() shows three lines around each change, and joins changes that are near', () => {
  const before = lines(30);
  const after = before.map((line, at) => (at === 4 || at === 9 || at === 25 ? 'other' : line));
  expect(unifiedDiff(before.join('\n'), after.join('\n'))).toBe(
    [
      '@@ -2,12 +2,12 @@', ' line 2', ' line 3', ' line 4', '-line 5', '+other', ' line 6', ' line 7', ' line 8', ' line 9', '-line 10', '+other', ' line 11', ' line 12', ' line 13',
      '@@ -23,7 +23,7 @@', ' line 23', ' line 24', ' line 25', '-line 26', '+other', ' line 27', ' line 28', ' line 29', '',
    ].join('\n'),
  );
});

test('unifiedDiff() counts what is added or removed alone', () => {
  expect(unifiedDiff('a\nb', 'a\nb\nc')).toBe('@@ -1,2 +1,3 @@\n a\n b\n+c\n');
  expect(unifiedDiff('a', '')).toBe('@@ -1 +1 @@\n-a\n+\n');
  expect(unifiedDiff('same', 'same')).toBe('');
});
