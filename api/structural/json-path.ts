/** JSONPath as columns and selectable fields use it: what a path finds in an object. Provenance: client-go util/jsonpath of v0.36. */
import { isObject, type Json } from './json-schema.ts';

/** The values that a path finds; undefined: it leads nowhere, or cannot be followed in this object. */
export type JsonPath = (object: unknown) => readonly unknown[] | undefined;

type Step = (values: readonly unknown[]) => readonly unknown[];

/** Throws Error on what is no path. */
export function compileJsonPath(text: string): JsonPath {
  const steps = new Parser(text).steps();
  return (object) => {
    try {
      return steps.reduce<readonly unknown[]>((values, step) => step(values), [object]);
    } catch (error) {
      if (error instanceof Lost) return undefined;
      throw error;
    }
  };
}

/** A path cannot be followed: an index beyond the end, a list where an object should be. */
class Lost extends Error {}

const NAME = /[^.[\]\s'"()]+/y;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  steps(): Step[] {
    const steps: Step[] = [];
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at];
      if (char === '.') {
        this.#at++;
        if (this.#text[this.#at] === '.') {
          this.#at++;
          const named = this.#text[this.#at] !== '[';
          steps.push((values) => values.flatMap(descendants).filter((value) => !named || isObject(value)));
          if (named) steps.push(this.#name());
        } else if (this.#at < this.#text.length && this.#text[this.#at] !== '[') steps.push(this.#name());
      } else if (char === '[') steps.push(this.#brackets());
      else if ((char === '$' || char === '@') && this.#at === 0) this.#at++;
      else throw new Error(`unrecognized character in path: ${this.#text.slice(this.#at)}`);
    }
    return steps;
  }

  #name(): Step {
    let name = '';
    for (;;) {
      NAME.lastIndex = this.#at;
      const match = NAME.exec(this.#text)?.[0];
      if (!match) break;
      this.#at += match.length;
      name += match;
      // `a\.b` is one name.
      if (!name.endsWith('\\') || this.#text[this.#at] !== '.') break;
      name = `${name.slice(0, -1)}.`;
      this.#at++;
    }
    if (name === '') throw new Error(`a name is missing in path: ${this.#text}`);
    return name === '*' ? everything : field(name.replaceAll('\\', ''));
  }

  #brackets(): Step {
    const end = this.#closing();
    const inside = this.#text.slice(this.#at + 1, end).trim();
    this.#at = end + 1;
    if (inside === '*') return everything;
    const filter = /^\?\((.*)\)$/s.exec(inside);
    if (filter) return filtered(filter[1] as string);
    const quoted = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")$/s.exec(inside);
    if (quoted) return field((quoted[1] ?? quoted[2] ?? '').replaceAll(/\\(.)/gs, '$1'));
    const parts = inside.split(',').map((part) => slice(part.trim()));
    return (values) => parts.flatMap((part) => part(values));
  }

  #closing(): number {
    let quote = '';
    let depth = 0;
    for (let at = this.#at; at < this.#text.length; at++) {
      const char = this.#text[at] as string;
      if (quote) {
        if (char === '\\') at++;
        else if (char === quote) quote = '';
      } else if (char === "'" || char === '"') quote = char;
      else if (char === '[') depth++;
      else if (char === ']' && --depth === 0) return at;
    }
    throw new Error('unterminated array');
  }
}

function field(name: string): Step {
  return (values) => values.flatMap((value) => {
    if (value === null || value === undefined) return [];
    if (!isObject(value)) throw new Lost();
    return Object.hasOwn(value, name) ? [value[name]] : [];
  });
}

const everything: Step = (values) => values.flatMap((value) => (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []));

function descendants(value: unknown): unknown[] {
  const inner = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return [value, ...inner.flatMap(descendants)];
}

function slice(text: string): Step {
  const match = /^(-?\d+)?(?:(:)(-?\d+)?(?::(-?\d+))?)?$/.exec(text);
  if (!match || text === '') throw new Error(`invalid array index ${text}`);
  const [, first, colon, last, by] = match;
  if (!colon) return (values) => values.flatMap((value) => [element(value, Number(first))]);
  const step = by === undefined ? 1 : Number(by);
  return (values) => values.flatMap((value) => {
    if (!Array.isArray(value)) throw new Lost();
    return value.slice(first === undefined ? 0 : Number(first), last === undefined ? undefined : Number(last)).filter((_, at) => at % Math.max(1, step) === 0);
  });
}

function element(value: unknown, index: number): unknown {
  if (!Array.isArray(value)) throw new Lost();
  const at = index < 0 ? value.length + index : index;
  if (at < 0 || at >= value.length) throw new Lost();
  return value[at];
}

const COMPARISON = /^\s*(@?[^=!<>]*?)\s*(==|!=|<=|>=|<|>)\s*(.*?)\s*$/s;

/** `@.type=="Ready"`, or the mere presence of `@.type`. */
function filtered(text: string): Step {
  const match = COMPARISON.exec(text);
  if (!match) {
    const present = operand(text.trim());
    return (values) => members(values).filter((item) => (present(item)?.length ?? 0) > 0);
  }
  const [, leftText = '', operator = '', rightText = ''] = match;
  const left = operand(leftText);
  const right = operand(rightText);
  return (values) => members(values).filter((item) => {
    const a = left(item);
    const b = right(item);
    return a !== undefined && b !== undefined && a.length === 1 && b.length === 1 && compare(a[0], operator, b[0]);
  });
}

function members(values: readonly unknown[]): unknown[] {
  return values.flatMap((value) => (Array.isArray(value) ? value : []));
}

function operand(text: string): JsonPath {
  if (text.startsWith('@') || text.startsWith('.')) return compileJsonPath(text);
  const quoted = /^(['"])(.*)\1$/s.exec(text);
  const literal = quoted ? quoted[2] : text === 'true' ? true : text === 'false' ? false : Number(text);
  return () => [literal];
}

function compare(a: unknown, operator: string, b: unknown): boolean {
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) return false;
  const [left, right] = [a, b as typeof a];
  return operator === '<' ? left < right : operator === '<=' ? left <= right : operator === '>' ? left > right : left >= right;
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
