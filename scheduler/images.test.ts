import { cluster, node, place, pod } from './fixtures.ts';

const GB = 1024 ** 3;

test.each([
  ['the node that has the image', { images: { 'shop:1': GB } }, {}, 'shop:1', 'n1'],
  ['a missing tag means latest', { images: { 'reg:5000/shop:latest': GB } }, {}, 'reg:5000/shop', 'n1'],
  ['the larger image', { images: { 'shop:1': GB / 2 } }, { images: { 'shop:1': GB } }, 'shop:1', 'n2'],
])('images: %s', (_, n1, n2, image, expected) => {
  expect(place(cluster(node('n1', n1), node('n2', n2)), pod({ image }))).toEqual([expected]);
});

test('images: a change of a node is seen', () => {
  const snapshot = cluster(node('n1', { images: { 'shop:1': GB } }), node('n2'));
  expect(place(snapshot, pod({ name: 'a', image: 'shop:1' }))).toEqual(['n1']);
  snapshot.removePod('a');
  snapshot.setNode(node('n1'));
  snapshot.setNode(node('n2', { images: { 'shop:1': GB } }));
  expect(place(snapshot, pod({ image: 'shop:1' }))).toEqual(['n2']);
});
