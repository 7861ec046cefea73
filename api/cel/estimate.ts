/** What an expression costs at most, by the sizes of what it may meet. Provenance: checker/cost.go and ext/{lists,sets}.go of cel-go v0.26. */
import type { Call, Expr, Fold } from './ast.ts';
import { ACCUMULATOR } from './ast.ts';
import type { CelEnvironment, CelEstimate, CelType } from './cel.ts';
import type { Checked } from './check.ts';
import { characters, LIST, MAP, STRUCT, TRAVERSAL } from './cost.ts';
import { type Operand, callEstimate } from './estimate-call.ts';
import { isReserved } from './escape.ts';
import { add, fixed, type Range, scaled, times, union, unknown } from './range.ts';
import type { Type } from './type.ts';

export function estimateCost(checked: Checked, environment: CelEnvironment): CelEstimate {
  return new Estimator(checked, environment).cost(checked.expr);
}

/** Sizes of the keys (or indices) and values of a list or map that is made on the way. */
interface Inner {
  readonly list: boolean;
  readonly key: Range;
  readonly value: Range;
}

/**
 * Where a part looks: at a declared type, at nothing that is known ('lost'), or not at a field at all. Upstream reads the
 * first step from such a part as one from the root; that shows in the costs of definitions that are accepted, so it stays.
 */
type Shape = CelType | 'lost' | undefined;

interface Local {
  readonly shape: Shape;
  readonly size: Range | undefined;
  readonly inner: Inner | undefined;
}

const ONE = fixed(1);
const NONE = fixed(0);
const SCALARS = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);

class Estimator {
  readonly #checked: Checked;
  readonly #environment: CelEnvironment;
  readonly #sizes = new Map<Expr, Range>();
  readonly #inners = new Map<Expr, Inner>();
  /** The declared type at which a part looks. */
  readonly #shapes = new Map<Expr, Shape>();
  readonly #locals: Map<string, Local>[] = [];

  constructor(checked: Checked, environment: CelEnvironment) {
    this.#checked = checked;
    this.#environment = environment;
  }

  cost(expr: Expr): Range {
    switch (expr.kind) {
      case 'literal':
        return NONE;
      case 'ident':
        return this.#ident(expr);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return expr.fields.reduce((sum, { value }) => add(sum, this.cost(value)), fixed(STRUCT));
      case 'fold':
        return expr.accu === ACCUMULATOR ? this.#fold(expr) : this.#bind(expr);
    }
  }

