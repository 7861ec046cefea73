/** What both kinds of documents say of a path: its operations, and once for all of them the parameters that all of them have. */
import type { Parameter } from './parameters.ts';
import type { Operation, PathItem } from './operations.ts';
import type { Json } from './schemas.ts';

/** How a kind of document writes the parts of a path. */
export interface Form {
  operation(operation: Operation, own: readonly Parameter[]): Json;
  parameter(parameter: Parameter): Json;
}

export function writtenPath({ operations }: PathItem, form: Form): Json {
  const [first] = operations;
  const common = (first?.parameters ?? []).filter((parameter) => operations.every((operation) => operation.parameters.some((other) => same(other, parameter))));
  const out: Json = {};
  for (const operation of operations) {
    const own = operation.parameters.filter((parameter) => !common.some((other) => same(other, parameter)));
    out[operation.method] = form.operation(operation, own.sort(order));
  }
  if (common.length > 0) out['parameters'] = [...common].sort(order).map((parameter) => form.parameter(parameter));
  return out;
}

export function typesOf({ body, responses }: Operation): string[] {
  return [...(body ? [body.type] : []), ...responses.flatMap(([, type]) => type ?? [])];
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
