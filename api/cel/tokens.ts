/** Splits an expression into tokens. Provenance: the grammar of cel-go v0.26. */
import type { Mistake } from './source.ts';

export type TokenKind = 'identifier' | 'escaped' | 'int' | 'uint' | 'float' | 'string' | 'bytes' | 'sign' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  readonly at: number;
}

const SPACE = /[\t \r\n\f]+|\/\/[^\n]*/y;
const FLOAT = /\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?/y;
const WHOLE = /(?:0x[0-9a-fA-F]+|\d+)[uU]?/y;
const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?${'`'}]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`;
const RAW_TEXT = /[bB]?[rR](?:"""[^]*?"""|'''[^]*?'''|"[^"\n\r]*"|'[^'\n\r]*')/y;
const TEXT = new RegExp(`[bB]?(?:"""(?:${ESCAPE}|[^\\\\])*?"""|'''(?:${ESCAPE}|[^\\\\])*?'''|"(?:${ESCAPE}|[^\\\\"\\n\\r])*"|'(?:${ESCAPE}|[^\\\\'\\n\\r])*')`, 'y');
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
const ESCAPED = /`[A-Za-z0-9_.\-/ ]+`/y;
const SIGN = /==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%]/y;

export interface Tokens {
  readonly tokens: readonly Token[];
  readonly mistakes: readonly Mistake[];
  /** What cannot be read: from where to where. */
  readonly unread: readonly (readonly [number, number])[];
}

/** What cannot be read is left out, and told. */
export function tokenize(source: string): Tokens {
  const unread: [number, number][] = [];
  const tokens: Token[] = [];
  const mistakes: Mistake[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  while (at < source.length) {
    const space = take(SPACE);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const token = next(take, at);
    if (token) tokens.push(token);
    else {
      const text = unreadable(source, at);
      mistakes.push({ at, message: `Syntax error: token recognition error at: '${text}'` });
      unread.push([at, at + text.length]);
    }
    at += token?.text.length ?? unreadable(source, at).length;
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: source.length });
  return { tokens, mistakes, unread };
}

function next(take: (pattern: RegExp) => string | undefined, at: number): Token | undefined {
  const string = take(RAW_TEXT) ?? take(TEXT);
  if (string !== undefined) return { kind: /^[bB]/.test(string) ? 'bytes' : 'string', text: string, at };
  const float = take(FLOAT);
  if (float !== undefined) return { kind: 'float', text: float, at };
  const whole = take(WHOLE);
  if (whole !== undefined) return { kind: /[uU]$/.test(whole) ? 'uint' : 'int', text: whole, at };
  const identifier = take(IDENTIFIER);
  if (identifier !== undefined) return { kind: identifier === 'in' ? 'sign' : 'identifier', text: identifier, at };
  const escaped = take(ESCAPED);
  if (escaped !== undefined) return { kind: 'escaped', text: escaped, at };
  const sign = take(SIGN);
  return sign === undefined ? undefined : { kind: 'sign', text: sign, at };
}

/** What could have begun a token goes as far as it could have been one. */
function unreadable(source: string, at: number): string {
  const first = source[at] as string;
  if (first === '"' || first === "'") {
    const [body = ''] = new RegExp(`^${first}(?:${ESCAPE}|[^\\\\${first}\\n\\r])*`).exec(source.slice(at)) ?? [];
    const stop = at + body.length;
    const [escape = ''] = /^\\(?:[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-3][0-7]?)?/.exec(source.slice(stop)) ?? [];
    return source.slice(at, stop + escape.length + 1);
  }
  return '=&|'.includes(first) ? source.slice(at, at + 2) : String.fromCodePoint(source.codePointAt(at) as number);
}
