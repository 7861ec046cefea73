/** Makes of a checked expression a function that evaluates it, counting what it costs. Provenance: interpreter/{planner,interpretable,attributes,runtimecost}.go of cel-go v0.26. */
import { ACCUMULATOR, type Call, type Expr, type Fold } from './ast.ts';
import type { CelAuthorizer, CelType } from './cel.ts';
import type { Checked } from './check.ts';
import { costOf, costOfResult } from './cost.ts';
import { equal } from './equal.ts';
import { fieldOf, indexOf, Missing } from './field.ts';
import { accepts, type Overload } from './function.ts';
import { authorizerValue } from './library/authorizer.ts';
import { messageNamed } from './messages.ts';
import { compileRegex } from './regex.ts';
import { foldNode } from './plan-folds.ts';
import { listNode, mapNode, structNode } from './plan-literals.ts';
import { boundAt, constantNode, evaluated, extended, found, Growing, GrowingEntries, initial, Later, noOverload, type Node, pathNode, spend, type Step } from './plan-node.ts';
import { Entries, Fault, fromJson, Library, List, Mapper, NO_OVERLOAD, NONE, Optional, TypeValue, type Value } from './value.ts';

export interface Plan {
  readonly run: Step;
  readonly slots: number;
  readonly variables: ReadonlySet<string>;
}

/** Throws Error when a part that is constant already fails. */
export function plan(checked: Checked, variables: Readonly<Record<string, CelType>>): Plan {
  const planner = new Planner(checked, variables);
  const { run } = planner.plan(checked.expr);
  return { run, slots: planner.slots, variables: planner.variables };
}

class Planner {
  readonly variables = new Set<string>();
  slots = 0;
  /** Variables that are computed when first needed. */
  readonly #bound = new Set<number>();
  readonly #checked: Checked;
  readonly #types: Readonly<Record<string, CelType>>;
  readonly #scopes: Map<string, number>[] = [];

  constructor(checked: Checked, types: Readonly<Record<string, CelType>>) {
    this.#checked = checked;
    this.#types = types;
  }

  plan(expr: Expr): Node {
    switch (expr.kind) {
      case 'literal':
        return constantNode(expr.value);
      case 'ident':
        return this.#reference(expr) ?? constantNode(new Fault(`no such attribute(s): ${expr.name}`));
      case 'select':
        return this.#reference(expr) ?? this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'fold':
        return this.#fold(expr);
    }
  }

  #reference(expr: Expr): Node | undefined {
    const reference = this.#checked.references.get(expr);
    if (reference?.kind === 'constant') return constantNode(nameable(reference.value));
    if (reference?.kind !== 'variable') return undefined;
    const { name } = reference;
    const slot = this.#slotOf(name);
    return pathNode(slot === undefined ? this.#variable(name) : this.#bound.has(slot) ? boundAt(slot) : ({ slots }) => slots[slot] as Value);
  }

  #slotOf(name: string): number | undefined {
    for (let at = this.#scopes.length - 1; at >= 0; at--) {
      const slot = (this.#scopes[at] as Map<string, number>).get(name);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }

  #variable(name: string): Step {
    this.variables.add(name);
    const type = this.#types[name] as CelType;
    return ({ bindings }) => {
      const json = bindings[name];
      if (json === undefined && type.kind !== 'optional') return new Fault(`no such attribute(s): ${name}`);
      return type.kind === 'library' && !(json instanceof Library) ? authorizerValue(json as CelAuthorizer) : fromJson(json, type);
    };
  }

  #select(expr: Expr & { kind: 'select' }): Node {
    const operand = this.plan(expr.operand);
    const base = operand.path ?? operand.run;
    const { field } = expr;
    if (!expr.test) return extended(operand, (frame) => {
      const value = base(frame);
      if (value instanceof Fault) return value;
      const inner = fieldOf(value, field);
      // What is optional and not there costs nothing.
      if (inner === NONE) return NONE;
      spend(frame, 1);
      return found(inner, field);
    });
    const cost = operand.free ? 0 : 1;
    const test: Step = (frame) => {
      const value = base(frame);
      if (value instanceof Fault) return value;
      if (value === NONE) return false;
      spend(frame, cost);
      const inner = fieldOf(value, field);
      if (inner instanceof Fault) return inner;
      return inner instanceof Optional ? inner.value !== undefined : !(inner instanceof Missing);
    };
    return { run: test, path: test };
  }

