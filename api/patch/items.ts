/** Items of lists under strategic merge: what kind they are, what tells them apart, and the directives among them. */
import { goType } from '../go-type.ts';
import { WrittenNumber } from '../codec/json-text.ts';
import { goText, isObject, mergeFailure, unprocessable } from './refusals.ts';

export type Fields = Record<string, unknown>;

export const DIRECTIVE = '$patch';

export function unknownDirective(directive: unknown, patch: Fields): Error {
  return mergeFailure(`unknown patch type: ${asText(directive)} in map: ${goText(patch)}`);
}

/** What Go prints where a text was wanted. */
function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '%!s(<nil>)';
  return typeof value === 'object' && !(value instanceof WrittenNumber) ? goText(value) : `%!s(${goTypeOf(value)}=${goText(value)})`;
}

/** The value of an item's merge key, or a refusal. */
export function keyOf(item: unknown, mergeKey: string): unknown {
  if (!isObject(item)) throw mergeFailure(`expected a map[string]interface {}, but received a ${goTypeOf(item)}`);
  if (!Object.hasOwn(item, mergeKey)) throw mergeFailure(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
  return item[mergeKey];
}

/** The one kind of all elements of some lists: lists of lists and mixtures are refused. */
export function elementKind(lists: readonly (readonly unknown[])[], mayNotBeEmpty = false): string {
  const items = lists.flat(1);
  if (items.length === 0 && mayNotBeEmpty) throw mergeFailure('no elements in any of the given slices');
  if (Array.isArray(items[0])) throw unprocessable();
  const kinds = new Set(items.map(goTypeOf));
  if (kinds.size > 1 || kinds.has('%!s(<nil>)')) throw mergeFailure(`list element types are not identical: ${goText(lists)}`);
  return kinds.has('map[string]interface {}') ? 'object' : 'scalar';
}

/** As printed where the type was wanted: a number as it was written is not read yet. */
export function goTypeOf(value: unknown): string {
  if (value instanceof WrittenNumber) return 'float64';
  return value === null || value === undefined ? '%!s(<nil>)' : goType(value);
}
