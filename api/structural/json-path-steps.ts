/** What the steps of a JSONPath find in values. Provenance: client-go util/jsonpath/jsonpath.go of v0.36, where keys may be missing. */
import { isObject } from './json-schema.ts';

export type Step = (values: readonly unknown[]) => readonly unknown[];

/** A path cannot be followed: an index beyond the end, a comparison of what has no order. */
export class Lost extends Error {
  /** What the step that failed was given. */
  readonly values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    super('the path cannot be followed');
    this.values = values;
  }
}

export function apply(steps: readonly Step[], values: readonly unknown[]): readonly unknown[] {
  return steps.reduce((found, step) => step(found), values);
}

/** Whole numbers of paths are told from those with a point. */
class Literal {
  readonly value: number;
  readonly type: 'int' | 'float';

  constructor(value: number, type: 'int' | 'float') {
    this.value = value;
    this.type = type;
  }
}

/** A text stands for itself, whatever there was; other constants once for each value. */
export function constant(value: string | boolean | number, type: 'int' | 'float' = 'int'): Step {
  if (typeof value === 'string') return () => [value];
  const given = typeof value === 'number' ? new Literal(value, type) : value;
  return (values) => values.map(() => given);
}

export const unknown: Step = (values) => {
  throw new Lost(values);
};

export function field(name: string): Step {
  return (values) => values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));
}

export const everything: Step = (values) => values.flatMap(inside);

/** Each value that has something inside, and the same of what is inside. */
export const descend: Step = (values) => values.flatMap((value) => {
  const inner = inside(value);
  return inner.length === 0 ? [] : [value, ...descend(inner)];
});

function inside(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  if (typeof value === 'string') return [...new TextEncoder().encode(value)];
  return isObject(value) ? Object.values(value) : [];
}

export function unite(parts: readonly (readonly Step[])[]): Step {
  return (values) => parts.flatMap((steps) => apply(steps, values));
}

/** `to` is 'next' where a single element is meant. */
export function slice(first: number | undefined, to: number | 'next' | undefined, by: number | undefined): Step {
  return (values) => values.flatMap((value) => {
    if (value === null || value === undefined) return [];
    if (!Array.isArray(value)) throw new Lost(values);
    const size = value.length;
    const start = (first ?? 0) < 0 ? (first as number) + size : (first ?? 0);
    let end = to === 'next' ? (first ?? 0) + 1 : (to ?? size);
    if (end < 0 || (end === 0 && to === 'next')) end += size;
    if (start === end) return [];
    if (start >= size || start < 0 || end > size || end < 0 || start > end || (by !== undefined && by <= 0)) throw new Lost(values);
    return value.slice(start, end).filter((_, at) => at % (by ?? 1) === 0);
  });
}

/** Without an operator: the items in which the left side finds anything. */
export function compare(left: readonly Step[], operator: string | undefined, right: readonly Step[]): Step {
  return (values) => values.flatMap((value) => {
    if (!Array.isArray(value)) throw new Lost(values);
    return (value as unknown[]).filter((item) => (operator === undefined ? exists(left, item) : holds(left, operator, { right, item, values })));
  });
}

/** Where the path cannot be followed, what it had reached counts. */
function exists(steps: readonly Step[], item: unknown): boolean {
  try {
    return apply(steps, [item]).length > 0;
  } catch (error) {
    if (error instanceof Lost) return error.values.length > 0;
    throw error;
  }
}

interface Against {
  readonly right: readonly Step[];
  readonly item: unknown;
  readonly values: readonly unknown[];
}

function holds(left: readonly Step[], operator: string, { right, item, values }: Against): boolean {
  const lefts = apply(left, [item]);
  if (lefts.length === 0) return false;
  if (lefts.length > 1) throw new Lost(values);
  const rights = apply(right, [item]);
  if (rights.length === 0) return false;
  const [a, b] = [basic(lefts[0]), basic(rights[0])];
  const test = Object.hasOwn(TESTS, operator) ? TESTS[operator] : undefined;
  // Only values of one kind are compared, and truth has no order.
  if (rights.length > 1 || !test || !a || !b || a.kind !== b.kind || (a.kind === 'bool' && /[<>]/.test(operator))) throw new Lost(values);
  return test(a.value, b.value);
}

type Basic = { readonly kind: 'bool' | 'string' | 'int' | 'float'; readonly value: string | number | bigint };

function basic(value: unknown): Basic | undefined {
  if (value instanceof Literal) return { kind: value.type, value: value.value };
  switch (typeof value) {
    case 'boolean':
      return { kind: 'bool', value: Number(value) };
    case 'string':
      return { kind: 'string', value };
    case 'bigint':
      return { kind: 'int', value };
    case 'number':
      return { kind: Number.isInteger(value) ? 'int' : 'float', value };
    default:
      return undefined;
  }
}

type Test = (a: Basic['value'], b: Basic['value']) => boolean;

// oxlint-disable eqeqeq -- a bigint may stand beside a number
const TESTS: Readonly<Record<string, Test>> = {
  '==': (a, b) => a == b, '!=': (a, b) => a != b, '<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b, '>=': (a, b) => a >= b,
};
// oxlint-enable eqeqeq
