/** Reads an expression into its tree. Provenance: the grammar and limits of cel-go v0.26; its package for JavaScript lacks optional fields, and its stack gives way to long sums. */
import type { Entry, Expr, Field } from './ast.ts';
import { readBytes, readInt, readString, readUint } from './literals.ts';
import { expandBinding, expandMacro } from './macros.ts';
import { recover } from './recover.ts';
import { checkShape, DEPTH_LIMIT } from './shape.ts';
import { type Mistake, SourceError, SourceErrors } from './source.ts';
import { treeMistakes } from './tree-mistakes.ts';
import { type Token, type Tokens, tokenize } from './tokens.ts';

/** Longer expressions are not looked at. */
const SOURCE_LIMIT_CHARACTERS = 100_000;

/** Throws SourceErrors. `bindings`: whether `cel.bind` is known. */
export function parse(source: string, bindings = false): Expr {
  const length = source.length > SOURCE_LIMIT_CHARACTERS ? [...source].length : source.length;
  if (length > SOURCE_LIMIT_CHARACTERS) throw new SourceErrors([new SourceError(-1, `expression code point size exceeds limit: size: ${length}, limit ${SOURCE_LIMIT_CHARACTERS}`)]);
  const read = tokenize(source);
  const parser = new Parser(read.tokens, bindings);
  try {
    const expr = parser.expr();
    parser.end();
    if (read.mistakes.length > 0) throw new SourceErrors(read.mistakes);
    checkShape(expr);
    return expr;
  } catch (error) {
    if (error instanceof SourceError) throw new SourceErrors(error.at < 0 ? [error] : allMistakes(source, read, { bindings, first: error }));
    if (!(error instanceof SourceErrors)) throw error;
    throw new SourceErrors(allMistakes(source, read, { bindings }));
  }
}

/** Whatever was found first, all that is wrong is told. */
function allMistakes(source: string, read: Tokens, { bindings, first }: { readonly bindings: boolean; readonly first?: SourceError }): readonly Mistake[] {
  const { tree, mistakes } = recover(source, read);
  const all = [...read.mistakes, ...mistakes, ...treeMistakes(tree, bindings, RESERVED)];
  return all.length > 0 || !first ? all : [first];
}

const RESERVED = new Set([
  'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'in', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while',
]);
const VALUES = new Set(['true', 'false', 'null']);
const RELATIONS = new Set(['<', '<=', '>=', '>', '==', '!=', 'in']);
const PRODUCTS = new Set(['*', '/', '%']);
const SUMS = new Set(['+', '-']);

