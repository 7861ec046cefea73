/** Which parameters of a path's operations are said once for the path: those that all of them have. */
import type { Parameter } from './parameters.ts';
import type { Operation, PathItem } from './operations.ts';

export interface SortedParameters {
  readonly common: readonly Parameter[];
  readonly own: (operation: Operation) => readonly Parameter[];
}

export function sortParameters({ operations }: PathItem): SortedParameters {
  const [first] = operations;
  const common = (first?.parameters ?? []).filter((parameter) => operations.every((operation) => operation.parameters.some((other) => same(other, parameter))));
  return {
    common: [...common].sort(order),
    own: ({ parameters }) => parameters.filter((parameter) => !common.some((other) => same(other, parameter))).sort(order),
  };
}

function same(a: Parameter, b: Parameter): boolean {
  return a.name === b.name && a.in === b.in && a.shared === b.shared;
}

function order(a: Parameter, b: Parameter): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.in < b.in ? -1 : a.in > b.in ? 1 : 0;
}

/** Where a response's description is demanded, it is the text of its status. */
export const STATUS_TEXTS: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' };