  #call(expr: Call): Node {
    if (expr.name === '_?._') return this.#index(expr, expr.args, true);
    const reference = this.#checked.references.get(expr);
    if (reference?.kind !== 'call') return constantNode(NO_OVERLOAD);
    const args = reference.target ? [reference.target, ...expr.args] : expr.args;
    switch (reference.name) {
      case '_&&_':
        return this.#logic(args, false);
      case '_||_':
        return this.#logic(args, true);
      case '_?_:_':
        return this.#conditional(args);
      case '_[_]':
        return this.#index(expr, args, false);
      case '_[?_]':
        return this.#index(expr, args, true);
      case '_==_':
      case '_!=_':
        return this.#equality(args, reference.name);
      case '@not_strictly_false':
        return this.#notStrictlyFalse(args[0] as Expr);
      case '@in':
        return this.#membership(args, reference.overloads);
      case 'or':
      case 'orValue':
        return this.#orElse(args, reference.name === 'orValue');
      case '_+_':
        return this.#appended(args) ?? this.#invoke(reference.name, args, reference.overloads);
      case 'cel.@mapInsert':
        return this.#inserted(args);
      default:
        return this.#invoke(reference.name, args, reference.overloads);
    }
  }

  /** `decisive`: the value that settles the matter, whatever else fails. */
  #logic(args: readonly Expr[], decisive: boolean): Node {
    const steps = args.map((arg) => this.plan(arg).run);
    return {
      run(frame) {
        let fault: Fault | undefined;
        for (const step of steps) {
          const value = step(frame);
          if (value === decisive) return decisive;
          if (value instanceof Fault) fault ??= value;
          else if (typeof value !== 'boolean') fault ??= NO_OVERLOAD;
        }
        return fault ?? !decisive;
      },
    };
  }

  #conditional(args: readonly Expr[]): Node {
    const [condition, yes, no] = args.map((arg) => this.plan(arg)) as [Node, Node, Node];
    const first = yes.path ?? yes.run;
    const second = no.path ?? no.run;
    const path: Step = (frame) => {
      const chosen = condition.run(frame);
      if (chosen === true) return first(frame);
      if (chosen === false) return second(frame);
      return chosen instanceof Fault ? chosen : NO_OVERLOAD;
    };
    return { run: path, path, free: true };
  }

  #index(expr: Call, args: readonly Expr[], optional: boolean): Node {
    const [operand, index] = args.map((arg) => this.plan(arg)) as [Node, Node];
    if (operand.path && index.constant !== undefined) qualifying(index.constant);
    const base = operand.path ?? operand.run;
    const at = index.path ?? index.run;
    const select = expr.name === '_?._';
    return extended(operand, (frame) => {
      const value = base(frame);
      if (value instanceof Fault) return value;
      const key = at(frame);
      if (key instanceof Fault) return key;
      const inner = select ? fieldOf(value, key as string) : indexOf(value, key);
      if (inner === NONE || (optional && inner instanceof Missing)) return NONE;
      spend(frame, 1);
      if (!optional || inner instanceof Missing) return found(inner, key);
      return inner instanceof Fault || value instanceof Optional ? inner : new Optional(inner);
    });
  }

  #equality(args: readonly Expr[], name: string): Node {
    const [a, b] = args.map((arg) => this.plan(arg).run) as [Step, Step];
    const negated = name === '_!=_';
    const cost = costOf(name, negated ? 'not_equals' : 'equals');
    return {
      run(frame) {
        const first = a(frame);
        const second = b(frame);
        spend(frame, cost([first, second]));
        const same = equal(first, second);
        if (!(same instanceof Fault)) return same !== negated;
        // What cannot be compared is not equal; what is no value at all is told.
        return negated && !(first instanceof Fault) && !(second instanceof Fault) ? true : same;
      },
    };
  }

  #notStrictlyFalse(arg: Expr): Node {
    const { run } = this.plan(arg);
    return {
      run(frame) {
        const value = run(frame);
        spend(frame, 1);
        return value !== false;
      },
    };
  }

  /** The second is looked at only where the first has no value; choosing costs nothing. */
  #orElse(args: readonly Expr[], unwraps: boolean): Node {
    const [optional, other] = args.map((arg) => this.plan(arg).run) as [Step, Step];
    return {
      run(frame) {
        const value = optional(frame);
        if (value instanceof Fault) return value;
        // What is no optional value is given back as it is.
        if (!(value instanceof Optional)) return value;
        if (value.value === undefined) return other(frame);
        return unwraps ? value.value : value;
      },
    };
  }

  #membership(args: readonly Expr[], overloads: readonly Overload[]): Node {
    const [item, list] = args.map((arg) => this.plan(arg)) as [Node, Node];
    const constant = list.constant;
    if (!(constant instanceof List) || ![...constant].every(isPrimitive)) return this.#invoke('@in', args, overloads);
    if (constant.size === 0) return constantNode(false);
    const entries = new Entries();
    for (const one of constant) entries.add(one, true);
    // Looking into a constant costs nothing.
    return {
      run(frame) {
        const value = item.run(frame);
        return value instanceof Fault ? value : entries.get(value) !== undefined;
      },
    };
  }

  #invoke(name: string, args: readonly Expr[], overloads: readonly Overload[]): Node {
    const nodes = args.map((arg) => this.plan(arg));
    const only = overloads.length === 1 ? (overloads[0] as Overload) : undefined;
    const cost = costOf(name, only?.id ?? '');
    const ofResult = name === 'join';
    const steps = nodes.map(({ run }) => run);
    const pattern = PATTERNS.has(name) ? nodes[1]?.constant : undefined;
    if (typeof pattern === 'string') compileRegex(pattern);
    const run: Step = (frame) => {
      const values: Value[] = [];
      let fault: Fault | undefined;
      for (const step of steps) {
        const value = step(frame);
        if (value instanceof Fault) fault ??= value;
        if (fault && steps.length > 2) return fault;
        values.push(value);
      }
      if (fault) {
        spend(frame, cost(values));
        return fault;
      }
      const overload = only ?? overloads.find((one) => one.args.every((type, at) => accepts(type, values[at] as Value)));
      if (!overload || (only && !isOpen(only) && !only.args.every((type, at) => accepts(type, values[at] as Value)))) {
        spend(frame, 1);
        return noOverload(name, values);
      }
      spend(frame, cost(values));
      const result = overload.run(...values);
      if (ofResult) spend(frame, costOfResult(name, result));
      return result;
    };
    if (CONVERSIONS.has(name) && nodes.length === 1 && nodes[0]?.constant !== undefined) return constantNode(evaluated(run));
    return { run };
  }

  /** In loops, `accumulator + [item]` grows one list. */
  #appended(args: readonly Expr[]): Node | undefined {
    const [accu, list] = args as [Expr, Expr];
    if (accu.kind !== 'ident' || accu.name !== ACCUMULATOR || list.kind !== 'list') return undefined;
    const accumulator = this.plan(accu).run;
    const { run } = this.plan(list);
    return {
      run(frame) {
        const grown = accumulator(frame);
        const added = run(frame);
        if (grown instanceof Fault) return grown;
        if (added instanceof Fault) return added;
        spend(frame, 1);
        if (!(grown instanceof Growing) || !(added instanceof List)) return NO_OVERLOAD;
        for (const item of added) grown.items.push(item);
        return grown;
      },
    };
  }

  #inserted(args: readonly Expr[]): Node {
    const steps = args.map((arg) => this.plan(arg).run);
    return {
      run(frame) {
        const [map, key, value] = steps.map((step) => step(frame));
        for (const one of [map, key, value]) if (one instanceof Fault) return one;
        spend(frame, 1);
        if (!(map instanceof GrowingEntries)) return NO_OVERLOAD;
        const entries = value !== undefined ? [[key as Value, value] as const] : key instanceof Mapper ? [...key.keys()].map((one) => [one, key.get(one) as Value] as const) : [];
        for (const [one, inner] of entries) if (!map.add(one, inner)) return new Fault(`insert failed: key ${String(one)} already exists`);
        return map;
      },
    };
  }

  #list({ items, optional }: Expr & { kind: 'list' }): Node {
    return listNode(items.map((item, at) => ({ value: this.plan(item), optional: optional.has(at) })));
  }

  #map({ entries }: Expr & { kind: 'map' }): Node {
    return mapNode(entries.map(({ key, value, optional }) => ({ key: this.plan(key), value: this.plan(value), optional })));
  }

  #struct({ name, fields }: Expr & { kind: 'struct' }): Node {
    return structNode(name.replace(/^\./, ''), fields.map((field) => ({ name: field.name, value: this.plan(field.value), optional: field.optional })));
  }

  /** A name for a value: a loop over nothing. */
  #bind({ accu, init, result }: Fold): Node {
    const value = this.plan(init).run;
    const slot = this.slots++;
    this.#bound.add(slot);
    this.#scopes.push(new Map([[accu, slot]]));
    const { run } = this.plan(result);
    this.#scopes.pop();
    return {
      run(frame) {
        frame.slots[slot] = new Later(value) as never;
        return run(frame);
      },
    };
  }

  #fold(expr: Fold): Node {
    const { accu, iter, iter2 } = expr;
    if (accu !== ACCUMULATOR) return this.#bind(expr);
    const range = this.plan(expr.range).run;
    const init = initial(expr.init) ?? this.plan(expr.init).run;
    const [accuSlot, slot, slot2] = [this.slots++, this.slots++, this.slots++] as [number, number, number];
    this.#scopes.push(new Map([[accu, accuSlot]]));
    this.#scopes.push(new Map([[iter, slot], ...(iter2 === undefined ? [] : [[iter2, slot2] as const])]));
    const condition = this.plan(expr.condition).run;
    const step = this.plan(expr.step).run;
    this.#scopes.pop();
    const result = this.plan(expr.result).run;
    this.#scopes.pop();
    return foldNode({ range, init, condition, step, result, accumulated: accuSlot, first: slot, second: iter2 === undefined ? undefined : slot2 });
  }
}

/** What no path can go on with. Throws an Error. */
function qualifying(value: Value): void {
  const name = value === null ? 'types.Null' : value instanceof List ? '*types.baseList' : value instanceof Mapper ? '*types.baseMap' : value instanceof Uint8Array ? 'types.Bytes' : undefined;
  if (name !== undefined) throw new Error(`invalid qualifier type: ${name}`);
}

/** Of most messages of protobuf there is no type as a value. Throws an Error. */
function nameable(value: Value): Value {
  if (value instanceof TypeValue && messageNamed(value.name)?.unnamed) throw new Error(`reference to undefined type: ${value.name}`);
  return value;
}

/** Their second argument is a pattern, which must be one where it is constant. */
const PATTERNS = new Set(['find', 'findAll', 'matches']);
const CONVERSIONS = new Set(['bool', 'bytes', 'double', 'duration', 'int', 'string', 'timestamp', 'uint', 'dyn', 'type']);

/** Checks its arguments by itself. */
function isOpen({ id }: Overload): boolean {
  return id === 'list_flatten';
}

function isPrimitive(value: Value): boolean {
  return value === null || typeof value !== 'object';
}
