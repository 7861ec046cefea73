/** A place in a YAML text, and what is wrong there. */

export interface Mark {
  readonly at: number;
  readonly line: number;
  readonly column: number;
}

/** The message names the line, where it is not the first. */
export class YamlProblem extends Error {
  /** `ahead`: scanners count lines from one, parsers do not. */
  constructor(what: string, marks: { readonly problem: Mark; readonly context?: Mark | undefined; readonly ahead: 0 | 1 }) {
    const { problem, context, ahead } = marks;
    const line = problem.line > 0 ? problem.line + ahead : (context?.line ?? 0);
    super(line > 0 ? `line ${line}: ${what}` : what);
  }
}

export class YamlCursor {
  readonly text: string;
  at = 0;
  line = 0;
  column = 0;
  /** Where indentation says nothing: within quotes and brackets. */
  loose = false;
  /** Beginnings of lines that lie there, and tabs. */
  readonly looseLines: number[] = [];
  readonly looseTabs: number[] = [];

  constructor(text: string) {
    this.text = text;
  }

  get mark(): Mark {
    return { at: this.at, line: this.line, column: this.column };
  }

  /** '' at the end. */
  char(ahead = 0): string {
    return this.text[this.at + ahead] ?? '';
  }

  fail(what: string, context?: Mark): never {
    throw new YamlProblem(what, { problem: this.mark, context, ahead: 1 });
  }

  skip(count = 1): void {
    this.at += count;
    this.column += count;
  }

  skipLine(): void {
    this.at += this.char() === '\r' && this.char(1) === '\n' ? 2 : 1;
    this.line++;
    this.column = 0;
    if (this.loose) this.looseLines.push(this.at);
  }

  /** Skips what fits from here on; the pattern is sticky. */
  run(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const [found = ''] = pattern.exec(this.text) ?? [];
    this.skip(found.length);
    return found;
  }

  /** At the beginning or end of a document. */
  atIndicator(): boolean {
    if (this.column !== 0) return false;
    const three = this.text.slice(this.at, this.at + 3);
    return (three === '---' || three === '...') && isBlankOrEnd(this.char(3));
  }
}

export function isBlank(char: string): boolean {
  return char === ' ' || char === '\t';
}

export function isBreak(char: string): boolean {
  return char === '\n' || char === '\r' || char === '\x85' || char === '\u2028' || char === '\u2029';
}

export function isBreakOrEnd(char: string): boolean {
  return char === '' || isBreak(char);
}

export function isBlankOrEnd(char: string): boolean {
  return isBlank(char) || isBreakOrEnd(char);
}
