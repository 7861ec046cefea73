/** JSONPath as columns and selectable fields use it: how paths are read. Provenance: client-go util/jsonpath/parser.go of v0.36. */
import { apply, compare, constant, descend, everything, field, Lost, slice, type Step, unite, unknown } from './json-path-steps.ts';
import { isObject, type Json } from './json-schema.ts';

/** The values that a path finds; undefined: it cannot be followed in this object. */
export type JsonPath = (object: unknown) => readonly unknown[] | undefined;

/** Throws Error on what is no path. */
export function compileJsonPath(text: string): JsonPath {
  const steps = new Parser(text).steps();
  return (object) => {
    try {
      return apply(steps, [object]);
    } catch (error) {
      if (error instanceof Lost) return undefined;
      throw error;
    }
  };
}

const END = '}';
const ENDS_NAME = new Set([' ', '\t', '\r', '\n', '.', ',', '[', ']', '$', '@', '{', '}']);
const WORD = /[\p{L}\p{Nd}_]/u;
const COMPARISON = /^([^!<>=]+)([!<>=]+)([^\n]+?)$/;
const SLICE = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/;

/** Reads what stands between braces; the closing one is put after the text, and what follows one in the text itself has no part in it. */
class Parser {
  readonly #text: string;
  readonly #steps: Step[] = [];
  #at = 0;
  /** `..` was just read. */
  #descends = false;

  constructor(text: string) {
    this.#text = text + END;
  }

  steps(): readonly Step[] {
    while (!this.#is(END)) this.#step();
    return this.#steps;
  }

  #step(): void {
    const descends = this.#descends;
    this.#descends = false;
    if (this.#is('[?(')) return this.#filter();
    if (this.#is('..')) return this.#recursion(descends);
    const char = this.#text[this.#at] ?? '\n';
    this.#at++;
    if (char === ' ' || char === '@' || char === '$') this.#descends = descends;
    else if (char === '[') this.#brackets();
    else if (char === '"' || char === "'") this.#steps.push(constant(this.#quoted(char)));
    else if (char === '.') this.#name();
    else if (/[-+\p{Nd}]/u.test(char)) this.#number(this.#at - 1);
    else if (WORD.test(char)) this.#identifier(this.#at - 1);
    else throw new Error(`unrecognized character in path: ${char}`);
  }

  #is(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #recursion(again: boolean): void {
    if (again) throw new Error('invalid multiple recursive descent');
    this.#at += 2;
    this.#steps.push(descend);
    if (WORD.test(this.#text[this.#at] ?? '')) this.#name();
    else this.#descends = true;
  }

  /** Up to what ends a name and has no backslash before it. */
  #name(): void {
    const from = this.#at;
    while (this.#at < this.#text.length && !ENDS_NAME.has(this.#text[this.#at] as string)) this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    const name = this.#text.slice(from, this.#at);
    this.#steps.push(name === '*' ? everything : field(name.replaceAll('\\', '')));
  }

  #identifier(from: number): void {
    while (this.#at < this.#text.length && !ENDS_NAME.has(this.#text[this.#at] as string)) this.#at++;
    const word = this.#text.slice(from, this.#at);
    this.#steps.push(word === 'true' || word === 'false' ? constant(word === 'true') : unknown);
  }

  #number(from: number): void {
    while (/[.\d]/.test(this.#text[this.#at] ?? '')) this.#at++;
    const text = this.#text.slice(from, this.#at);
    if (!/^[-+]?(\d+\.?\d*|\.\d+)$/.test(text)) throw new Error(`cannot parse number ${text}`);
    this.#steps.push(constant(Number(text), text.includes('.') ? 'float' : 'int'));
  }

  #quoted(quote: string): string {
    const from = this.#at;
    for (; ; this.#at++) {
      const char = this.#text[this.#at];
      if (char === undefined || char === '\n') throw new Error('unterminated quoted string');
      if (char === quote && this.#text[this.#at - 1] !== '\\') break;
    }
    return this.#text.slice(from, this.#at++).replaceAll(/\\(.)/gs, '$1');
  }

  #brackets(): void {
    const end = this.#text.indexOf(']', this.#at);
    const inside = this.#text.slice(this.#at, Math.max(end, this.#at));
    if (end < 0 || inside.includes('\n')) throw new Error('unterminated array');
    this.#at = end + 1;
    const parts = inside.split(',');
    if (parts.length > 1) this.#steps.push(unite(parts.map((part) => new Parser(`[${part.replaceAll(/^ +| +$/g, '')}]`).steps())));
    else this.#element(inside === '*' ? ':' : inside);
  }

  /** A name in quotes is read as a path of its own, so that dots in it part names. */
  #element(text: string): void {
    const [, key] = /^'([^']*)'$/.exec(text) ?? [];
    if (key !== undefined) {
      this.#steps.push(...new Parser(`.${key}`).steps());
      return;
    }
    const [, first = '', ...bounds] = SLICE.exec(text) ?? [undefined, '-'];
    const [to, by] = bounds.map((bound) => index(bound?.slice(1) ?? ''));
    this.#steps.push(slice(index(first), bounds[0] === undefined ? 'next' : to, by));
  }

  #filter(): void {
    this.#at += '[?('.length;
    const text = this.#text.slice(this.#at, this.#filterEnd());
    this.#at += text.length + 1;
    if (this.#text[this.#at++] !== ']') throw new Error('unclosed array expect ]');
    const [, left = text, operator, right = ''] = COMPARISON.exec(text) ?? [];
    this.#steps.push(compare(new Parser(left).steps(), operator, operator === undefined ? [] : new Parser(right).steps()));
  }

  /** The first closing bracket outside of quotes, of which there are two at most. */
  #filterEnd(): number {
    let quote = '';
    let closed = false;
    for (let at = this.#at; at < this.#text.length; at++) {
      const char = this.#text[at] as string;
      if (char === '\n') break;
      if (char === '"' || char === "'") {
        if (quote === '') quote = char;
        else if (char === quote && this.#text[at - 1] !== '\\') closed = true;
      } else if (char === ')' && (quote !== '') === closed) return at;
    }
    throw new Error('unterminated filter');
  }
}

const INDEX_LIMIT = 2 ** 63;

function index(text: string): number | undefined {
  if (text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || Math.abs(value) >= INDEX_LIMIT) throw new Error(`array index ${text} is not a number`);
  return value;
}

/** A path of plain names, `.spec.replicas`. */
export function plainPath(text: string): string[] {
  return text.replace(/^\./, '').split('.');
}

export function atPath(object: unknown, path: readonly string[]): unknown {
  let value: unknown = object;
  for (const name of path) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = (value as Json)[name];
  }
  return value;
}
