/** Items of lists under strategic merge: what kind they are, what tells them apart, and the directives among them. */
import { goText, isObject, jsonTypeName, mergeFailure, unprocessable } from './refusals.ts';

export type Fields = Record<string, unknown>;

export const DIRECTIVE = '$patch';

export function unknownDirective(directive: unknown, patch: Fields): Error {
  return mergeFailure(`unknown patch type: ${goText(directive)} in map: ${goText(patch)}`);
}

/** The value of an item's merge key, or a refusal. */
export function keyOf(item: unknown, mergeKey: string): unknown {
  if (!isObject(item)) throw mergeFailure(`expected a map[string]interface {}, but received a ${goType(item)}`);
  if (!Object.hasOwn(item, mergeKey)) throw mergeFailure(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
  return item[mergeKey];
}

/** The one kind of all elements: lists of lists and mixtures are refused. */
export function elementKind(items: readonly unknown[], mayNotBeEmpty = false): string {
  if (items.length === 0 && mayNotBeEmpty) throw mergeFailure('no elements in any of the given slices');
  const kinds = new Set(items.map((item) => (isObject(item) ? 'object' : jsonTypeName(item))));
  if (kinds.has('array')) throw unprocessable();
  if (kinds.size > 1 || kinds.has('null')) throw mergeFailure(`list element types are not identical: ${goText([items])}`);
  return [...kinds][0] ?? 'string';
}

export function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isObject(value)) return 'map[string]interface {}';
  if (value === null || value === undefined) return '%!s(<nil>)';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? (Number.isInteger(value) ? 'int64' : 'float64') : typeof value;
}
