import { below, nameSuffix, seededRandom, systemRandom, uuid } from './random.ts';

test('systemRandom.bytes() never hands out the same bytes twice, whatever the size', () => {
  const seen = new Set(Array.from({ length: 2_000 }, (_, i) => Buffer.from(systemRandom.bytes(16 + (i % 3) * 1000)).toString('hex', 0, 16)));
  expect(seen.size).toBe(2_000);
});

test('seededRandom() repeats itself', () => {
  const draw = (): unknown[] => {
    const random = seededRandom(42);
    return [random.next(), uuid(random), nameSuffix(random), below(random, 10)];
  };
  expect(draw()).toEqual(draw());
});

test('uuid() is of version 4', () => {
  expect(uuid(systemRandom)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('nameSuffix() uses letters that make no words', () => {
  expect(nameSuffix(seededRandom(3), 200)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{200}$/);
});
