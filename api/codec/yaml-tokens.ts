/**
 * The tokens of a YAML text, told apart as libyaml does: only to say what is wrong with a text, in its words and at its line.
 * Values are read elsewhere. Provenance: the scanner of go.yaml.in/yaml v2.
 */
import { isBlank, isBlankOrEnd, isBreak, isBreakOrEnd, YamlCursor, type Mark } from './yaml-cursor.ts';
import { readVersion, skipBlockScalar, skipPlain, skipQuoted } from './yaml-scalar-ends.ts';

export type TokenType =
  | 'stream-end' | 'version' | 'tag-directive' | 'document-start' | 'document-end' | 'block-sequence' | 'block-mapping' | 'block-end' | '[' | ']' | '{' | '}' | '-' | ',' | '?' | ':'
  | 'alias' | 'anchor' | 'tag' | 'scalar';

export interface Token {
  readonly type: TokenType;
  readonly start: Mark;
  /** The handle of a tag, the prefix of a directive, a version. */
  readonly text?: string;
}

interface SimpleKey {
  possible: boolean;
  readonly required: boolean;
  readonly number: number;
  readonly mark: Mark;
}

const NO_COLON = "could not find expected ':'";
const KEY_LIMIT = 1024;
const PLAIN_STARTS_NOT = new Set('-?:,[]{}#&*!|>\'"%@`');

export class YamlScanner {
  readonly #cursor: YamlCursor;
  readonly #tokens: Token[] = [];
  #taken = 0;
  #done = false;
  #indent = -1;
  readonly #indents: number[] = [];
  #keyAllowed = true;
  readonly #keys: (SimpleKey | undefined)[] = [undefined];

  constructor(text: string) {
    this.#cursor = new YamlCursor(text);
  }

  /** Lines and tabs of what has been read whose indentation says nothing. */
  get loose(): { readonly lines: readonly number[]; readonly tabs: readonly number[] } {
    return { lines: this.#cursor.looseLines, tabs: this.#cursor.looseTabs };
  }

  /** Throws YamlProblem. */
  peek(): Token {
    while (this.#needsMore()) this.#fetch();
    return this.#tokens[0] as Token;
  }

  /** Throws YamlProblem. */
  take(): Token {
    const token = this.peek();
    this.#tokens.shift();
    this.#taken++;
    return token;
  }

  #needsMore(): boolean {
    if (this.#tokens.length === 0) return !this.#done;
    const key = this.#keys.find((one) => one?.possible && one.number === this.#taken);
    return key !== undefined && this.#isValid(key);
  }

  get #inFlow(): boolean {
    return this.#keys.length > 1;
  }

  #push(type: TokenType, start: Mark, text?: string): void {
    this.#tokens.push({ type, start, ...(text !== undefined && { text }) });
  }

