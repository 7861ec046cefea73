import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  isFractional,
  milliValue,
  parseQuantity,
  quantityOf,
  quantityProblem,
  roundedToMilli,
  roundedToUnits,
  subtractQuantities,
  value,
  type Quantity,
} from './quantity.ts';

describe('canonicalQuantity() prints as a server does', () => {
  const rows: [string, string | undefined][] = [
    ['0', '0'], ['0.0', '0'], ['0Ki', '0'], ['0e3', '0'], ['-0', '0'], ['000', '0'], ['.', '0'], ['m', '0'],
    ['1', '1'], ['1.0', '1'], ['0.5', '500m'], ['.5', '500m'], ['5.', '5.'], ['1.25', '1250m'], ['1000m', '1'],
    ['1500m', '1500m'], ['001', '001'], ['+1', '+1'], [' 1', '1'], ['1.500', '1.500'], ['1.000', '1'],
    ['1000', '1k'], ['1024', '1024'], ['1500k', '1500k'], ['0.5k', '500'], ['1000000000000', '1T'], ['1K', undefined],
    ['1024Ki', '1Mi'], ['1536Mi', '1536Mi'], ['1.5Gi', '1536Mi'], ['0.5Mi', '512Ki'], ['1000Ki', '1000Ki'], ['0.5Ki', '512'],
    ['0.1Mi', '104857600m'], ['1Ei', '1Ei'], ['1023Mi', '1023Mi'], ['1Ki', '1Ki'],
    ['1e3', '1e3'], ['1E3', '1E3'], ['1e-3', '1e-3'], ['1.5e3', '1500'], ['1e2', '100'], ['1e0', '1e0'], ['100e1', '1e3'],
    ['1E', '1E'], ['1e', undefined], ['2e-1', '200e-3'],
    ['0.1n', '1n'], ['0.0000000001', '1n'], ['1000u', '1m'], ['-0.1n', '-1n'],
    ['9223372036854775807', '9223372036854775807'], ['9223372036854775808', '9223372036854775808'], ['8Ei', '9223372036854775807'],
    ['100E', '100E'], ['1e30', '1e30'], ['9223372036854775807Ki', '9223372036854775807'], ['-1Gi', '-1Gi'],
    ['', undefined], ['abc', undefined], ['1x', undefined], ['1 Gi', undefined], ['1gi', undefined], ['--1', undefined],
    ['1.2.3', undefined], ['1e1.5', undefined], ['0x10', undefined], ['1,5', undefined], ['1e9999999', undefined],
  ];
  test.each(rows)('%j → %j', (text, expected) => {
    expect(canonicalQuantity(text)).toBe(expected);
  });
});

test('quantityProblem() tells a wrong form from a wrong suffix', () => {
  expect(quantityProblem('1x')).toMatch(/^quantities must match/);
  expect(quantityProblem('1K')).toBe("unable to parse quantity's suffix");
});

test.each([
  ['1', '2', '3', '-1'], ['500m', '1', '1500m', '-500m'], ['1Gi', '512Mi', '1536Mi', '512Mi'], ['0', '1Ki', '1Ki', '-1Ki'],
  ['1Gi', '1', '1073741825', '1073741823'], ['1', '1Mi', '1048577', '-1048575'], ['900m', '100m', '1', '800m'],
])('%s plus and minus %s are %s and %s', (a, b, sum, difference) => {
  expect(formatQuantity(addQuantities(quantity(a), quantity(b)))).toBe(sum);
  expect(formatQuantity(subtractQuantities(quantity(a), quantity(b)))).toBe(difference);
});

test.each([
  ['1500m', 2, 1500], ['1', 1, 1000], ['1u', 1, 1], ['-1500m', -2, -1500], ['1Mi', 1048576, 1048576000], ['0', 0, 0],
])('value() and milliValue() of %s round away from zero: %d, %d', (text, whole, milli) => {
  expect([value(quantity(text)), milliValue(quantity(text))]).toEqual([whole, milli]);
});

test('compareQuantities() compares amounts, not texts', () => {
  expect(compareQuantities(quantity('1000m'), quantity('1'))).toBe(0);
  expect(compareQuantities(quantity('1Ki'), quantity('1k'))).toBe(1);
  expect(compareQuantities(quantity('-1'), quantityOf(0))).toBe(-1);
});

function quantity(text: string): Quantity {
  const result = parseQuantity(text);
  if (!result) throw new Error(`${text} is no quantity`);
  return result;
}

test('rounding is exact beyond what numbers hold', () => {
  const rounded = (round: (quantity: Quantity) => Quantity, text: string): string => formatQuantity(round(parseQuantity(text) as Quantity));
  expect(rounded(roundedToMilli, '1234567890123456789012u')).toBe('1234567890123456790m');
  expect(rounded(roundedToUnits, '9007199254740993.5')).toBe('9007199254740994');
  expect(['1', '1.5', '9007199254740993', '9007199254740993001m', '1u'].map((text) => isFractional(parseQuantity(text) as Quantity))).toEqual([false, true, false, true, true]);
});