  #type(expr: Expr): Type {
    return this.#checked.types.get(expr) as Type;
  }

  #ident(expr: Expr & { kind: 'ident' }): Range {
    const name = expr.name.replace(/^\./, '');
    const local = this.#local(name);
    this.#shapes.set(expr, local ? local.shape : this.#root);
    return ONE;
  }

  get #root(): Shape {
    return this.#environment.variables[this.#environment.root ?? 'self'] ?? 'lost';
  }

  /** One step further: to a field, or inside. */
  #step(shape: Shape, further: (type: CelType) => CelType | undefined): Shape {
    if (shape === undefined) return this.#root;
    return shape === 'lost' ? 'lost' : (further(shape) ?? 'lost');
  }

  #select(expr: Expr & { kind: 'select' }): Range {
    const { operand, field, test } = expr;
    const reference = this.#checked.references.get(expr);
    if (reference) {
      this.#shapes.set(expr, this.#root);
      return ONE;
    }
    const sum = this.cost(operand);
    if (test) return sum;
    this.#shapes.set(expr, this.#step(this.#shapes.get(operand), (type) => this.#member(type, field)));
    return ['map', 'object', 'param'].includes(this.#type(operand).kind) ? add(sum, ONE) : sum;
  }

  /** Only with a root of its own, entries of any type are found by their names as well. */
  #member(type: CelType, field: string): CelType | undefined {
    if (type.kind === 'map' && type.of.kind === 'dyn' && this.#environment.root) return type.of;
    return type.kind === 'object' && !isReserved(field) ? type.field(field) : undefined;
  }

  #call(expr: Call): Range {
    const reference = this.#checked.references.get(expr);
    const optionalField = expr.name === '_?._';
    if (reference?.kind !== 'call' && !optionalField) return NONE;
    const name = reference?.kind === 'call' ? reference.name : expr.name;
    const target = reference?.kind === 'call' ? reference.target : undefined;
    const costs = expr.args.map((arg) => this.cost(arg));
    if (name === 'dyn') {
      this.#copy(expr, expr.args[0] as Expr);
      return add(ONE, costs[0] as Range);
    }
    const targetCost = target ? this.cost(target) : NONE;
    const args = expr.args.map((arg) => this.#operand(arg));
    const receiver = target && this.#operand(target);
    let total: Range | undefined;
    let size: Range | undefined;
    for (const id of reference?.kind === 'call' ? reference.overloads.map((one) => one.id) : ['select_optional_field']) {
      const { cost, result } = this.#overload(expr, { name, id, receiver, args, costs });
      total = total ? union(total, cost) : cost;
      if (result) size = size ? union(size, result) : result;
      if (id === 'index_list' || id === 'index_map') size = this.#indexed(expr);
      size ??= this.#size(expr);
    }
    if (size) this.#sizes.set(expr, size);
    return add(targetCost, total ?? NONE);
  }

  /** An item of a list or map is where its items are. */
  #indexed(expr: Call): Range | undefined {
    const [list] = expr.args as [Expr, Expr];
    this.#shapes.set(expr, this.#step(this.#shapes.get(list), insideOf));
    return this.#innerOf(list)?.value;
  }

  #overload(expr: Call, call: OverloadCall): { cost: Range; result?: Range | undefined } {
    const { name, id, receiver, args, costs } = call;
    const sum = costs.reduce(add, NONE);
    const known = callEstimate(name, id, receiver, args);
    if (known) return { cost: add(known.cost, sum), result: known.result };
    const [first, second] = args;
    switch (id) {
      case 'logical_and':
      case 'logical_or':
        return { cost: { min: (costs[0] as Range).min, max: sum.max } };
      case 'conditional': {
        const [condition, yes, no] = costs as [Range, Range, Range];
        const inner = unionInner(this.#innerOf(expr.args[1] as Expr), this.#innerOf(expr.args[2] as Expr));
        if (inner) this.#inners.set(expr, inner);
        return { cost: add(condition, union(yes, no)), result: union(args[1]?.size ?? unknown, args[2]?.size ?? unknown) };
      }
      case 'add_string':
      case 'add_bytes':
      case 'add_list': {
        const result = add(first?.size ?? unknown, second?.size ?? unknown);
        const inner = unionInner(this.#innerOf(expr.args[0] as Expr), this.#innerOf(expr.args[1] as Expr));
        if (inner) this.#inners.set(expr, inner);
        return { cost: add(id === 'add_list' ? ONE : scaled(result, TRAVERSAL), sum), result };
      }
      default:
        return { cost: add(ONE, sum) };
    }
  }

  #operand(expr: Expr): Operand {
    const shape = this.#shapes.get(expr);
    return { size: this.#size(expr), type: this.#type(expr), shape: shape === 'lost' ? undefined : shape, ...(expr.kind === 'literal' && { literal: expr.value }) };
  }

  #list(expr: Expr & { kind: 'list' }): Range {
    const sum = expr.items.reduce((total, item) => add(total, this.cost(item)), fixed(LIST));
    this.#inners.set(expr, { list: true, key: ONE, value: this.#around(expr.items) });
    return sum;
  }

  #map(expr: Expr & { kind: 'map' }): Range {
    const sum = expr.entries.reduce((total, { key, value }) => add(total, add(this.cost(key), this.cost(value))), fixed(MAP));
    this.#inners.set(expr, { list: false, key: this.#around(expr.entries.map(({ key }) => key)), value: this.#around(expr.entries.map(({ value }) => value)) });
    return sum;
  }

  #around(exprs: readonly Expr[]): Range {
    if (exprs.length === 0) return NONE;
    return exprs.map((expr) => this.#size(expr) ?? unknown).reduce(union, { min: Infinity, max: 0 });
  }

  #fold(expr: Fold): Range {
    const { range, init, accu, iter, iter2, condition, step, result } = expr;
    let sum = add(this.cost(range), this.cost(init));
    this.#push(accu, this.#localOf(init));
    if (iter2 === undefined) this.#push(iter, this.#iterated(range, this.#isList(range) ? 'value' : 'key'));
    else {
      this.#push(iter, this.#iterated(range, 'key'));
      this.#push(iter2, this.#iterated(range, 'value'));
    }
    const loop = add(this.cost(condition), this.cost(step));
    this.#locals.splice(iter2 === undefined ? -1 : -2);
    sum = add(sum, this.cost(result));
    this.#locals.pop();
    const count = this.#size(range) ?? unknown;
    sum = add(sum, times(count, loop));
    this.#madeBy(expr, count);
    return sum;
  }

  /** The size of what a loop gives. */
  #madeBy(expr: Fold, count: Range): void {
    if (expr.init.kind === 'literal') {
      const size = this.#size(expr.init);
      if (size) this.#sizes.set(expr, size);
    } else if (expr.init.kind === 'list' || expr.init.kind === 'map') {
      this.#sizes.set(expr, count);
      const inner = this.#innerOf(expr.step);
      if (inner) this.#inners.set(expr, inner);
    }
  }

  #bind(expr: Fold): Range {
    const sum = add(this.cost(expr.range), this.cost(expr.init));
    this.#push(expr.accu, this.#localOf(expr.init));
    const total = add(sum, this.cost(expr.result));
    this.#copy(expr, expr.result);
    this.#locals.pop();
    return total;
  }

  #isList(range: Expr): boolean {
    return this.#innerOf(range)?.list ?? this.#type(range).kind === 'list';
  }

  #iterated(range: Expr, part: 'key' | 'value'): Local {
    const keys = this.#isList(range) ? () => undefined : (type: CelType) => (type.kind === 'map' ? KEY : undefined);
    const shape = this.#step(this.#shapes.get(range), part === 'value' ? insideOf : keys);
    return { shape, size: this.#innerOf(range)?.[part], inner: undefined };
  }

  #push(name: string, local: Local): void {
    this.#locals.push(new Map([[name, local]]));
  }

  #localOf(expr: Expr): Local {
    return { shape: this.#shapes.get(expr), size: this.#size(expr), inner: this.#innerOf(expr) };
  }

  #local(name: string): Local | undefined {
    for (let at = this.#locals.length - 1; at >= 0; at--) {
      const local = (this.#locals[at] as Map<string, Local>).get(name);
      if (local) return local;
    }
    return undefined;
  }

  #copy(to: Expr, from: Expr): void {
    const size = this.#size(from);
    if (size) this.#sizes.set(to, size);
    const inner = this.#innerOf(from);
    if (inner) this.#inners.set(to, inner);
  }

  #innerOf(expr: Expr): Inner | undefined {
    return this.#inners.get(expr) ?? (expr.kind === 'ident' ? this.#local(expr.name)?.inner : undefined);
  }

  /** Undefined: not known. */
  #size(expr: Expr): Range | undefined {
    const known = this.#sizes.get(expr) ?? literalSize(expr);
    if (known) return known;
    const shape = this.#shapes.get(expr);
    if (shape !== undefined && shape !== 'lost') {
      const size = { min: 0, max: ('max' in shape ? shape.max : undefined) ?? 0 };
      this.#sizes.set(expr, size);
      return size;
    }
    if (isScalar(this.#type(expr))) return ONE;
    return expr.kind === 'ident' ? this.#local(expr.name)?.size : undefined;
  }
}

const KEY: CelType = { kind: 'string', max: 0 };

function insideOf(type: CelType): CelType | undefined {
  return type.kind === 'list' || type.kind === 'map' ? type.of : undefined;
}

interface OverloadCall {
  readonly name: string;
  readonly id: string;
  readonly receiver: Operand | undefined;
  readonly args: readonly Operand[];
  readonly costs: readonly Range[];
}

function unionInner(a: Inner | undefined, b: Inner | undefined): Inner | undefined {
  return a && b && { list: a.list, key: union(a.key, b.key), value: union(a.value, b.value) };
}

function literalSize(expr: Expr): Range | undefined {
  switch (expr.kind) {
    case 'literal':
      return fixed(typeof expr.value === 'string' ? characters(expr.value) : expr.value instanceof Uint8Array ? expr.value.length : 1);
    case 'list':
      return fixed(expr.items.length);
    case 'map':
      return fixed(expr.entries.length);
    default:
      return undefined;
  }
}

function isScalar(type: Type): boolean {
  return SCALARS.has(type.kind) || (type.name === 'optional_type' && type.of[0] !== undefined && isScalar(type.of[0]));
}