  #fetch(): void {
    this.#toNextToken();
    this.#unroll(this.#cursor.column);
    const char = this.#cursor.char();
    const start = this.#cursor.mark;
    if (char === '') return this.#streamEnd();
    if (this.#cursor.column === 0 && char === '%') return this.#directive();
    if (this.#cursor.atIndicator()) {
      this.#unroll(-1);
      this.#removeKey();
      this.#keyAllowed = false;
      this.#push(char === '-' ? 'document-start' : 'document-end', start);
      return this.#cursor.skip(3);
    }
    switch (char) {
      case '[':
      case '{':
        this.#saveKey();
        this.#keys.push(undefined);
        this.#cursor.loose = true;
        return this.#simple(char, true);
      case ']':
      case '}':
        this.#removeKey();
        if (this.#inFlow) this.#keys.pop();
        this.#cursor.loose = this.#inFlow;
        return this.#simple(char, false);
      case ',':
        this.#removeKey();
        return this.#simple(char, true);
      case '-':
        if (isBlankOrEnd(this.#cursor.char(1))) return this.#blockEntry();
        break;
      case '?':
        if (this.#inFlow || isBlankOrEnd(this.#cursor.char(1))) return this.#key();
        break;
      case ':':
        if (this.#inFlow || isBlankOrEnd(this.#cursor.char(1))) return this.#value();
        break;
      case '*':
      case '&':
        return this.#anchor(char === '*' ? 'alias' : 'anchor');
      case '!':
        return this.#tag();
      case '|':
      case '>':
        if (!this.#inFlow) return this.#scalar((start) => skipBlockScalar(this.#cursor, start, this.#indent), false);
        break;
      case "'":
      case '"':
        return this.#scalar((start) => skipQuoted(this.#cursor, start, char), true);
    }
    const next = this.#cursor.char(1);
    const plain = !(isBlankOrEnd(char) || PLAIN_STARTS_NOT.has(char)) || (char === '-' && !isBlank(next)) || (!this.#inFlow && (char === '?' || char === ':') && !isBlankOrEnd(next));
    if (plain) {
      return this.#scalar((begun) => {
        if (skipPlain(this.#cursor, begun, { inFlow: this.#inFlow, indent: this.#indent + 1 })) this.#keyAllowed = true;
      }, true);
    }
    return this.#cursor.fail('found character that cannot start any token', start);
  }

  #simple(type: TokenType, keyAllowed: boolean): void {
    this.#keyAllowed = keyAllowed;
    this.#push(type, this.#cursor.mark);
    this.#cursor.skip();
  }

  #toNextToken(): void {
    for (;;) {
      if (this.#cursor.column === 0 && this.#cursor.char() === '\ufeff') this.#cursor.skip();
      while (this.#cursor.char() === ' ' || ((this.#inFlow || !this.#keyAllowed) && this.#cursor.char() === '\t')) {
        if (this.#inFlow && this.#cursor.char() === '\t') this.#cursor.looseTabs.push(this.#cursor.at);
        this.#cursor.skip();
      }
      if (this.#cursor.char() === '#') while (!isBreakOrEnd(this.#cursor.char())) this.#cursor.skip();
      if (!isBreak(this.#cursor.char())) return;
      this.#cursor.skipLine();
      if (!this.#inFlow) this.#keyAllowed = true;
    }
  }

  #streamEnd(): void {
    if (this.#cursor.column !== 0) {
      this.#cursor.column = 0;
      this.#cursor.line++;
    }
    this.#unroll(-1);
    this.#removeKey();
    this.#keyAllowed = false;
    this.#done = true;
    this.#push('stream-end', this.#cursor.mark);
  }

  #isValid(key: SimpleKey): boolean {
    if (!key.possible) return false;
    if (key.mark.line >= this.#cursor.line && key.mark.at + KEY_LIMIT >= this.#cursor.at) return true;
    if (key.required) this.#cursor.fail(NO_COLON, key.mark);
    key.possible = false;
    return false;
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return;
    const required = !this.#inFlow && this.#indent === this.#cursor.column;
    this.#removeKey();
    this.#keys[this.#keys.length - 1] = { possible: true, required, number: this.#taken + this.#tokens.length, mark: this.#cursor.mark };
  }

  #removeKey(): void {
    const key = this.#keys.at(-1);
    if (key?.possible && key.required) this.#cursor.fail(NO_COLON, key.mark);
    if (key) key.possible = false;
  }

  #unroll(column: number): void {
    if (this.#inFlow) return;
    while (this.#indent > column) {
      this.#push('block-end', this.#cursor.mark);
      this.#indent = this.#indents.pop() ?? -1;
    }
  }

  #roll(mark: Mark, type: 'block-sequence' | 'block-mapping', number?: number): void {
    if (this.#inFlow || this.#indent >= mark.column) return;
    this.#indents.push(this.#indent);
    this.#indent = mark.column;
    this.#tokens.splice(number === undefined ? this.#tokens.length : number - this.#taken, 0, { type, start: mark });
  }

  #blockEntry(): void {
    if (!this.#inFlow) {
      if (!this.#keyAllowed) this.#cursor.fail('block sequence entries are not allowed in this context');
      this.#roll(this.#cursor.mark, 'block-sequence');
    }
    this.#removeKey();
    this.#simple('-', true);
  }

  #key(): void {
    if (!this.#inFlow) {
      if (!this.#keyAllowed) this.#cursor.fail('mapping keys are not allowed in this context');
      this.#roll(this.#cursor.mark, 'block-mapping');
    }
    this.#removeKey();
    this.#simple('?', !this.#inFlow);
  }

  #value(): void {
    const key = this.#keys.at(-1);
    if (key && this.#isValid(key)) {
      this.#tokens.splice(key.number - this.#taken, 0, { type: '?', start: key.mark });
      this.#roll(key.mark, 'block-mapping', key.number);
      key.possible = false;
      this.#keyAllowed = false;
    } else {
      if (!this.#inFlow) {
        if (!this.#keyAllowed) this.#cursor.fail('mapping values are not allowed in this context');
        this.#roll(this.#cursor.mark, 'block-mapping');
      }
      this.#keyAllowed = !this.#inFlow;
    }
    this.#push(':', this.#cursor.mark);
    this.#cursor.skip();
  }

  #directive(): void {
    this.#unroll(-1);
    this.#removeKey();
    this.#keyAllowed = false;
    const start = this.#cursor.mark;
    this.#cursor.skip();
    const name = this.#cursor.run(/[\w-]*/y);
    if (name === '') this.#cursor.fail('could not find expected directive name', start);
    if (!isBlankOrEnd(this.#cursor.char())) this.#cursor.fail('found unexpected non-alphabetical character', start);
    if (name !== 'YAML' && name !== 'TAG') this.#cursor.fail('found unknown directive name', start);
    this.#cursor.run(/[ \t]*/y);
    const text = name === 'YAML' ? readVersion(this.#cursor, start) : this.#cursor.run(/\S*/y);
    if (name === 'TAG') this.#cursor.run(/[ \t]*\S*/y);
    this.#cursor.run(/[ \t]*(?:#.*)?/y);
    if (!isBreakOrEnd(this.#cursor.char())) this.#cursor.fail('did not find expected comment or line break', start);
    this.#push(name === 'YAML' ? 'version' : 'tag-directive', start, text);
  }

  #anchor(type: 'alias' | 'anchor'): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const start = this.#cursor.mark;
    this.#cursor.skip();
    const name = this.#cursor.run(/[\w-]*/y);
    if (name === '' || !(isBlankOrEnd(this.#cursor.char()) || '?:,]}%@`'.includes(this.#cursor.char()))) this.#cursor.fail('did not find expected alphabetic or numeric character', start);
    this.#push(type, start);
  }

  #tag(): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const start = this.#cursor.mark;
    let handle = '';
    if (this.#cursor.char(1) === '<') {
      this.#cursor.run(/!<[\w\-;/?:@&=+$.!~*'()[\],%]*/y);
      if (this.#cursor.char() !== '>') this.#cursor.fail("did not find the expected '>'", start);
      this.#cursor.skip();
    } else {
      handle = this.#cursor.run(/![\w-]*!?/y);
      if (!handle.endsWith('!') || handle === '!') handle = '!';
      this.#cursor.run(/[\w\-;/?:@&=+$.!~*'()%]*/y);
    }
    if (!isBlankOrEnd(this.#cursor.char())) this.#cursor.fail('did not find expected whitespace or line break', start);
    this.#push('tag', start, handle);
  }

  #scalar(scan: (start: Mark) => void, key: boolean): void {
    if (key) this.#saveKey();
    else this.#removeKey();
    this.#keyAllowed = !key;
    const start = this.#cursor.mark;
    scan(start);
    this.#push('scalar', start);
  }
}
