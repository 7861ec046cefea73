/** Equality as API rules mean it: absent, null and empty are the same, quantities compare by amount, key order does not matter. */
import { isEmptyMap } from '../../codec/empties.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';

export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, at) => semanticEqual(item, b[at]));
  }
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => (QUANTITY_MAPS.has(key) ? sameAmounts(a[key], b[key]) : semanticEqual(a[key], b[key])));
  }
  return false;
}

/** Fields whose values are quantities wherever they occur. */
const QUANTITY_MAPS = new Set(['limits', 'requests', 'capacity', 'allocatable', 'overhead', 'hard', 'used', 'max', 'min', 'default', 'defaultRequest']);

function sameAmounts(a: unknown, b: unknown): boolean {
  if (!isRecord(a) || !isRecord(b)) return semanticEqual(a, b);
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => sameAmount(a[key], b[key]));
}

function sameAmount(a: unknown, b: unknown): boolean {
  if (typeof a !== 'string' || typeof b !== 'string') return semanticEqual(a, b);
  const left = parseQuantity(a);
  const right = parseQuantity(b);
  return left && right ? compareQuantities(left, right) === 0 : a === b;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return (Array.isArray(value) && value.length === 0) || isEmptyMap(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
