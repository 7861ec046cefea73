import { Heap } from './heap.ts';
import { seededRandom } from './random.ts';

test('Heap pops in order whatever the order of pushes', () => {
  const random = seededRandom(7);
  const numbers = Array.from({ length: 500 }, () => Math.floor(random.next() * 100));
  const heap = new Heap<number>((a, b) => a - b);
  for (const n of numbers) heap.push(n);
  const popped: number[] = [];
  for (let n = heap.pop(); n !== undefined; n = heap.pop()) popped.push(n);
  expect(popped).toEqual([...numbers].sort((a, b) => a - b));
});