class Parser {
  readonly #tokens: readonly Token[];
  readonly #bindings: boolean;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], bindings: boolean) {
    this.#tokens = tokens;
    this.#bindings = bindings;
  }

  end(): void {
    if (this.#peek().kind !== 'end') throw this.#unexpected();
  }

  expr(): Expr {
    this.#deeper();
    const condition = this.#either();
    let made = condition;
    if (this.#is('?')) {
      const { at } = this.#take();
      const yes = this.#either();
      this.#expect(':');
      made = { kind: 'call', at, name: '_?_:_', args: [condition, yes, this.expr()] };
    }
    this.#depth--;
    return made;
  }

  #either(): Expr {
    return this.#terms('||', '_||_', () => this.#both());
  }

  #both(): Expr {
    return this.#terms('&&', '_&&_', () => this.#relation());
  }

  #terms(sign: string, name: string, term: () => Expr): Expr {
    const terms = [term()];
    const places: number[] = [];
    while (this.#is(sign)) {
      places.push(this.#take().at);
      terms.push(term());
    }
    return terms.length === 1 ? (terms[0] as Expr) : balanced(name, terms, places, 0, places.length - 1);
  }

  #relation(): Expr {
    return this.#chain(RELATIONS, () => this.#chain(SUMS, () => this.#chain(PRODUCTS, () => this.#unary())));
  }

  #chain(signs: ReadonlySet<string>, operand: () => Expr): Expr {
    let left = operand();
    while (this.#peek().kind === 'sign' && signs.has(this.#peek().text)) {
      const { text, at } = this.#take();
      left = { kind: 'call', at, name: text === 'in' ? '@in' : `_${text}_`, args: [left, operand()] };
    }
    return left;
  }

  #unary(): Expr {
    const sign = this.#peek();
    const next = this.#tokens[this.#next + 1];
    const isNumber = next?.kind === 'int' || next?.kind === 'float';
    if (sign.kind !== 'sign' || (sign.text !== '!' && sign.text !== '-') || (sign.text === '-' && isNumber)) return this.#member();
    let count = 0;
    while (this.#accept(sign.text)) count++;
    const operand = this.#member();
    return count % 2 === 0 ? operand : { kind: 'call', at: sign.at, name: sign.text === '!' ? '!_' : '-_', args: [operand] };
  }

  #member(): Expr {
    return this.#selectors(this.#primary());
  }

  #selectors(start: Expr): Expr {
    let expr = start;
    for (;;) {
      if (this.#is('.')) expr = this.#select(expr);
      else if (this.#is('[')) expr = this.#index(expr);
      else return expr;
    }
  }

  #select(operand: Expr): Expr {
    const { at } = this.#take();
    const optional = this.#accept('?');
    const token = this.#take();
    if (token.kind !== 'identifier' || VALUES.has(token.text)) throw this.#unexpected();
    if (!optional && this.#is('(')) {
      const open = this.#take();
      const args = this.#args(')');
      const binding = this.#bindings ? expandBinding(open.at, token.text, operand, args) : undefined;
      return binding ?? expandMacro(open.at, token.text, operand, args) ?? { kind: 'call', at: open.at, name: token.text, target: operand, args };
    }
    if (optional) return { kind: 'call', at, name: '_?._', args: [operand, { kind: 'literal', at: token.at, value: token.text }] };
    return { kind: 'select', at, operand, field: token.text, test: false };
  }

  #index(operand: Expr): Expr {
    const { at } = this.#take();
    const optional = this.#accept('?');
    const index = this.expr();
    this.#expect(']');
    return { kind: 'call', at, name: optional ? '_[?_]' : '_[_]', args: [operand, index] };
  }

  #primary(): Expr {
    const token = this.#take();
    switch (token.kind) {
      case 'int':
      case 'float':
      case 'uint':
        return this.#number(token);
      case 'string':
      case 'bytes':
        return literalText(token);
      case 'identifier':
        return this.#named(token, '');
      case 'sign':
        return this.#enclosed(token);
      default:
        throw this.#unexpected();
    }
  }

  #enclosed(token: Token): Expr {
    switch (token.text) {
      case '-':
        return this.#number(this.#take(), token);
      case '(': {
        const inner = this.expr();
        this.#expect(')');
        return inner;
      }
      case '[':
        return this.#list(token);
      case '{':
        return this.#map(token);
      case '.': {
        const name = this.#take();
        if (name.kind !== 'identifier' || VALUES.has(name.text)) throw this.#unexpected();
        return this.#named(name, '.');
      }
      default:
        throw this.#unexpected();
    }
  }

  #number(token: Token, sign?: Token): Expr {
    if (token.kind !== 'int' && token.kind !== 'float' && token.kind !== 'uint') throw this.#unexpected();
    const at = sign?.at ?? token.at;
    if (token.kind === 'float') {
      const value = Number((sign ? '-' : '') + token.text);
      if (!Number.isFinite(value)) throw new SourceError(at, 'invalid double literal');
      return { kind: 'literal', at, value };
    }
    const value = token.kind === 'int' ? readInt(token.text, sign !== undefined) : readUint(token.text);
    if (value === undefined) throw new SourceError(at, `invalid ${token.kind} literal`);
    return { kind: 'literal', at, value };
  }

  #named(token: Token, dot: string): Expr {
    const { text, at } = token;
    if (dot === '' && (text === 'true' || text === 'false')) return { kind: 'literal', at, value: text === 'true' };
    if (dot === '' && text === 'null') return { kind: 'literal', at, value: null };
    if (this.#isStruct()) return this.#struct(dot + text);
    if (RESERVED.has(text)) throw new SourceError(at, `reserved identifier: ${text}`);
    if (!this.#is('(')) return { kind: 'ident', at, name: dot + text };
    const open = this.#take();
    const args = this.#args(')');
    return expandMacro(open.at, dot + text, undefined, args) ?? { kind: 'call', at: open.at, name: dot + text, args };
  }

  /** Whether names with dots follow, and then a brace. */
  #isStruct(): boolean {
    let at = this.#next;
    while (this.#tokens[at]?.text === '.' && this.#tokens[at + 1]?.kind === 'identifier') at += 2;
    const token = this.#tokens[at];
    return token?.kind === 'sign' && token.text === '{';
  }

  #struct(first: string): Expr {
    let name = first;
    while (this.#accept('.')) name += `.${this.#take().text}`;
    const { at } = this.#take();
    const fields: Field[] = [];
    if (this.#is(',') && this.#tokens[this.#next + 1]?.text === '}') this.#take();
    while (!this.#is('}')) {
      const optional = this.#accept('?');
      const field = this.#take();
      if (field.kind !== 'identifier') throw this.#unexpected();
      const colon = this.#expect(':');
      fields.push({ at: colon.at, name: field.text, value: this.expr(), optional });
      if (!this.#accept(',')) break;
    }
    this.#expect('}');
    return { kind: 'struct', at, name, fields };
  }

  #list({ at }: Token): Expr {
    const items: Expr[] = [];
    const optional = new Set<number>();
    if (this.#is(',') && this.#tokens[this.#next + 1]?.text === ']') this.#take();
    while (!this.#is(']')) {
      if (this.#accept('?')) optional.add(items.length);
      items.push(this.expr());
      if (!this.#accept(',')) break;
    }
    this.#expect(']');
    return { kind: 'list', at, items, optional };
  }

  #map({ at }: Token): Expr {
    const entries: Entry[] = [];
    if (this.#is(',') && this.#tokens[this.#next + 1]?.text === '}') this.#take();
    while (!this.#is('}')) {
      const optional = this.#accept('?');
      const key = this.expr();
      const colon = this.#expect(':');
      entries.push({ at: colon.at, key, value: this.expr(), optional });
      if (!this.#accept(',')) break;
    }
    this.#expect('}');
    return { kind: 'map', at, entries };
  }

  #args(close: string): Expr[] {
    const args: Expr[] = [];
    if (this.#accept(close)) return args;
    do args.push(this.expr());
    while (this.#accept(','));
    this.#expect(close);
    return args;
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  #is(text: string): boolean {
    const token = this.#peek();
    return token.kind === 'sign' && token.text === text;
  }

  #accept(text: string): boolean {
    const is = this.#is(text);
    if (is) this.#next++;
    return is;
  }

  #expect(text: string): Token {
    if (!this.#is(text)) throw this.#unexpected();
    return this.#take();
  }

  /** What is wrong is told by whoever reads it once more. */
  #unexpected(): SourceError {
    return new SourceError(this.#peek().at, 'Syntax error');
  }

  #deeper(): void {
    if (++this.#depth > DEPTH_LIMIT) throw new SourceError(-1, `expression recursion limit exceeded: ${DEPTH_LIMIT}`);
  }
}

function literalText(token: Token): Expr {
  try {
    return { kind: 'literal', at: token.at, value: token.kind === 'bytes' ? readBytes(token.text) : readString(token.text) };
  } catch (error) {
    throw new SourceError(token.at, (error as Error).message);
  }
}

/** Long rows of one operator become a flat tree. */
function balanced(name: string, terms: readonly Expr[], places: readonly number[], low: number, high: number): Expr {
  const middle = Math.floor((low + high + 1) / 2);
  const left = middle === low ? (terms[middle] as Expr) : balanced(name, terms, places, low, middle - 1);
  const right = middle === high ? (terms[middle + 1] as Expr) : balanced(name, terms, places, middle + 1, high);
  return { kind: 'call', at: places[middle] as number, name, args: [left, right] };
}
