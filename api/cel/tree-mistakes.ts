/** What is wrong in what could be read of an expression: names, literals and the arguments of macros. Provenance: the visitor of cel-go's parser, v0.26, which goes over broken trees as well. */
import type { Expr } from './ast.ts';
import { readBytes, readInt, readString, readUint } from './literals.ts';
import { expandBinding, expandMacro } from './macros.ts';
import type { Tree } from './recover.ts';
import { type Mistake, NOWHERE, SourceError } from './source.ts';
import type { Token } from './tokens.ts';

export function treeMistakes(tree: Tree | undefined, bindings: boolean, reserved: ReadonlySet<string>): readonly Mistake[] {
  const visitor = new Visitor(bindings, reserved);
  visitor.visit(tree);
  return visitor.mistakes;
}

/** Where something should be and is not. */
const NOTHING: Expr = { kind: 'ident', at: NOWHERE, name: '' };
const OPERATORS = new Set(['<', '<=', '>=', '>', '==', '!=', 'in', '*', '/', '%', '+', '-']);

class Visitor {
  readonly mistakes: Mistake[] = [];
  readonly #bindings: boolean;
  readonly #reserved: ReadonlySet<string>;

  constructor(bindings: boolean, reserved: ReadonlySet<string>) {
    this.#bindings = bindings;
    this.#reserved = reserved;
  }

  visit(tree: Tree | undefined): Expr {
    switch (tree?.rule) {
      case 'start':
        return this.visit(rules(tree, 'expr')[0]);
      case 'expr':
        return this.#conditional(tree);
      case 'or':
      case 'and':
        return this.#row(tree);
      case 'relation':
      case 'calc':
        return this.#operation(tree);
      case 'unary':
        return this.#signed(tree);
      case 'member':
        return this.#member(tree);
      case 'primary':
        return this.#primary(tree);
      case 'literal':
        return this.#literal(tree);
      default:
        return NOTHING;
    }
  }

