/** Copying and comparing values of patches, in which numbers may stand as they were written. */
import { WrittenNumber } from '../codec/json-text.ts';
import { put } from '../../std/deep.ts';
import { isObject } from './refusals.ts';

export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const key in value) put(out, key, copyOf(value[key]));
  return out;
}

/** Whether two values say the same in the same words: 1 is not 1.0. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]));
  if (isObject(a)) {
    if (!isObject(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]));
  }
  return a === b || (isNumber(a) && isNumber(b) && numberText(a) === numberText(b));
}

function isNumber(value: unknown): value is number | bigint | WrittenNumber {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof WrittenNumber;
}

function numberText(value: number | bigint | WrittenNumber): string {
  return value instanceof WrittenNumber ? value.text : String(value);
}
