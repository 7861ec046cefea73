/** What is wrong with a YAML text, in the words and at the line that upstream's reader tells. Provenance: the parser of go.yaml.in/yaml v2. */
import { YamlProblem, type Mark } from './yaml-cursor.ts';
import { YamlScanner, type Token, type TokenType } from './yaml-tokens.ts';

export interface YamlExtent {
  readonly end: number;
  /** Where lines begin, and tabs stand, within quotes and brackets: there indentation says nothing. */
  readonly loose: { readonly lines: readonly number[]; readonly tabs: readonly number[] };
}

const NONE = { lines: [], tabs: [] };

/** Why the first document cannot be read, or where it ends: what follows is never looked at. */
export function yamlSyntax(text: string): { readonly problem: string } | YamlExtent {
  if (CONTROL.test(text)) return { problem: 'control characters are not allowed' };
  if (isPlainJson(text)) return { end: text.length, loose: NONE };
  try {
    return new Reader(text).document();
  } catch (error) {
    if (error instanceof YamlProblem) return { problem: error.message };
    // The stack is the bound of how deep a text may nest.
    if (error instanceof RangeError) return { problem: 'exceeded max depth of 10000' };
    throw error;
  }
}

/** What programs send is JSON mostly: looking at each of its characters costs four times what reading it does. */
function isPlainJson(text: string): boolean {
  // YAML has rules of its own for long keys, tabs and characters told by number.
  if (text[0] !== '{' || SPECIAL.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const SPECIAL = /\t|\\[u/]|"[^"]{1000}/;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

class Reader {
  readonly #scanner: YamlScanner;
  readonly #handles = new Set(['!', '!!', '']);

  constructor(text: string) {
    this.#scanner = new YamlScanner(text);
  }

  document(): YamlExtent {
    const explicit = this.#directives();
    if (explicit && !this.#is('document-start')) this.#fail('did not find expected <document start>');
    if (this.#is('document-start')) {
      this.#scanner.take();
      if (!this.#is('version', 'tag-directive', 'document-start', 'document-end', 'stream-end')) this.#node(true, false);
    } else if (!this.#is('stream-end')) {
      this.#node(true, false);
    }
    return { end: this.#scanner.peek().start.at, loose: this.#scanner.loose };
  }

  #directives(): boolean {
    let versions = 0;
    let any = false;
    for (; this.#is('version', 'tag-directive'); any = true) {
      const { type, start, text = '' } = this.#scanner.take();
      if (type === 'tag-directive') this.#handles.add(text);
      else if (versions++ > 0) throw problem('found duplicate %YAML directive', start);
      else if (text !== '1.1') throw problem('found incompatible YAML document', start);
    }
    return any;
  }

  #is(...types: TokenType[]): boolean {
    return types.includes(this.#scanner.peek().type);
  }

  #fail(what: string, context?: Mark): never {
    throw problem(what, this.#scanner.peek().start, context);
  }

  #node(block: boolean, indentless: boolean): void {
    const { start } = this.#scanner.peek();
    if (this.#is('alias')) return void this.#scanner.take();
    let marked = false;
    for (const seen = new Set<TokenType>(); this.#is('anchor', 'tag') && !seen.has(this.#scanner.peek().type); marked = true) {
      const token: Token = this.#scanner.take();
      seen.add(token.type);
      if (token.type === 'tag' && !this.#handles.has(token.text ?? '')) throw problem('found undefined tag handle', token.start, start);
    }
    if (indentless && this.#is('-')) return this.#indentless();
    if (this.#is('scalar')) return void this.#scanner.take();
    if (this.#is('[')) return this.#flowSequence();
    if (this.#is('{')) return this.#flowMapping();
    if (block && this.#is('block-sequence')) return this.#blockSequence();
    if (block && this.#is('block-mapping')) return this.#blockMapping();
    if (!marked) this.#fail('did not find expected node content', start);
  }

  #indentless(): void {
    while (this.#is('-')) {
      this.#scanner.take();
      if (!this.#is('-', '?', ':', 'block-end')) this.#node(true, false);
    }
  }

  #blockSequence(): void {
    const { start } = this.#scanner.take();
    while (this.#is('-')) {
      this.#scanner.take();
      if (!this.#is('-', 'block-end')) this.#node(true, false);
    }
    if (!this.#is('block-end')) this.#fail("did not find expected '-' indicator", start);
    this.#scanner.take();
  }

  #blockMapping(): void {
    const { start } = this.#scanner.take();
    while (this.#is('?')) {
      for (const part of ['?', ':'] as const) {
        if (!this.#is(part)) continue;
        this.#scanner.take();
        if (!this.#is('?', ':', 'block-end')) this.#node(true, true);
      }
    }
    if (!this.#is('block-end')) this.#fail('did not find expected key', start);
    this.#scanner.take();
  }

  #flowSequence(): void {
    const { start } = this.#scanner.take();
    for (let first = true; !this.#is(']'); first = false) {
      if (!first) this.#comma("did not find expected ',' or ']'", start);
      if (this.#is('?')) this.#pair();
      else if (!this.#is(']')) this.#node(false, false);
    }
    this.#scanner.take();
  }

  #comma(otherwise: string, start: Mark): void {
    if (!this.#is(',')) this.#fail(otherwise, start);
    this.#scanner.take();
  }

  /** A mapping of one, in a sequence. What has no key loses a token, as upstream. */
  #pair(): void {
    this.#scanner.take();
    if (this.#is(':', ',', ']')) this.#scanner.take();
    else this.#node(false, false);
    if (!this.#is(':')) return;
    this.#scanner.take();
    if (!this.#is(',', ']')) this.#node(false, false);
  }

  #flowMapping(): void {
    const { start } = this.#scanner.take();
    for (let first = true; !this.#is('}'); first = false) {
      if (!first) this.#comma("did not find expected ',' or '}'", start);
      if (!this.#is('?')) {
        if (!this.#is('}')) this.#node(false, false);
        continue;
      }
      this.#scanner.take();
      if (!this.#is(':', ',', '}')) this.#node(false, false);
      if (!this.#is(':')) continue;
      this.#scanner.take();
      if (!this.#is(',', '}')) this.#node(false, false);
    }
    this.#scanner.take();
  }
}

function problem(what: string, at: Mark, context?: Mark): YamlProblem {
  return new YamlProblem(what, { problem: at, context, ahead: 0 });
}
