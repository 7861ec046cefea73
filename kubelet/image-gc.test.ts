import { type ImageUse, imagesToRemove } from './image-gc.ts';

const NOW = 1_000_000_000;
const use = (id: string, lastUsedSecondsAgo: number, more: Partial<ImageUse> = {}): ImageUse => ({
  image: { id, tags: [], digests: [], sizeBytes: 3, user: undefined },
  inUse: false,
  lastUsedAt: NOW - lastUsedSecondsAgo * 1000,
  firstSeenAt: NOW - 3_600_000,
  ...more,
});
const images = [use('new', 10), use('old', 1000), use('used', 5000, { inUse: true }), use('middle', 500), use('fresh', 2000, { firstSeenAt: NOW - 60_000 })];

test.each([
  [84, []],
  [85, ['old', 'middle']],
  [82, []],
  [99, ['old', 'middle', 'new']],
])('imagesToRemove() with %i of 100 in use takes %j', (usedBytes, expected) => {
  expect(imagesToRemove(images, { totalBytes: 100, usedBytes }, NOW).map(({ id }) => id)).toEqual(expected);
});

test('imagesToRemove() without a disk takes all that nobody uses and that is not fresh', () => {
  expect(imagesToRemove(images, undefined, NOW).map(({ id }) => id)).toEqual(['old', 'middle', 'new']);
});
