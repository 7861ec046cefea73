/** A JSON reader that keeps what `JSON.parse` loses: integers of 64 bits, how numbers were written, and keys that occur twice. */
import { goQuote } from '../go-quote.ts';
import { exactInteger, rawJson } from './exact-integers.ts';

/** A number that was not written as it would be printed: `1.0`, `1e2`, `1.50`. Integer fields refuse it. */
export class WrittenNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toJSON(): unknown {
    return rawJson(this.text);
  }
}

/** A key that came again, after `after` different keys of its object. */
export interface Duplicate {
  readonly key: string;
  readonly after: number;
  /** All objects that came under the key, made one: what a typed decoder reads into the same struct. Absent: the last value counts. */
  readonly merged?: unknown;
}

export interface JsonText {
  readonly value: unknown;
  /** Per object; absent: there are none. */
  readonly duplicates?: ReadonlyMap<object, readonly Duplicate[]>;
}

export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** How deep values may be nested, as Go's decoder has it, and what this reader can follow where a text needs to be read slowly. */
export const DEPTH_LIMIT = 10_000;
const READER_DEPTH_LIMIT = 2000;

/** Throws JsonSyntaxError, worded as Go's encoding/json does. */
export function parseJsonText(text: string): JsonText {
  const tooDeep = text.length > 2 * DEPTH_LIMIT ? beyondDepth(text) : undefined;
  if (tooDeep !== undefined) throw new JsonSyntaxError(`invalid character '${tooDeep}' exceeded max depth`);
  const easy = LONE_SURROGATE.test(text) ? undefined : tryParse(text);
  if (easy !== undefined) return { value: easy };
  return new Reader(text).read();
}

/** With numbers as values; for JSON that has no schema, such as what is stored. Throws SyntaxError. */
export function parseExact(text: string): unknown {
  return LONG_NUMBER.test(text) ? toPlain(parseJsonText(text).value) : JSON.parse(text);
}

/** Perhaps: pairs match as well. */
const LONE_SURROGATE = /\\u[dD][89a-fA-F]/;

/** The bracket that is one too many. */
function beyondDepth(text: string): string | undefined {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === 0x22) quoted = !quoted;
    else if (quoted) continue;
    else if ((code === 0x5b || code === 0x7b) && ++depth > DEPTH_LIMIT) return text[at];
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return undefined;
}

const LONG_NUMBER = /\d{16}/;

/** Numbers as they are written become values. Lists and objects are changed in place. */
export function toPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof WrittenNumber) return Number(value.text);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const plain = toPlain(value[i]);
      if (plain !== value[i]) value[i] = plain;
    }
  } else {
    const object = value as Record<string, unknown>;
    for (const key in object) {
      const inner = object[key];
      if (typeof inner !== 'object') continue;
      const plain = toPlain(inner);
      if (plain !== inner) setKey(object, key, plain);
    }
  }
  return value;
}

