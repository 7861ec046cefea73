/** Reads an expression into its tree. Provenance: the grammar and limits of cel-go v0.26; its package for JavaScript lacks optional fields, and its stack gives way to long sums. */
import type { Entry, Expr, Field } from './ast.ts';
import { readBytes, readInt, readString, readUint } from './literals.ts';
import { expandBinding, expandMacro } from './macros.ts';
import { checkShape, DEPTH_LIMIT } from './shape.ts';
import { type Mistake, SourceError, SourceErrors } from './source.ts';
import { type Token, tokenize } from './tokens.ts';

/** Longer expressions are not looked at. */
const SOURCE_LIMIT_CHARACTERS = 100_000;

/** Throws SourceErrors. `bindings`: whether `cel.bind` is known. */
export function parse(source: string, bindings = false): Expr {
  const length = source.length > SOURCE_LIMIT_CHARACTERS ? [...source].length : source.length;
  if (length > SOURCE_LIMIT_CHARACTERS) throw new SourceErrors([new SourceError(-1, `expression code point size exceeds limit: size: ${length}, limit ${SOURCE_LIMIT_CHARACTERS}`)]);
  const { tokens, mistakes } = tokenize(source);
  const parser = new Parser(tokens, mistakes, bindings);
  try {
    const expr = parser.expr();
    parser.end();
    if (parser.mistakes.length > 0) throw new SourceErrors(parser.mistakes);
    checkShape(expr);
    return expr;
  } catch (error) {
    throw error instanceof SourceError ? new SourceErrors([...parser.mistakes, error]) : error;
  }
}

const STARTS = new Set(['[', '{', '(', '.', '-', '!']);
const CLOSES = new Set([')', ']', '}', ',', ':', 'in']);
const RESERVED = new Set([
  'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'in', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while',
]);
const VALUES = new Set(['true', 'false', 'null']);
const RELATIONS = new Set(['<', '<=', '>=', '>', '==', '!=', 'in']);
const PRODUCTS = new Set(['*', '/', '%']);
const SUMS = new Set(['+', '-']);
const LITERALS = "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const OPERAND = `{'[', '{', '(', '.', '-', '!', ${LITERALS}`;
/** Where the operand may be optional; and at the start of a list, where it may be none. */
const OPTIONAL_OPERAND = `{'[', '{', '(', '.', '-', '!', '?', ${LITERALS}`;
const FIRST_ENTRY = `{'[', '{', '}', '(', '.', ',', '-', '!', '?', ${LITERALS}`;
const FIRST_ARGUMENT = `{'[', '{', '(', ')', '.', '-', '!', ${LITERALS}`;
const FIRST_ITEM = `{'[', ']', '{', '(', '.', ',', '-', '!', '?', ${LITERALS}`;

