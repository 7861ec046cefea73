import { deepFreeze } from './deep.ts';
import { remembered } from './remembered.ts';

test('remembered() asks once about a frozen value, and anew about one that may change', () => {
  let asked = 0;
  const total = remembered((list: readonly number[]) => {
    asked++;
    return list.reduce((sum, item) => sum + item, 0);
  });
  const frozen = deepFreeze([1, 2]);
  expect([total(frozen), total(frozen), asked]).toEqual([3, 3, 1]);
  expect([total(deepFreeze([1, 2])), asked]).toEqual([3, 2]);
  const open = [1, 2];
  expect(total(open)).toBe(3);
  open.push(3);
  expect(total(open)).toBe(6);
});

test('remembered() asks again where it failed', () => {
  let fails = true;
  const name = remembered((value: { readonly name: string }) => {
    if (fails) throw new Error('not now');
    return value.name;
  });
  const value = deepFreeze({ name: 'a' });
  expect(() => name(value)).toThrow('not now');
  fails = false;
  expect(name(value)).toBe('a');
});
