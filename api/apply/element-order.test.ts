import { compareElements } from './element-order.ts';

const ROWS: readonly (readonly [what: string, inOrder: readonly string[]])[] = [
  ['fields, then keys, values and places', ['f:b', 'k:{"name":"a"}', 'v:"a"', 'i:0']],
  ['fields by their names', ['f:a', 'f:ab', 'f:b']],
  ['numbers by their size', ['k:{"port":8080}', 'k:{"port":26257}']],
  ['the second key where the first is the same', ['k:{"port":53,"protocol":"TCP"}', 'k:{"port":53,"protocol":"UDP"}']],
  ['a key that has more, last', ['k:{"a":1}', 'k:{"a":1,"b":1}']],
  ['values: numbers, texts, truth, nothing', ['v:2', 'v:10', 'v:"1"', 'v:"a"', 'v:false', 'v:true', 'v:null']],
  ['places by their number', ['i:2', 'i:10']],
];

test.each(ROWS)('%s', (_what, inOrder) => {
  expect([...inOrder].reverse().sort(compareElements)).toEqual(inOrder);
});