/** Also where the key is `__proto__`. */
export function setKey(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

/** Compact JSON that prints as it was written has no duplicate key and no peculiar number: what most clients send. */
function tryParse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    const length = text.charCodeAt(text.length - 1) === 10 ? text.length - 1 : text.length;
    const again = JSON.stringify(value);
    return again.length === length && text.startsWith(again) ? value : undefined;
  } catch {
    return undefined;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const LITERALS: ReadonlyMap<string, readonly [string, unknown]> = new Map([
  ['t', ['true', true]],
  ['f', ['false', false]],
  ['n', ['null', null]],
]);

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  readonly #duplicates = new Map<object, Duplicate[]>();

  constructor(text: string) {
    this.#text = text;
  }

  read(): JsonText {
    const value = this.#value();
    this.#skip();
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value');
    return this.#duplicates.size > 0 ? { value, duplicates: this.#duplicates } : { value };
  }

  #value(): unknown {
    const char = this.#skip();
    switch (char) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#list());
      case '"':
        return this.#string();
    }
    const literal = LITERALS.get(char);
    if (literal) return this.#literal(literal[0], literal[1]);
    if (char === '-' || (char >= '0' && char <= '9')) return this.#number();
    throw this.#unexpected('looking for beginning of value');
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > READER_DEPTH_LIMIT) throw new JsonSyntaxError('exceeded max depth');
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    const keys = new Set<string>();
    if (this.#skip() === '}') return this.#past(object);
    for (;;) {
      if (this.#skip() !== '"') throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      if (this.#skip() !== ':') throw this.#unexpected('after object key');
      this.#at++;
      const value = this.#value();
      if (keys.has(key)) this.#twice(object, { key, after: keys.size, before: object[key], value });
      setKey(object, key, value);
      keys.add(key);
      const next = this.#skip();
      if (next === '}') return this.#past(object);
      if (next !== ',') throw this.#unexpected('after object key:value pair');
      this.#at++;
    }
  }

  #list(): unknown[] {
    const list: unknown[] = [];
    if (this.#skip() === ']') return this.#past(list);
    for (;;) {
      list.push(this.#value());
      const next = this.#skip();
      if (next === ']') return this.#past(list);
      if (next !== ',') throw this.#unexpected('after array element');
      this.#at++;
    }
  }

  #string(): string {
    const start = this.#at++;
    let escaped = false;
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      if (Number.isNaN(code)) throw this.#unexpected('in string literal');
      if (code < 0x20) throw this.#unexpected('in string literal');
      if (code === 0x5c) {
        escaped = true;
        this.#escape();
      }
    }
    this.#at++;
    return escaped ? (JSON.parse(this.#text.slice(start, this.#at)) as string).toWellFormed() : this.#text.slice(start + 1, this.#at - 1);
  }

  #escape(): void {
    const char = this.#text[++this.#at] ?? '';
    if (char === 'u') {
      for (let i = 0; i < 4; i++) {
        this.#at++;
        if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? '')) throw this.#unexpected('in \\u hexadecimal character escape');
      }
    } else if (char === '' || !'"\\/bfnrt'.includes(char)) throw this.#unexpected('in string escape code');
  }

  #number(): unknown {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (!match) {
      this.#at++;
      throw this.#unexpected('in numeric literal');
    }
    const [text, fraction, exponent] = match;
    this.#at += text.length;
    const next = this.#text[this.#at] ?? '';
    if (next === '.' || next === 'e' || next === 'E') {
      this.#at++;
      throw this.#unexpected(next === '.' ? 'after decimal point in numeric literal' : 'in exponent of numeric literal');
    }
    if (fraction === undefined && exponent === undefined) return exactInteger(text);
    const value = Number(text);
    if (!Number.isFinite(value)) throw new JsonSyntaxError(`json: cannot unmarshal number ${text} into Go value of type float64`);
    return Number.isInteger(value) || String(value) !== text ? new WrittenNumber(text) : value;
  }

  #literal(word: string, value: unknown): unknown {
    for (let i = 1; i < word.length; i++) {
      this.#at++;
      if (this.#text[this.#at] !== word[i]) throw this.#unexpected(`in literal ${word} (expecting '${word[i]}')`);
    }
    this.#at++;
    return value;
  }

  #twice(object: object, { key, after, before, value }: { key: string; after: number; before: unknown; value: unknown }): void {
    const list = this.#duplicates.get(object) ?? [];
    const earlier = list.findLast((other) => other.key === key)?.merged ?? before;
    const merged = merge(earlier, value);
    list.push({ key, after, ...(merged !== value && { merged }) });
    this.#duplicates.set(object, list);
  }

  #past<T>(value: T): T {
    this.#at++;
    return value;
  }

  /** The next character that is no blank. */
  #skip(): string {
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return this.#text[this.#at] ?? '';
    }
  }

  #unexpected(where: string): JsonSyntaxError {
    const char = this.#text[this.#at];
    if (char === undefined) return new JsonSyntaxError('unexpected end of JSON input');
    // Go takes bytes for characters.
    const byte = char > '\x7f' ? String.fromCharCode(Buffer.from(this.#text.slice(this.#at, this.#at + 2))[0] ?? 0) : char;
    const shown = char === "'" ? `'\\''` : char === '"' ? `'"'` : `'${goQuote(byte).slice(1, -1)}'`;
    return new JsonSyntaxError(`invalid character ${shown} ${where}`);
  }
}

/** Objects that come under one key, later fields over earlier ones. */
function merge(earlier: unknown, later: unknown): unknown {
  if (!isPlainObject(earlier) || !isPlainObject(later)) return later;
  const out: Record<string, unknown> = { ...earlier };
  for (const [key, value] of Object.entries(later)) setKey(out, key, merge(Object.hasOwn(earlier, key) ? earlier[key] : undefined, value));
  return out;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WrittenNumber);
}
