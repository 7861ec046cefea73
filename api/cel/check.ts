/** Finds the type of every part of an expression, and which overloads its calls mean. Provenance: checker/checker.go of cel-go v0.26. */
import { type Call, type Expr, type Fold, qualifiedName, type StructLiteral } from './ast.ts';
import type { CelEnvironment, CelObject } from './cel.ts';
import type { Overload } from './function.ts';
import { functionsNamed } from './library/index.ts';
import { messageNamed } from './messages.ts';
import type { Mistake } from './source.ts';
import {
  assignable, BOOL, DYN, ERROR, INT, internalType, isDynOrError, isExact, isOptional, listOf, type Mapping, mapOf, mostGeneral, NULL, optionalOf, param, showType, simpleType, STRING,
  substitute, type Type, typeOf,
} from './type.ts';
import { typeNameOf, TypeValue, type Value } from './value.ts';

/** What a name or a call turned out to be. */
export type Reference =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'constant'; readonly value: Value }
  | { readonly kind: 'call'; readonly name: string; readonly target?: Expr; readonly overloads: readonly Overload[] };

export interface Checked {
  readonly expr: Expr;
  readonly types: ReadonlyMap<Expr, Type>;
  readonly references: ReadonlyMap<Expr, Reference>;
  readonly mistakes: readonly Mistake[];
}

export function check(expr: Expr, environment: CelEnvironment): Checked {
  const checker = new Checker(environment);
  checker.check(expr);
  const types = new Map<Expr, Type>();
  for (const [one, type] of checker.types) types.set(one, substitute(checker.mapping, type, true));
  return { expr, types, references: checker.references, mistakes: checker.mistakes };
}

/** Types that expressions name, and how. */
const TYPE_NAMES: ReadonlyMap<string, Type> = new Map<string, Type>([
  ...['bool', 'int', 'uint', 'double', 'string', 'bytes'].map((name) => [name, simpleType(name) as Type] as const),
  ['null_type', NULL], ['list', listOf(DYN)], ['map', mapOf(DYN, DYN)], ['type', typeOf(DYN)], ['google.protobuf.Timestamp', simpleType('timestamp') as Type],
  ['google.protobuf.Duration', simpleType('duration') as Type], ['optional_type', optionalOf(DYN)], ['net.IP', { kind: 'opaque', name: 'net.IP', of: [] }],
  ['net.CIDR', { kind: 'opaque', name: 'net.CIDR', of: [] }],
]);

/** The only value of an enumeration that expressions can name. */
const NULL_VALUE = 'google.protobuf.NullValue.NULL_VALUE';

class Checker {
  readonly types = new Map<Expr, Type>();
  readonly references = new Map<Expr, Reference>();
  readonly mistakes: Mistake[] = [];
  mapping: Mapping = new Map();
  readonly #environment: CelEnvironment;
  readonly #scopes: Map<string, Type>[] = [];
  #free = 0;

  constructor(environment: CelEnvironment) {
    this.#environment = environment;
  }

  check(expr: Expr): Type {
    const known = this.types.get(expr);
    if (known) return known;
    const type = this.#typeOf(expr);
    this.types.set(expr, type);
    return type;
  }

