/** Mistakes in an expression, shown with their place as cel-go shows them. */

/** A mistake that ends the reading at once. */
export class SourceError extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** All that is wrong with how an expression is written. */
export class SourceErrors extends Error {
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(({ message }) => message).join('; '));
    this.mistakes = mistakes;
  }
}

export interface Mistake {
  readonly at: number;
  readonly message: string;
}

/** The place of what should be there and is not; upstream shows it before the beginning. */
export const NOWHERE = -2;

/** Longer lines are not shown. */
const SNIPPET_LIMIT_CHARACTERS = 16_384;
/** After so many, more would not help. */
const SHOWN_LIMIT = 100;

export function describeMistakes(source: string, mistakes: readonly Mistake[]): string[] {
  const sorted = mistakes.map(({ at, message }, order) => ({ at, message, order })).sort((a, b) => a.at - b.at || a.order - b.order);
  return sorted.slice(0, SHOWN_LIMIT).map(({ at, message }) => describe(source, at, message));
}

function describe(source: string, at: number, message: string): string {
  if (source === '') return `ERROR: <input>:1:0: ${message}`;
  if (at === NOWHERE) return `ERROR: <input>:1:0: ${message}\n | ${source.split('\n')[0]?.replaceAll('\t', ' ')}\n | ^`;
  if (at < 0) return `ERROR: <input>:-1:0: ${message}`;
  const before = source.slice(0, at);
  const line = before.split('\n').length;
  const start = before.lastIndexOf('\n') + 1;
  const column = Array.from(source.slice(start, at)).length;
  const end = source.indexOf('\n', at);
  const text = source.slice(start, end < 0 ? undefined : end).replaceAll('\t', ' ');
  const dots = [...text].slice(0, column).map((char) => (isWide(char) ? '．' : '.')).join('');
  const mark = isWide([...text][column] ?? '') ? '＾' : '^';
  if ([...text].length > SNIPPET_LIMIT_CHARACTERS) return `ERROR: <input>:${line}:${column + 1}: ${message}`;
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${dots}${mark}`;
}

/** Characters that take more than one byte are underlined with wide ones. */
function isWide(char: string): boolean {
  return (char.codePointAt(0) ?? 0) > 0x7f;
}
