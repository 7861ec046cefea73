/** Parts of a plan, and how they count what they cost. */
import type { Expr } from './ast.ts';
import { CelError } from './cel.ts';
import { Missing } from './field.ts';
import { Duration, Timestamp } from './time.ts';
import { Entries, Fault, Items, Library, NO_OVERLOAD, Optional, typeNameOf, TypeValue, Uint, type Value } from './value.ts';

export interface Frame {
  readonly slots: Value[];
  readonly bindings: Readonly<Record<string, unknown>>;
  cost: number;
  readonly limit: number;
}

export type Step = (frame: Frame) => Value;

export interface Node {
  readonly run: Step;
  /** What it gives as the root of a longer path, which has a cost of its own. */
  readonly path?: Step;
  /** A path that costs nothing by itself. */
  readonly free?: boolean;
  readonly constant?: Value;
}

export function spend(frame: Frame, cost: number): void {
  frame.cost += cost;
  if (frame.cost > frame.limit) throw new CelError('operation cancelled: actual cost limit exceeded', true);
}

/** What a loop adds to, in place. */
export class Growing extends Items {}

export class GrowingEntries extends Entries {}

/** An empty list or map that a loop fills. */
export function initial(expr: Expr): Step | undefined {
  if (expr.kind === 'list' && expr.items.length === 0) return () => new Growing([]);
  return expr.kind === 'map' && expr.entries.length === 0 ? () => new GrowingEntries() : undefined;
}

export function constantNode(value: Value): Node {
  return value instanceof Fault ? { run: () => value } : { run: () => value, constant: value };
}

export function pathNode(path: Step): Node {
  return {
    path,
    run(frame) {
      spend(frame, 1);
      return path(frame);
    },
  };
}

export function extended(operand: Node, path: Step): Node {
  return operand.free ? { run: path, path, free: true } : pathNode(path);
}

export function found(value: Value | Missing, key: Value): Value {
  if (!(value instanceof Missing)) return value;
  const shown = key instanceof Uint ? String(key.value) : String(key);
  return new Fault(value.of === 'list' ? `index out of bounds: ${shown}` : `no such key: ${shown}`);
}

/** A constant part that fails makes no program. */
export function evaluated(step: Step): Value {
  const value = step({ slots: [], bindings: {}, cost: 0, limit: Infinity });
  if (value instanceof Fault) throw new Error(value.message);
  return value;
}

/** A value that nobody has asked for yet. */
export class Later {
  readonly step: Step;

  constructor(step: Step) {
    this.step = step;
  }
}

export function boundAt(slot: number): Step {
  return (frame) => {
    const value = frame.slots[slot] as Value | Later;
    if (!(value instanceof Later)) return value;
    return (frame.slots[slot] = value.step(frame));
  };
}

/** Functions whose refusals name neither them nor their arguments. */
const TERSE = new Set(['@in', 'contains', 'endsWith', 'find', 'findAll', 'matches', 'startsWith']);
const TIMES = ['google.protobuf.Timestamp', 'google.protobuf.Duration'];
const NUMBERS = ['int', 'uint', 'double'];
const ORDERED = new Set([...NUMBERS, ...TIMES, 'bool', 'bytes', 'string']);
const OPERANDS: Readonly<Record<string, ReadonlySet<string>>> = {
  '_+_': new Set([...NUMBERS, ...TIMES, 'bytes', 'list', 'string']), '_-_': new Set([...NUMBERS, ...TIMES]), '_*_': new Set(NUMBERS), '_/_': new Set(NUMBERS),
  '_%_': new Set(['int', 'uint']), '_<_': ORDERED, '_<=_': ORDERED, '_>_': ORDERED, '_>=_': ORDERED, '-_': new Set(['int', 'double', 'google.protobuf.Duration']),
};
const NAMED = new Set(['size', 'sort', '@sortByAssociatedKeys']);

export function noOverload(name: string, args: readonly Value[]): Fault {
  if (TERSE.has(name)) return NO_OVERLOAD;
  const [first] = args;
  const operands = OPERANDS[name];
  const receives = typeof first === 'string' || first instanceof Timestamp || first instanceof Duration;
  if (receives && (operands || NAMED.has(name))) return NO_OVERLOAD;
  // Operators are named where the type of the first operand knows none such.
  if (operands && first !== undefined && !operands.has(typeNameOf(first))) return new Fault(`no such overload: ${name}`);
  if (!/^[a-z@]/.test(name)) return NO_OVERLOAD;
  return new Fault(`no such overload: ${name}${NAMED.has(name) ? '' : `(${args.map(typeNameOf).join(', ')})`}`);
}

/** Go's name of a value's type. */
export function goName(value: Value): string {
  if (value instanceof Library) return `cel.${typeNameOf(value).replace(/^.*\./, '')}`;
  if (value instanceof Optional) return '*types.Optional';
  if (value instanceof TypeValue) return '*types.Type';
  const name = typeNameOf(value).replace('null_type', 'null').replace(/^.*\./, '');
  return `types.${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