class Parser {
  /** Those that did not end the reading. */
  readonly mistakes: Mistake[] = [];
  readonly #tokens: readonly Token[];
  readonly #bindings: boolean;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], mistakes: readonly Mistake[], bindings: boolean) {
    this.#tokens = tokens;
    this.#bindings = bindings;
    this.mistakes.push(...mistakes);
  }

  end(): void {
    const token = this.#peek();
    if (token.kind === 'end') return;
    const alone = this.#tokens[this.#next + 1]?.kind === 'end';
    throw new SourceError(token.at, `Syntax error: ${alone ? 'extraneous' : 'mismatched'} input '${token.text}' expecting <EOF>`);
  }

  expr(): Expr {
    this.#deeper();
    const condition = this.#either();
    let made = condition;
    if (this.#is('?')) {
      const { at } = this.#take();
      this.#leaveOut(':');
      const yes = this.#either();
      this.#expect(':', "':'");
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
    const end = this.#peek();
    if (end.kind === 'end' && sign.text === '-' && count === 1) this.mistakes.push({ at: end.at, message: "Syntax error: no viable alternative at input '-'" });
    if (end.kind === 'end' && sign.text === '!') throw new SourceError(end.at, `Syntax error: extraneous input '<EOF>' expecting ${OPERAND}`);
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
    if (this.#is('in')) {
      // It is no name, and is read on as the operator.
      this.mistakes.push({ at: this.#peek().at, message: "Syntax error: no viable alternative at input '.in'" });
      return operand;
    }
    const token = this.#take();
    if (optional && token.kind === 'end') {
      this.mistakes.push({ at: token.at, message: this.#unexpected(token, '{IDENTIFIER, ESC_IDENTIFIER}').message });
      throw new SourceError(token.at, 'unsupported ident kind');
    }
    if (token.kind === 'escaped') throw new SourceError(token.at, `unsupported syntax: '${token.text.slice(0, 1)}'`);
    if (token.kind === 'identifier' && VALUES.has(token.text)) throw this.#unexpected(token, 'IDENTIFIER');
    if (token.kind !== 'identifier') throw new SourceError(token.at, `Syntax error: no viable alternative at input '.${token.kind === 'end' ? '' : `${' '.repeat(Math.max(0, token.at - at - 1))}${token.text}`}'`);
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
    if (this.#is(']')) throw this.#unexpected(this.#peek(), OPTIONAL_OPERAND);
    this.#notEnd(OPTIONAL_OPERAND);
    const optional = this.#accept('?');
    const index = this.expr();
    this.#expect(']');
    return { kind: 'call', at, name: optional ? '_[?_]' : '_[_]', args: [operand, index] };
  }

  #primary(): Expr {
    const token = this.#operand();
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
        throw this.#unexpected(token, OPERAND);
    }
  }

  /** A sign that does not belong before an operand. */
  #leaveOut(text: string): void {
    const next = this.#tokens[this.#next + 1];
    if (!this.#is(text) || next === undefined || !(next.kind === 'sign' ? STARTS.has(next.text) : next.kind !== 'end')) return;
    const { at } = this.#take();
    this.mistakes.push({ at, message: `Syntax error: extraneous input '${text}' expecting ${OPERAND}` });
  }

  /** One token that does not belong here is left out, where what follows does. */
  #operand(): Token {
    const token = this.#take();
    const next = this.#peek();
    if (token.kind !== 'sign' || STARTS.has(token.text) || CLOSES.has(token.text) || !(next.kind === 'sign' ? STARTS.has(next.text) : next.kind !== 'end')) return token;
    this.mistakes.push({ at: token.at, message: `Syntax error: extraneous input '${token.text}' expecting ${OPERAND}` });
    return this.#take();
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
        if (name.kind !== 'identifier') throw this.#unexpected(name, 'IDENTIFIER');
        return this.#named(name, '.');
      }
      default:
        throw this.#unexpected(token, OPERAND);
    }
  }

  #number(token: Token, sign?: Token): Expr {
    if (token.kind !== 'int' && token.kind !== 'float' && token.kind !== 'uint') throw this.#unexpected(token, OPERAND);
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
    // It is read on: there may be more to tell.
    if (RESERVED.has(text)) this.mistakes.push({ at, message: `reserved identifier: ${text}` });
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
    while (!this.#is('}')) {
      const optional = this.#accept('?');
      const field = this.#take();
      if (field.kind !== 'identifier') throw this.#unexpected(field, optional ? '{IDENTIFIER, ESC_IDENTIFIER}' : fields.length === 0 ? "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}" : "{'}', '?', IDENTIFIER, ESC_IDENTIFIER}");
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
    this.#notEnd(FIRST_ITEM);
    if (this.#is(',') && this.#tokens[this.#next + 1]?.text === ']') this.#take();
    while (!this.#is(']')) {
      if (this.#accept('?')) optional.add(items.length);
      items.push(this.expr());
      if (!this.#accept(',')) break;
      if (this.#is(',')) throw this.#unexpected(this.#peek(), "']'");
    }
    this.#expect(']', "{']', ','}");
    return { kind: 'list', at, items, optional };
  }

  #map({ at }: Token): Expr {
    const entries: Entry[] = [];
    this.#notEnd(FIRST_ENTRY);
    if (this.#is(',') && this.#tokens[this.#next + 1]?.text === '}') this.#take();
    while (!this.#is('}')) {
      const optional = this.#accept('?');
      const key = this.expr();
      const colon = this.#expect(':', "':'");
      entries.push({ at: colon.at, key, value: this.expr(), optional });
      if (!this.#accept(',')) break;
    }
    this.#expect('}', "{'}', ','}");
    return { kind: 'map', at, entries };
  }

  #args(close: string): Expr[] {
    const args: Expr[] = [];
    if (this.#accept(close)) return args;
    this.#notEnd(FIRST_ARGUMENT);
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

  /** `others`: what else could stand here. */
  #expect(text: string, others?: string): Token {
    const token = this.#peek();
    if (this.#is(text)) return this.#take();
    const next = this.#tokens[this.#next + 1];
    if (token.kind !== 'end' && next?.kind === 'sign' && next.text === text) {
      this.mistakes.push({ at: token.at, message: `Syntax error: extraneous input '${token.text}' expecting ${others ?? `'${text}'`}` });
      this.#next++;
      return this.#take();
    }
    if (text === ':' && (token.kind === 'sign' ? STARTS.has(token.text) : token.kind !== 'end')) {
      this.mistakes.push({ at: token.at, message: `Syntax error: missing ':' at '${token.text}'` });
      return token;
    }
    if (token.kind === 'end' && others === undefined) throw new SourceError(token.at, `Syntax error: missing '${text}' at '<EOF>'`);
    throw this.#unexpected(token, others ?? `'${text}'`);
  }

  #notEnd(expected: string): void {
    const token = this.#peek();
    if (token.kind === 'end') throw this.#unexpected(token, expected);
  }

  #unexpected(token: Token, expected: string): SourceError {
    return new SourceError(token.at, `Syntax error: mismatched input '${token.text}' expecting ${expected}`);
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