  #wrong(at: number, message: string): Expr {
    this.mistakes.push({ at, message });
    return { ...NOTHING, at };
  }

  #conditional(tree: Tree): Expr {
    const [condition, yes] = rules(tree, 'or');
    const first = this.visit(condition);
    const [sign] = tokens(tree);
    return sign ? call(sign, [first, this.visit(yes), this.visit(rules(tree, 'expr')[0])]) : first;
  }

  #row(tree: Tree): Expr {
    const [first, ...more] = rules(tree, tree.rule === 'or' ? 'and' : 'relation');
    let made = this.visit(first);
    for (const [at, sign] of tokens(tree).entries()) {
      if (at >= more.length) return this.#wrong(tree.start.at, `unexpected character, wanted '${tree.rule === 'or' ? '||' : '&&'}'`);
      made = call(sign, [made, this.visit(more[at])]);
    }
    return made;
  }

  #operation(tree: Tree): Expr {
    const [sign] = tokens(tree);
    if (!sign) return this.visit(rules(tree, tree.rule === 'relation' ? 'calc' : 'unary')[0]);
    if (!OPERATORS.has(sign.text)) return this.#wrong(tree.start.at, 'operator not found');
    return call(sign, rules(tree, tree.rule).slice(0, 2).map((one) => this.visit(one)));
  }

  #signed(tree: Tree): Expr {
    if (tree.way === 0) return { kind: 'literal', at: tree.start.at, value: '<<error>>' };
    const signs = tokens(tree);
    const operand = this.visit(rules(tree, 'member')[0]);
    return signs.length % 2 === 0 ? operand : call(signs[0] as Token, [operand]);
  }

  #member(tree: Tree): Expr {
    const [inner] = rules(tree, 'member');
    if (!inner) return this.visit(rules(tree, 'primary')[0]);
    if (tree.way === 0) return NOTHING;
    const operand = this.visit(inner);
    const [sign] = tokens(tree);
    if (!sign) return NOTHING;
    if (tree.way === 1) {
      const [name] = rules(tree, 'escapeIdent');
      if (!name) return { ...NOTHING, at: tree.start.at };
      return { kind: 'select', at: sign.at, operand, field: this.#name(name, name.start.at) ?? '', test: false };
    }
    if (tree.way === 3) return call(sign, [operand, this.visit(rules(tree, 'expr')[0])]);
    const name = tokens(tree).find(({ kind }) => kind === 'identifier');
    if (!name) return { ...NOTHING, at: tree.start.at };
    const args = this.#args(tree);
    const at = tokens(tree).find(({ text }) => text === '(')?.at ?? -1;
    return this.#expanded(at, name.text, operand, args);
  }

  #args(tree: Tree): Expr[] {
    return rules(rules(tree, 'exprList')[0], 'expr').map((one) => this.visit(one));
  }

  #expanded(at: number, name: string, target: Expr | undefined, args: readonly Expr[]): Expr {
    try {
      const binding = target && this.#bindings ? expandBinding(at, name, target, args) : undefined;
      return binding ?? expandMacro(at, name, target, args) ?? { kind: 'call', at, name, ...(target && { target }), args };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      return this.#wrong(error.at, error.message);
    }
  }

  /** A field's name; undefined, and told, where it is none. */
  #name(tree: Tree | undefined, at: number): string | undefined {
    const [token] = tree && tree.way > 0 ? tokens(tree) : [];
    if (token && tree?.way === 1) return token.text;
    this.#wrong(at, token ? "unsupported syntax: '`'" : 'unsupported ident kind');
    return undefined;
  }

  #primary(tree: Tree): Expr {
    const sign = tokens(tree)[0];
    switch (tree.way) {
      case 1:
      case 2:
        return this.#named(tree);
      case 3:
        return this.visit(rules(tree, 'expr')[0]);
      case 4:
        return { kind: 'list', at: sign?.at ?? -1, items: rules(rules(tree, 'listInit')[0], 'optExpr').map((one) => this.visit(rules(one, 'expr')[0])), optional: new Set() };
      case 5:
        this.#entries(rules(tree, 'mapInit')[0], 'optExpr', (key) => void this.visit(rules(key, 'expr')[0]));
        return { kind: 'map', at: sign?.at ?? -1, entries: [] };
      case 6:
        return this.#message(tree);
      case 7:
        return this.visit(rules(tree, 'literal')[0]);
      default:
        return NOTHING;
    }
  }

  #named(tree: Tree): Expr {
    const id = tokens(tree).find(({ kind }) => kind === 'identifier');
    if (!id) return { ...NOTHING, at: tree.start.at };
    if (this.#reserved.has(id.text)) return this.#wrong(tree.start.at, `reserved identifier: ${id.text}`);
    const name = tree.start.text === '.' ? `.${id.text}` : id.text;
    if (tree.way === 1) return { kind: 'ident', at: id.at, name };
    return this.#expanded(tokens(tree).find(({ text }) => text === '(')?.at ?? -1, name, undefined, this.#args(tree));
  }

  #entries(tree: Tree | undefined, keyRule: string, key: (tree: Tree) => boolean | void): void {
    const [keys, values, colons] = [rules(tree, keyRule), rules(tree, 'expr'), tree ? tokens(tree).filter(({ text }) => text.includes(':')) : []];
    const count = keyRule === 'optExpr' ? colons.length : keys.length;
    for (let at = 0; at < count; at++) {
      const one = keys[at];
      if (!one || at >= values.length || at >= colons.length) return;
      if (key(one) !== false) this.visit(values[at]);
    }
  }

  #message(tree: Tree): Expr {
    const [fields] = rules(tree, 'fieldInit');
    this.#entries(fields, 'optField', (field) => this.#name(rules(field, 'escapeIdent')[0], fields?.start.at ?? -1) !== undefined);
    return { kind: 'struct', at: tree.start.at, name: '', fields: [] };
  }

  #literal(tree: Tree): Expr {
    const all = tokens(tree);
    const token = all.at(-1);
    if (tree.way === 0 || !token) return NOTHING;
    const { at } = tree.start;
    const negative = all.length > 1;
    const wrong = (): Expr => this.#wrong(at, `invalid ${token.kind === 'float' ? 'double' : token.kind} literal`);
    try {
      switch (token.kind) {
        case 'int':
          return readInt(token.text, negative) === undefined ? wrong() : { kind: 'literal', at, value: 0n };
        case 'uint':
          return readUint(token.text) === undefined ? wrong() : { kind: 'literal', at, value: 0n };
        case 'float':
          return Number.isFinite(Number(token.text)) ? { kind: 'literal', at, value: 0 } : wrong();
        case 'string':
          return { kind: 'literal', at, value: readString(token.text) };
        case 'bytes':
          return { kind: 'literal', at, value: readBytes(token.text) };
        default:
          return { kind: 'literal', at, value: null };
      }
    } catch (error) {
      return this.#wrong(at, (error as Error).message);
    }
  }
}

function isTree(kid: Tree | Token): kid is Tree {
  return 'rule' in kid;
}

function rules(tree: Tree | undefined, name: string): Tree[] {
  return tree ? tree.kids.filter((kid): kid is Tree => isTree(kid) && kid.rule === name) : [];
}

function tokens(tree: Tree): Token[] {
  return tree.kids.filter((kid): kid is Token => !isTree(kid));
}

function call({ at, text }: Token, args: readonly Expr[]): Expr {
  return { kind: 'call', at, name: text, args };
}
