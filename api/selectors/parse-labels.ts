/** Label selectors as text: `a=b,c!=d,e in (x,y),!f,g`. The grammar and its complaints follow apimachinery's `labels.Parse`. */
import { ApiError, badRequest } from '../status.ts';
import { labelRequirement, selectorOf, type LabelOperator, type LabelRequirement, type Selector } from './label-selector.ts';
import { labelKeyProblems } from './label-syntax.ts';

/** Throws 400 on a text that is no selector. The empty text selects everything. */
export function parseLabelSelector(text: string): Selector {
  const tokens = new Tokens(text);
  const requirements: LabelRequirement[] = [];
  if (tokens.peek().type === 'end') return selectorOf(requirements);
  for (;;) {
    const first = tokens.peek();
    if (!startsRequirement(first)) {
      const wanted = requirements.length > 0 ? "identifier after ','" : "!, identifier, or 'end of string'";
      throw expected(first, wanted);
    }
    requirements.push(requirement(tokens));
    const next = tokens.take();
    if (next.type === 'end') return selectorOf(requirements);
    if (next.type !== ',') throw expected(next, "',' or 'end of string'");
  }
}

type Symbol = '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '<' | '>' | 'in' | 'notin';

interface Token {
  readonly type: Symbol | 'identifier' | 'end' | 'error';
  readonly text: string;
}

const SYMBOLS: ReadonlySet<string> = new Set<Symbol>(['(', ')', ',', '!', '=', '==', '!=', '<', '>']);
const OPERATORS: Readonly<Record<string, LabelOperator>> = {
  in: 'in', notin: 'notin', '=': '=', '==': '==', '!=': '!=', '>': 'gt', '<': 'lt',
};

/** Reads tokens one ahead. Where a value may stand, `in` and `notin` are plain words. */
class Tokens {
  readonly #text: string;
  #at = 0;
  #ahead: Token | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  peek(): Token {
    this.#ahead ??= this.#scan();
    return asValue(this.#ahead);
  }

  take(): Token {
    return asValue(this.takeOperator());
  }

  takeOperator(): Token {
    const token = this.#ahead ?? this.#scan();
    this.#ahead = undefined;
    return token;
  }

  #scan(): Token {
    const text = this.#text;
    while (/[ \t\r\n]/.test(text[this.#at] ?? '')) this.#at++;
    if (this.#at >= text.length) return { type: 'end', text: '' };
    const start = this.#at;
    const symbols = /[=!(),<>]/;
    if (!symbols.test(text[start] ?? '')) {
      while (this.#at < text.length && !/[=!(),<> \t\r\n]/.test(text[this.#at] ?? '')) this.#at++;
      const word = text.slice(start, this.#at);
      return { type: word === 'in' || word === 'notin' ? word : 'identifier', text: word };
    }
    const pair = text.slice(start, start + 2);
    const symbol = SYMBOLS.has(pair) ? pair : (text[start] ?? '');
    this.#at += symbol.length;
    return { type: symbol as Symbol, text: symbol };
  }
}

function asValue(token: Token): Token {
  return token.type === 'in' || token.type === 'notin' ? { type: 'identifier', text: token.text } : token;
}

function startsRequirement(token: Token): boolean {
  return token.type === 'identifier' || token.type === '!';
}

function expected(found: Token, wanted: string, separator = ', '): ApiError {
  return badRequest(`found '${found.text}'${separator}expected: ${wanted}`);
}

function requirement(tokens: Tokens): LabelRequirement {
  try {
    return keyAndRest(tokens);
  } catch (error) {
    if (error instanceof ApiError) throw badRequest(`unable to parse requirement: ${error.message}`);
    throw error;
  }
}

function keyAndRest(tokens: Tokens): LabelRequirement {
  let token = tokens.take();
  const negated = token.type === '!';
  if (negated) token = tokens.take();
  if (token.type !== 'identifier') throw expected(token, 'identifier');
  const key = token.text;
  const problems = labelKeyProblems(key);
  if (problems.length > 0) throw badRequest(`<nil>: Invalid value: ${JSON.stringify(key)}: ${problems.join('; ')}`);
  const next = tokens.peek().type;
  if (negated) return labelRequirement(key, '!', []);
  if (next === 'end' || next === ',') return labelRequirement(key, 'exists', []);
  const found = tokens.takeOperator();
  const operator = Object.hasOwn(OPERATORS, found.type) ? OPERATORS[found.type] : undefined;
  if (!operator) throw expected(found, 'in, notin, =, ==, !=, gt, lt');
  const values = operator === 'in' || operator === 'notin' ? valueList(tokens) : [exactValue(tokens)];
  return labelRequirement(key, operator, [...new Set(values)].sort());
}

function exactValue(tokens: Tokens): string {
  const { type } = tokens.peek();
  if (type === 'end' || type === ',') return '';
  const token = tokens.take();
  if (token.type !== 'identifier') throw expected(token, 'identifier');
  return token.text;
}

/** `(a,b)`; `()` and gaps between commas are the empty value. */
function valueList(tokens: Tokens): string[] {
  const open = tokens.take();
  if (open.type !== '(') throw expected(open, "'('", ' ');
  const first = tokens.peek();
  if (first.type !== 'identifier' && first.type !== ',' && first.type !== ')') throw expected(first, "',', ')' or identifier");
  const values: string[] = [];
  let afterComma = true;
  for (;;) {
    const token = tokens.take();
    if (token.type === 'identifier' && afterComma) {
      values.push(token.text);
      const next = tokens.peek();
      if (next.type !== ',' && next.type !== ')') throw expected(next, "',' or ')'");
      afterComma = false;
    } else if (token.type === ',' || token.type === ')') {
      if (afterComma) values.push('');
      if (token.type === ')') return values;
      afterComma = true;
    } else {
      throw expected(token, "',', or identifier");
    }
  }
}
