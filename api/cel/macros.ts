/** Calls that are written short and unfolded while parsing. Provenance: parser/macro.go, cel/library.go and ext/{comprehensions,lists}.go of cel-go v0.26. */
import { ACCUMULATOR, type Expr } from './ast.ts';
import { SourceError } from './source.ts';

/** Undefined: no macro, or not of this shape. `at`: the place of the call. */
export function expandMacro(at: number, name: string, target: Expr | undefined, args: readonly Expr[]): Expr | undefined {
  if (!target) return name === 'has' && args.length === 1 ? presence(at, args[0] as Expr) : undefined;
  const macro = MACROS[`${name}/${args.length}`];
  return macro?.(new Builder(at), target, args);
}

/** `cel.bind(name, value, expression)`, which only some environments know. */
export function expandBinding(at: number, name: string, target: Expr, args: readonly Expr[]): Expr | undefined {
  const [variable, value, expression] = args;
  if (name !== 'bind' || target.kind !== 'ident' || target.name !== 'cel' || !variable || !value || !expression || args.length !== 3) return undefined;
  if (variable.kind !== 'ident') throw new SourceError(variable.at, 'cel.bind() variable names must be simple identifiers');
  return new Builder(at).bind(variable.name, value, expression);
}

type Macro = (build: Builder, target: Expr, args: readonly Expr[]) => Expr;

const MACROS: Readonly<Record<string, Macro>> = {
  'all/2': (build, target, [iter, test]) => build.all(target, build.names(QUANTIFIER, iter), test as Expr),
  'all/3': (build, target, [first, second, test]) => build.all(target, build.names(QUANTIFIER, first, second), test as Expr),
  'exists/2': (build, target, [iter, test]) => build.exists(target, build.names(QUANTIFIER, iter), test as Expr),
  'exists/3': (build, target, [first, second, test]) => build.exists(target, build.names(QUANTIFIER, first, second), test as Expr),
  'exists_one/2': (build, target, [iter, test]) => build.existsOne(target, build.names(QUANTIFIER, iter), test as Expr),
  'exists_one/3': (build, target, [first, second, test]) => build.existsOne(target, build.names(QUANTIFIER, first, second), test as Expr),
  'existsOne/3': (build, target, [first, second, test]) => build.existsOne(target, build.names(QUANTIFIER, first, second), test as Expr),
  'map/2': (build, target, [iter, item]) => build.collect(target, build.names(TRANSFORMER, iter), item as Expr),
  'map/3': (build, target, [iter, test, item]) => build.collect(target, build.names(TRANSFORMER, iter), item as Expr, test),
  'filter/2': (build, target, [iter, test]) => build.collect(target, build.names(TRANSFORMER, iter), iter as Expr, test),
  'transformList/3': (build, target, [first, second, item]) => build.collect(target, build.names(QUANTIFIER, first, second), item as Expr),
  'transformList/4': (build, target, [first, second, test, item]) => build.collect(target, build.names(QUANTIFIER, first, second), item as Expr, test),
  'transformMap/3': (build, target, [first, second, value]) => build.insert(target, build.names(QUANTIFIER, first, second), [first as Expr, value as Expr]),
  'transformMap/4': (build, target, [first, second, test, value]) => build.insert(target, build.names(QUANTIFIER, first, second), [first as Expr, value as Expr], test),
  'transformMapEntry/3': (build, target, [first, second, entry]) => build.insert(target, build.names(QUANTIFIER, first, second), [entry as Expr]),
  'transformMapEntry/4': (build, target, [first, second, test, entry]) => build.insert(target, build.names(QUANTIFIER, first, second), [entry as Expr], test),
  'optMap/2': (build, target, [name, value]) => build.whenPresent(target, name as Expr, (bound) => build.call('optional.of', bound), value as Expr),
  'optFlatMap/2': (build, target, [name, value]) => build.whenPresent(target, name as Expr, (bound) => bound, value as Expr),
  'sortBy/2': (build, target, [iter, key]) => build.sortBy(target, iter as Expr, key as Expr),
};

const QUANTIFIER = 'argument must be a simple name';
const TRANSFORMER = 'argument is not an identifier';

function presence(at: number, arg: Expr): Expr {
  if (arg.kind !== 'select') throw new SourceError(arg.at, 'invalid argument to has() macro');
  return { kind: 'select', at, operand: arg.operand, field: arg.field, test: true };
}

interface Names {
  readonly iter: string;
  readonly iter2?: string;
}

const SORT_INPUT = '@__sortBy_input__';