  #typeOf(expr: Expr): Type {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return this.#ident(expr);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr.items, expr.optional);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'fold':
        return this.#fold(expr);
    }
  }

  #wrong(at: number, message: string): Type {
    this.mistakes.push({ at, message });
    return ERROR;
  }

  #undeclared(at: number, name: string): Type {
    return this.#wrong(at, `undeclared reference to '${name}' (in container '')`);
  }

  #ident(expr: Expr & { kind: 'ident' }): Type {
    return this.#named(expr, expr.name) ?? this.#undeclared(expr.at, expr.name);
  }

  /** What a name stands for, where it is one. */
  #named(expr: Expr, written: string): Type | undefined {
    const name = written.replace(/^\./, '');
    for (let at = this.#scopes.length - 1; at >= 0; at--) {
      const type = (this.#scopes[at] as Map<string, Type>).get(name);
      if (!type) continue;
      this.references.set(expr, { kind: 'variable', name });
      return type;
    }
    if (Object.hasOwn(this.#environment.variables, name)) {
      this.references.set(expr, { kind: 'variable', name });
      return internalType(this.#environment.variables[name] as NonNullable<CelEnvironment['variables'][string]>);
    }
    if (name === NULL_VALUE) {
      this.references.set(expr, { kind: 'constant', value: 0n });
      return INT;
    }
    const type = TYPE_NAMES.get(name) ?? messageNamed(name)?.type;
    if (!type) return undefined;
    this.references.set(expr, { kind: 'constant', value: new TypeValue(name) });
    return typeOf(type);
  }

  #select(expr: Expr & { kind: 'select' }): Type {
    const qualified = expr.test ? undefined : qualifiedName(expr);
    const named = qualified === undefined ? undefined : this.#named(expr, qualified);
    if (named) return named;
    const type = this.#field(expr, expr.operand, expr.field, false);
    return expr.test ? BOOL : substitute(this.mapping, type, false);
  }

  #field(expr: Expr, operand: Expr, field: string, optional: boolean): Type {
    const type = substitute(this.mapping, this.check(operand), false);
    const inner = isOptional(type) ? (type.of[0] as Type) : type;
    const found = this.#fieldOf(expr, inner, field);
    return isOptional(type) || optional ? optionalOf(found) : found;
  }

  #fieldOf(expr: Expr, type: Type, field: string): Type {
    switch (type.kind) {
      case 'map':
        return type.of[1] as Type;
      case 'object': {
        // Types of the libraries have a name and nothing that could be looked up.
        if (!type.object) return this.#wrong(expr.at, messageNamed(type.name) ? `undefined field '${field}'` : `unexpected failed resolution of '${type.name}'`);
        const of = type.object.field(field);
        return of ? internalType(of) : this.#wrong(expr.at, `undefined field '${field}'`);
      }
      case 'param':
        this.#assign(DYN, type);
        return DYN;
      default:
        if (!isDynOrError(type)) this.#wrong(expr.at, `type '${showType(type)}' does not support field selection`);
        return DYN;
    }
  }

  #call(expr: Call): Type {
    const { name, args, target } = expr;
    if (name === '_?._') {
      const [operand, field] = args as [Expr, Expr & { kind: 'literal' }];
      this.check(field);
      return substitute(this.mapping, this.#field(expr, operand, field.value as string, true), false);
    }
    for (const arg of args) this.check(arg);
    if (!target) return this.#resolve(expr, name.replace(/^\./, ''), undefined, name);
    const prefix = qualifiedName(target);
    const qualified = prefix === undefined ? undefined : `${prefix.replace(/^\./, '')}.${name}`;
    const known = qualified !== undefined && (this.#environment.objects !== undefined || !qualified.startsWith('jsonpatch.'));
    if (known && functionsNamed(qualified)) return this.#resolve(expr, qualified, undefined, qualified);
    this.check(target);
    return this.#resolve(expr, name, target, name);
  }

  #resolve(expr: Call, name: string, target: Expr | undefined, written: string): Type {
    const overloads = functionsNamed(name);
    if (!overloads) return this.#undeclared(expr.at, written);
    const args = (target ? [target, ...expr.args] : expr.args).map((arg) => this.check(arg));
    if (name === '_&&_' || name === '_||_') return this.#logic(expr, name, args, overloads);
    let result: Type | undefined;
    const matching: Overload[] = [];
    for (const overload of overloads) {
      if (overload.member !== (target !== undefined)) continue;
      const { args: wanted, result: given } = this.#instantiate(overload);
      if (!this.#assignAll(args, wanted)) continue;
      matching.push(overload);
      const type = substitute(this.mapping, given, false);
      if (!result) result = type;
      else if (result.kind !== 'dyn' && !isExact(type, result)) result = DYN;
    }
    if (!result) {
      const shown = args.map((arg) => showType(substitute(this.mapping, arg, true)));
      const receiver = target ? `${shown.shift()}.` : '';
      return this.#wrong(expr.at, `found no matching overload for '${name}' applied to '${receiver}(${shown.join(', ')})'`);
    }
    this.references.set(expr, { kind: 'call', name, ...(target && { target }), overloads: matching });
    return result;
  }

  #logic(expr: Call, name: string, args: readonly Type[], overloads: readonly Overload[]): Type {
    let wrong = false;
    for (const [at, type] of args.entries()) {
      if (this.#assign(type, BOOL)) continue;
      wrong = true;
      this.#mismatch((expr.args[at] as Expr).at, BOOL, type);
    }
    if (wrong) return ERROR;
    this.references.set(expr, { kind: 'call', name, overloads });
    return BOOL;
  }

  /** The types of an overload with parameters of its own. */
  #instantiate({ args, result, params }: Overload): { args: readonly Type[]; result: Type } {
    if (params.length === 0) return { args, result };
    const fresh: Mapping = new Map(params.map((name) => [name, this.#newParam()]));
    return { args: args.map((arg) => substitute(fresh, arg, false)), result: substitute(fresh, result, false) };
  }

  #newParam(): Type {
    return param(`_var${this.#free++}`);
  }

  #list(items: readonly Expr[], optional: ReadonlySet<number>): Type {
    let joined: Type | undefined;
    for (const [at, item] of items.entries()) {
      joined = this.#join(joined, optional.has(at) ? this.#unwrapped(item) : this.check(item));
    }
    return listOf(joined ?? this.#newParam());
  }

  #map({ entries }: Expr & { kind: 'map' }): Type {
    let keys: Type | undefined;
    let values: Type | undefined;
    for (const { key, value, optional } of entries) {
      keys = this.#join(keys, this.check(key));
      values = this.#join(values, optional ? this.#unwrapped(value) : this.check(value));
    }
    return mapOf(keys ?? this.#newParam(), values ?? this.#newParam());
  }

  /** Of `?value`: what is in it. */
  #unwrapped(expr: Expr): Type {
    const type = this.check(expr);
    if (isOptional(type)) return type.of[0] as Type;
    if (type.kind !== 'dyn') this.#mismatch(expr.at, optionalOf(type), type);
    return type;
  }

  /** What differs could be anything; where that may not be is found out later. */
  #join(previous: Type | undefined, current: Type): Type {
    if (!previous) return current;
    return this.#assign(previous, current) ? mostGeneral(previous, current) : DYN;
  }

  #struct(expr: StructLiteral): Type {
    const name = expr.name.replace(/^\./, '');
    const object = this.#environment.objects?.(name);
    const [type, fieldType, unknown] = object ? [internalType(object), (field: string): Type | undefined => typeOfField(object, field)] as const : this.#message(expr, name);
    if (type === UNDECLARED) return ERROR;
    for (const { at, name: field, value, optional } of expr.fields) {
      const given = optional ? this.#unwrapped(value) : this.check(value);
      const of = fieldType(field);
      if (!of) this.#wrong(at, unknown ?? `undefined field '${field}'`);
      if (!this.#assign(of ?? ERROR, given)) this.#wrong(at, `expected type of field '${field}' is '${showType(of ?? ERROR)}' but provided type is '${showType(given)}'`);
    }
    return type;
  }

  /** A message of protobuf, or what is none. */
  #message(expr: StructLiteral, name: string): readonly [Type, (field: string) => Type | undefined, unknown?: string] {
    const message = messageNamed(name);
    const none = (): undefined => undefined;
    if (message) return [message.type, (field) => (Object.hasOwn(message.fields, field) ? message.fields[field] : undefined)];
    const known = this.#named(expr, name);
    if (!known) return [(this.#undeclared(expr.at, expr.name), UNDECLARED), none];
    if (known.kind !== 'type') return [this.#wrong(expr.at, `'${showType(known)}' is not a type`), none, `unexpected failed resolution of '${name}'`];
    const [of = DYN] = known.of;
    return [of.kind === 'null' ? of : this.#wrong(expr.at, `'${of.name}' is not a message type`), none];
  }

  #fold(expr: Fold): Type {
    const { range, init, accu, iter, iter2, condition, step, result } = expr;
    this.check(range);
    const accuType = this.check(init);
    const rangeType = substitute(this.mapping, this.check(range), false);
    const [first, second] = this.#iterated(range, rangeType, iter2 !== undefined);
    this.#scopes.push(new Map([[accu, accuType]]));
    this.#scopes.push(new Map([[iter, first], ...(iter2 === undefined ? [] : [[iter2, second] as const])]));
    this.#must(condition, BOOL);
    this.#must(step, accuType);
    this.#scopes.pop();
    const type = this.check(result);
    this.#scopes.pop();
    return substitute(this.mapping, type, false);
  }

  #iterated(range: Expr, type: Type, two: boolean): [Type, Type] {
    switch (type.kind) {
      case 'list':
        return two ? [INT, type.of[0] as Type] : [type.of[0] as Type, DYN];
      case 'map':
        return [type.of[0] as Type, type.of[1] as Type];
      case 'dyn':
      case 'error':
      case 'param':
        this.#assign(DYN, type);
        return [DYN, DYN];
      default:
        this.#wrong(range.at, `expression of type '${showType(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`);
        return [ERROR, ERROR];
    }
  }

  #must(expr: Expr, type: Type): void {
    const actual = this.check(expr);
    if (!this.#assign(type, actual)) this.#mismatch(expr.at, type, actual);
  }

  #mismatch(at: number, expected: Type, actual: Type): Type {
    return this.#wrong(at, `expected type '${showType(expected)}' but found '${showType(actual)}'`);
  }

  #assign(from: Type, to: Type): boolean {
    return this.#assignAll([from], [to]);
  }

  #assignAll(from: readonly Type[], to: readonly Type[]): boolean {
    const next = assignable(this.mapping, from, to);
    if (next) this.mapping = next;
    return next !== undefined;
  }
}

/** Nothing in it is looked at. */
const UNDECLARED: Type = { ...ERROR };

function typeOfField(object: CelObject, field: string): Type | undefined {
  const of = object.field(field);
  return of && internalType(of);
}

function literalType(value: Value): Type {
  const name = typeNameOf(value);
  return name === 'null_type' ? NULL : name === 'string' ? STRING : (simpleType(name) ?? DYN);
}
