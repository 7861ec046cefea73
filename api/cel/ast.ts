/** What an expression is made of, after its macros have been unfolded. */
import type { Value } from './value.ts';

interface Place {
  /** Where errors about it point: an offset into the source. */
  readonly at: number;
}

export interface Literal extends Place {
  readonly kind: 'literal';
  readonly value: Value;
}

export interface Ident extends Place {
  readonly kind: 'ident';
  readonly name: string;
}

export interface Select extends Place {
  readonly kind: 'select';
  readonly operand: Expr;
  readonly field: string;
  /** `has(operand.field)`: only whether it is there. */
  readonly test: boolean;
}

export interface Call extends Place {
  readonly kind: 'call';
  readonly name: string;
  readonly target?: Expr;
  readonly args: readonly Expr[];
}

export interface ListLiteral extends Place {
  readonly kind: 'list';
  readonly items: readonly Expr[];
  /** Which items are `?item`. */
  readonly optional: ReadonlySet<number>;
}

export interface Entry extends Place {
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface MapLiteral extends Place {
  readonly kind: 'map';
  readonly entries: readonly Entry[];
}

export interface Field extends Place {
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface StructLiteral extends Place {
  readonly kind: 'struct';
  readonly name: string;
  readonly fields: readonly Field[];
}

/** A loop over a list or the keys of a map. */
export interface Fold extends Place {
  readonly kind: 'fold';
  readonly range: Expr;
  readonly iter: string;
  readonly iter2?: string;
  readonly accu: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

export type Expr = Literal | Ident | Select | Call | ListLiteral | MapLiteral | StructLiteral | Fold;

/** The name that macros give what they build up; nobody can write it. */
export const ACCUMULATOR = '@result';

/** `a.b.c` as one name, where it could be one. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.test) return undefined;
  const start = qualifiedName(expr.operand);
  return start === undefined ? undefined : `${start}.${expr.field}`;
}

export function parts(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : expr.args;
    case 'list':
      return expr.items;
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return expr.fields.map(({ value }) => value);
    case 'fold':
      return [expr.range, expr.init, expr.condition, expr.step, expr.result];
    default:
      return [];
  }
}