class Builder {
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  names(why: string, first: Expr | undefined, second?: Expr): Names {
    const iter = this.#name(why, first);
    if (!second) return { iter };
    const iter2 = this.#name(why, second);
    if (iter === iter2) throw new SourceError(second.at, `duplicate variable name: ${iter}`);
    return { iter, iter2 };
  }

  all(range: Expr, names: Names, test: Expr): Expr {
    const condition = this.call('@not_strictly_false', this.#accu());
    return this.#fold(range, names, { init: this.#literal(true), condition, step: this.call('_&&_', this.#accu(), test), result: this.#accu() });
  }

  exists(range: Expr, names: Names, test: Expr): Expr {
    const condition = this.call('@not_strictly_false', this.call('!_', this.#accu()));
    return this.#fold(range, names, { init: this.#literal(false), condition, step: this.call('_||_', this.#accu(), test), result: this.#accu() });
  }

  existsOne(range: Expr, names: Names, test: Expr): Expr {
    const step = this.call('_?_:_', test, this.call('_+_', this.#accu(), this.#literal(1n)), this.#accu());
    return this.#fold(range, names, { init: this.#literal(0n), condition: this.#literal(true), step, result: this.call('_==_', this.#accu(), this.#literal(1n)) });
  }

  collect(range: Expr, names: Names, item: Expr, test?: Expr): Expr {
    const added = this.call('_+_', this.#accu(), this.#list([item]));
    const step = test ? this.call('_?_:_', test, added, this.#accu()) : added;
    return this.#fold(range, names, { init: this.#list([]), condition: this.#literal(true), step, result: this.#accu() });
  }

  insert(range: Expr, names: Names, entry: readonly Expr[], test?: Expr): Expr {
    const inserted = this.call('cel.@mapInsert', this.#accu(), ...entry);
    const step = test ? this.call('_?_:_', test, inserted, this.#accu()) : inserted;
    return this.#fold(range, names, { init: { kind: 'map', at: this.#at, entries: [] }, condition: this.#literal(true), step, result: this.#accu() });
  }

  whenPresent(target: Expr, name: Expr, wrap: (bound: Expr) => Expr, value: Expr): Expr {
    if (name.kind !== 'ident') throw new SourceError(name.at, 'variable name must be a simple identifier');
    const inner = this.bind(name.name, { kind: 'call', at: this.#at, name: 'value', target, args: [] }, value);
    return this.call('_?_:_', { kind: 'call', at: this.#at, name: 'hasValue', target, args: [] }, wrap(inner), this.call('optional.none'));
  }

  sortBy(target: Expr, iter: Expr, key: Expr): Expr {
    if (target.kind !== 'ident' && target.kind !== 'select' && target.kind !== 'list' && target.kind !== 'fold' && target.kind !== 'call') {
      throw new SourceError(target.at, 'sortBy can only be applied to a list, identifier, comprehension, call or select expression');
    }
    const input: Expr = { kind: 'ident', at: this.#at, name: SORT_INPUT };
    const keys = this.collect({ ...input }, this.names(TRANSFORMER, iter), key);
    return this.bind(SORT_INPUT, target, { kind: 'call', at: this.#at, name: '@sortByAssociatedKeys', target: input, args: [keys] });
  }

  call(name: string, ...args: readonly Expr[]): Expr {
    return { kind: 'call', at: this.#at, name, args };
  }

  /** A loop that never runs, whose accumulator is the variable. */
  bind(accu: string, init: Expr, result: Expr): Expr {
    return { kind: 'fold', at: this.#at, range: this.#list([]), iter: '#unused', accu, init, condition: this.#literal(false), step: { kind: 'ident', at: this.#at, name: accu }, result };
  }

  #fold(range: Expr, { iter, iter2 }: Names, parts: { init: Expr; condition: Expr; step: Expr; result: Expr }): Expr {
    return { kind: 'fold', at: this.#at, range, iter, ...(iter2 !== undefined && { iter2 }), accu: ACCUMULATOR, ...parts };
  }

  #name(why: string, arg: Expr | undefined): string {
    if (arg?.kind !== 'ident' || arg.name.startsWith('.')) throw new SourceError(arg?.at ?? this.#at, why);
    if (arg.name === '__result__') throw new SourceError(arg.at, 'iteration variable overwrites accumulator variable');
    return arg.name;
  }

  #accu(): Expr {
    return { kind: 'ident', at: this.#at, name: ACCUMULATOR };
  }

  #literal(value: boolean | bigint): Expr {
    return { kind: 'literal', at: this.#at, value };
  }

  #list(items: readonly Expr[]): Expr {
    return { kind: 'list', at: this.#at, items, optional: new Set() };
  }
}
